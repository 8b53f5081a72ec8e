/* test_batcher.c - batches read ahead by a thread. */
#include <stdio.h>
#include <unistd.h>

#include "spoil.h"

#include "mlce/batch.h"

enum { COUNT = 90, LONGEST = 12, WIDE = 2000 /* makes a file that HDF5's caches do not hold */ };

static int width = 5;

static char *folder, path[128];

static int length_of(int s) {
    return s % 13 == 4 ? 0 : 1 + s * 7 % LONGEST;
}

/* Writes `count` sequences: row t of sequence s holds 100 s + t + feature % 8 / 8. */
static void write_dataset(int count, mlce_precision precision) {
    static const char *const types[] = {"A", "B"};
    mlce_dataset_spec spec = {
        .types = types, .type_count = 2, .width = width, .precision = precision, .spans = true};
    mlce_dataset_writer *writer;
    folder = make_folder();
    snprintf(path, sizeof path, "%s/data.h5", folder);
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    for (int s = 0; s < count; s++) {
        static float rows[LONGEST * WIDE];
        mlce_span spans[2] = {{0, 1, s % 2}, {0, length_of(s), 1 - s % 2}};
        for (int t = 0; t < length_of(s); t++)
            for (int c = 0; c < width; c++)
                rows[t * width + c] = (float)(100 * s + t) + (float)(c % 8) / 8;
        mlce_sequence sequence = {.length = length_of(s),
                                  .embeddings = rows,
                                  .spans = spans,
                                  .span_count = length_of(s) ? s % 3 : 0};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

/* `kept`: embeddings in memory; else they are read from the file batch by batch. */
static mlce_dataset *open_dataset(bool kept) {
    mlce_dataset *dataset;
    mlce_dataset_options options = {.memory = kept ? 1 << 30 : 0, .check_rows = true};
    assert_ok(mlce_dataset_open(path, &options, &dataset));
    ck_assert_int_eq(mlce_dataset_is_resident(dataset), kept);
    return dataset;
}

static mlce_batcher *new_batcher(mlce_dataset *dataset, mlce_batch_options options) {
    mlce_batcher *batcher;
    assert_ok(mlce_batcher_new(dataset, &options, &batcher));
    return batcher;
}

static void check_batch(mlce_dataset *dataset, const mlce_batch *batch, int *seen) {
    ck_assert_int_eq(batch->width, width);
    ck_assert_int_eq(batch->offsets[0], 0);
    ck_assert_int_eq(batch->span_offsets[0], 0);
    ck_assert_int_eq(batch->offsets[batch->sequences], batch->tokens);
    for (int b = 0; b < batch->sequences; b++) {
        int s = (int)batch->ids[b], length = length_of(s), count;
        seen[s]++;
        ck_assert_int_eq(batch->offsets[b + 1] - batch->offsets[b], length);
        const float *rows = batch->embeddings + batch->offsets[b] * width;
        for (int t = 0; t < length; t++)
            for (int c = 0; c < width; c++)
                ck_assert_float_eq(rows[t * width + c], (float)(100 * s + t) + (float)(c % 8) / 8);
        const mlce_span *gold = mlce_dataset_gold(dataset, s, &count);
        ck_assert_int_eq(batch->span_offsets[b + 1] - batch->span_offsets[b], count);
        if (count)
            ck_assert_mem_eq(batch->spans + batch->span_offsets[b], gold,
                             (size_t)count * sizeof *gold);
    }
}

static const mlce_batch_options every_kind[] = {
    {.sequences = 4},
    {.sequences = 7, .shuffle = true, .seed = 1},
    {.tokens = 20, .shuffle = true, .bucket = true, .seed = 1},
    {.sequences = 1},
    {.tokens = 1, .shuffle = true},
    {0},
};
enum { KINDS = sizeof every_kind / sizeof every_kind[0] };

START_TEST(batches_hold_what_the_dataset_holds) {
    write_dataset(COUNT, MLCE_FLOAT32);
    mlce_dataset *dataset = open_dataset(_i % 2);
    mlce_batcher *batcher = new_batcher(dataset, every_kind[_i / 2]);
    for (int64_t epoch = 0; epoch < 4; epoch++) {
        int seen[COUNT] = {0};
        const mlce_batch *batch;
        assert_ok(mlce_batcher_start(batcher, epoch));
        int64_t count = mlce_batcher_count(batcher);
        for (int64_t b = 0; b < count; b++) {
            assert_ok(mlce_batcher_next(batcher, &batch));
            ck_assert_ptr_nonnull(batch);
            check_batch(dataset, batch, seen);
        }
        for (int again = 0; again < 2; again++) {
            assert_ok(mlce_batcher_next(batcher, &batch));
            ck_assert_ptr_null(batch);
        }
        for (int s = 0; s < COUNT; s++) ck_assert_int_eq(seen[s], 1);
    }
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

START_TEST(a_batch_stays_whole_while_the_next_is_read) {
    write_dataset(COUNT, MLCE_FLOAT64);
    mlce_dataset *dataset = open_dataset(false);
    mlce_batcher *batcher = new_batcher(dataset, (mlce_batch_options){.sequences = 3});
    const mlce_batch *batch;
    assert_ok(mlce_batcher_start(batcher, 0));
    for (int b = 0; b < 10; b++) {
        int seen[COUNT] = {0};
        assert_ok(mlce_batcher_next(batcher, &batch));
        usleep(3000);
        check_batch(dataset, batch, seen);
    }
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

START_TEST(an_epoch_can_be_dropped_at_any_moment) {
    write_dataset(COUNT, MLCE_FLOAT32);
    mlce_dataset *dataset = open_dataset(false);
    mlce_batcher *batcher = new_batcher(dataset, every_kind[1]);
    for (int taken = 0; taken < 14; taken++) {
        const mlce_batch *batch;
        int seen[COUNT] = {0};
        assert_ok(mlce_batcher_start(batcher, taken % 3));
        for (int b = 0; b < taken; b++) {
            assert_ok(mlce_batcher_next(batcher, &batch));
            if (batch) check_batch(dataset, batch, seen);
        }
        if (taken % 4 == 3) { /* free in mid-epoch */
            mlce_batcher_free(batcher);
            batcher = new_batcher(dataset, every_kind[1]);
        }
    }
    assert_ok(mlce_batcher_start(batcher, 0));
    mlce_batcher_free(batcher);                             /* right after the start */
    mlce_batcher_free(new_batcher(dataset, every_kind[0])); /* never started */
    mlce_batcher_free(NULL);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

/* The failure is met by the reader's thread; its message must reach the caller's. */
START_TEST(a_value_that_is_not_finite_ends_the_epoch_at_its_batch) {
    width = WIDE;
    write_dataset(COUNT, MLCE_FLOAT32);
    spoil_number(path, 100 * 50); /* row 0 of sequence 50 begins with it */
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, &(mlce_dataset_options){.memory = 0}, &dataset));
    mlce_batcher *batcher = new_batcher(dataset, (mlce_batch_options){.sequences = 10});
    const mlce_batch *batch;
    assert_ok(mlce_batcher_start(batcher, 0));
    for (int b = 0; b < 5; b++) assert_ok(mlce_batcher_next(batcher, &batch));
    assert_fails(mlce_batcher_next(batcher, &batch), MLCE_E_DATA, "sequence 50");
    ck_assert_ptr_null(batch);
    mlce_fail(MLCE_E_ARGUMENT, "another message");
    assert_fails(mlce_batcher_next(batcher, &batch), MLCE_E_DATA, "data.h5"); /* and again */
    assert_ok(mlce_batcher_start(batcher, 1)); /* an epoch can be started anew */
    assert_ok(mlce_batcher_next(batcher, &batch));
    ck_assert_ptr_nonnull(batch);
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    remove_folder(folder);
    width = 5;
}
END_TEST

START_TEST(a_single_sequence_makes_one_batch) {
    write_dataset(1, MLCE_FLOAT16);
    mlce_dataset *dataset = open_dataset(true);
    mlce_batcher *batcher = new_batcher(
        dataset, (mlce_batch_options){.sequences = 16, .shuffle = true, .bucket = true});
    const mlce_batch *batch;
    int seen[COUNT] = {0};
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        assert_ok(mlce_batcher_start(batcher, epoch));
        ck_assert_int_eq(mlce_batcher_count(batcher), 1);
        assert_ok(mlce_batcher_next(batcher, &batch));
        check_batch(dataset, batch, seen);
        assert_ok(mlce_batcher_next(batcher, &batch));
        ck_assert_ptr_null(batch);
    }
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

START_TEST(wrong_calls_are_refused) {
    write_dataset(3, MLCE_FLOAT32);
    mlce_dataset *dataset = open_dataset(true);
    mlce_batcher *batcher;
    const mlce_batch *batch;
    mlce_batch_options negative = {.sequences = -1};
    assert_fails(mlce_batcher_new(dataset, &negative, &batcher), MLCE_E_ARGUMENT, "negative");
    ck_assert_ptr_null(batcher);
    batcher = new_batcher(dataset, (mlce_batch_options){.sequences = 1});
    assert_fails(mlce_batcher_next(batcher, &batch), MLCE_E_ARGUMENT, "mlce_batcher_start");
    ck_assert_int_eq(mlce_batcher_count(batcher), 0);
    assert_fails(mlce_batcher_start(batcher, -1), MLCE_E_ARGUMENT, "epoch -1");
    assert_fails(mlce_batcher_start(batcher, INT64_MAX), MLCE_E_ARGUMENT, "epoch");
    assert_ok(mlce_batcher_start(batcher, 0));
    ck_assert_int_eq(mlce_batcher_count(batcher), 3);
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, batches_hold_what_the_dataset_holds, 0, 2 * KINDS);
    tcase_add_test(cases, a_batch_stays_whole_while_the_next_is_read);
    tcase_add_test(cases, an_epoch_can_be_dropped_at_any_moment);
    tcase_add_test(cases, a_value_that_is_not_finite_ends_the_epoch_at_its_batch);
    tcase_add_test(cases, a_single_sequence_makes_one_batch);
    tcase_add_test(cases, wrong_calls_are_refused);
}

int main(void) {
    return run_suite("batcher", add);
}
