/* easy_data.h - a dataset that a small model learns in a few epochs. */
#ifndef EASY_DATA_H
#define EASY_DATA_H

#include "mlce/dataset.h"
#include "mlce/random.h"
#include "unit.h"

/* Tokens are noise, but the two ends of each sequence's one span carry a mark of its type, which
   the first four features hold. `swap` gives the types each other's numbers. */
static inline void write_easy_data(const char *path, int width, int sequences, uint64_t seed,
                                   const char *const types[2], bool swap) {
    enum { LONGEST = 20 };
    mlce_dataset_spec spec = {.types = types,
                              .type_count = 2,
                              .width = width,
                              .precision = MLCE_FLOAT32,
                              .embedding = "noise",
                              .spans = true};
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    float *rows = calloc((size_t)(LONGEST * width), sizeof *rows);
    ck_assert_ptr_nonnull(rows);
    for (int s = 0; s < sequences; s++) {
        int length = 4 + (int)mlce_random_below(&random, LONGEST - 4);
        for (int i = 0; i < length * width; i++)
            rows[i] = 0.3f * (mlce_random_float(&random) - 0.5f);
        int start = (int)mlce_random_below(&random, (uint64_t)length);
        int end = start + 1 + (int)mlce_random_below(&random, (uint64_t)(length - start));
        int type = (int)mlce_random_below(&random, 2);
        rows[start * width + type] += 2;
        rows[(end - 1) * width + 2 + type] += 2;
        mlce_span span = {start, end, swap ? 1 - type : type};
        mlce_sequence sequence = {
            .length = length, .embeddings = rows, .spans = &span, .span_count = 1};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
    free(rows);
}

#endif
