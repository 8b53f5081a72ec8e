/* shards.h - a dataset of three files, which tests read block by block. */
#ifndef SHARDS_H
#define SHARDS_H

#include "data/stream.h"
#include "test_dataset.h"

/* 1,024 float32 features are 4 KiB a row, and a block has 512 rows. */
enum { WIDE = 1024, LONGEST = 24, SHARDS = 3, PER_SHARD = 200, ALL = SHARDS * PER_SHARD };

static char paths[600];
static mlce_dataset *dataset;

static int length_of(int s) {
    return s % 17 == 4 ? 0 : 1 + s * 7 % LONGEST;
}

/* Rows hold (sequence, token, 1, 1, ...). */
static void fill_rows(float *rows, int s, int length, int width) {
    for (int t = 0; t < length; t++) {
        for (int c = 0; c < width; c++) rows[t * width + c] = 1;
        rows[t * width] = (float)s;
        rows[t * width + 1] = (float)t;
    }
}

/* A shard of the sequences first .. first + count - 1, each one with a span of type "even" or
   "odd". Every second shard has the types the other way round. `lengths` NULL: by length_of(). */
static void write_shard(const char *name, int first, int count, const int *lengths,
                        mlce_precision precision, int width) {
    static const char *const types[][2] = {{"even", "odd"}, {"odd", "even"}};
    int turned = first / PER_SHARD % 2;
    mlce_dataset_spec spec = {.types = types[turned],
                              .type_count = 2,
                              .width = width,
                              .precision = precision,
                              .spans = true};
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(name, &spec, &writer));
    for (int s = first; s < first + count; s++) {
        int length = lengths ? lengths[s - first] : length_of(s);
        float *rows = malloc((size_t)(length + 1) * (size_t)width * sizeof *rows);
        fill_rows(rows, s, length, width);
        mlce_span span = {0, length, (s + turned) % 2};
        mlce_sequence sequence = {
            .length = length, .embeddings = rows, .spans = &span, .span_count = length > 0};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
        free(rows);
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

static void write_shards(void) {
    set_up();
    for (int i = 0; i < SHARDS; i++) {
        snprintf(path, sizeof path, "%s/shard-%d.h5", folder, i);
        write_shard(path, i * PER_SHARD, PER_SHARD, NULL, MLCE_FLOAT32, WIDE);
    }
    snprintf(paths, sizeof paths, "%s/shard-*.h5", folder);
}

static void open_streamed(void) {
    assert_ok(mlce_dataset_open(paths, &(mlce_dataset_options){.memory = 0}, &dataset));
    ck_assert(!mlce_dataset_is_resident(dataset));
}

static void open_shards(void) {
    write_shards();
    open_streamed();
}

static mlce_batcher *new_batcher(mlce_batch_options options) {
    mlce_batcher *batcher;
    assert_ok(mlce_batcher_new(dataset, &options, &batcher));
    return batcher;
}

static const mlce_batch *next_batch(mlce_batcher *batcher) {
    const mlce_batch *batch;
    assert_ok(mlce_batcher_next(batcher, &batch));
    return batch;
}

static void end_with(mlce_batcher *batcher) {
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    tear_down();
}

#endif
