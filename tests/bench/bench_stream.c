/* bench_stream.c - makes a dataset of random rows, of any size, in several files.
 *
 *   bench_stream FOLDER MEBIBYTES SHARDS
 *
 * Sequences of 10 to 50 tokens of 768 float16 features, two spans each. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "mlce/dataset.h"

enum { WIDTH = 768, SHORTEST = 10, LONGEST = 50, POOL = 1 << 22, TYPES = 10 };

static void check(mlce_status status) {
    if (status) bench_fail();
}

/* Every sequence is a run of the pool from anywhere on. */
static int64_t write_shard(const char *path, int64_t tokens, const float *pool,
                           mlce_random *random) {
    static const char *const types[TYPES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    mlce_dataset_spec spec = {.types = types,
                              .type_count = TYPES,
                              .width = WIDTH,
                              .precision = MLCE_FLOAT16,
                              .spans = true};
    mlce_dataset_writer *writer;
    check(mlce_dataset_writer_open(path, &spec, &writer));
    int64_t written = 0;
    while (written < tokens) {
        int length = SHORTEST + (int)mlce_random_below(random, LONGEST - SHORTEST + 1);
        int half = length / 2;
        int32_t first = (int32_t)mlce_random_below(random, (uint64_t)half - 2);
        mlce_span spans[2] = {{first, first + 2, (int)mlce_random_below(random, TYPES)},
                              {half, half + 1, (int)mlce_random_below(random, TYPES)}};
        mlce_sequence sequence = {.length = length,
                                  .embeddings =
                                      pool + mlce_random_below(random, POOL - LONGEST * WIDTH),
                                  .spans = spans,
                                  .span_count = 2};
        check(mlce_dataset_writer_add(writer, &sequence));
        written += length;
    }
    check(mlce_dataset_writer_close(writer));
    return written;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: bench_stream FOLDER MEBIBYTES SHARDS\n");
        return 2;
    }
    int64_t bytes = atoll(argv[2]) << 20, shards = atoll(argv[3]), tokens = 0;
    mlce_random random = mlce_random_new(2, MLCE_STREAM_DATA);
    float *pool = bench_random_floats(POOL, 1);
    for (int64_t n = 0; n < shards; n++) {
        char path[512];
        snprintf(path, sizeof path, "%s/shard-%02d.h5", argv[1], (int)n);
        tokens += write_shard(path, bytes / shards / WIDTH / 2, pool, &random);
    }
    printf("{\"tokens\": %lld}\n", (long long)tokens);
    free(pool);
    return 0;
}
