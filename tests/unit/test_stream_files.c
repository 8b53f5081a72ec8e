/* test_stream_files.c - files of a dataset that are many, or change while it is read. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "shards.h"

START_TEST(more_files_than_may_be_open_are_one_dataset) {
    enum { FILES = 150 };
    static const int lengths[] = {3, 2};
    set_up();
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/many-%03d.h5", folder, i);
        write_shard(path, 2 * i, 2, lengths, i % 2 ? MLCE_FLOAT16 : MLCE_FLOAT64, 8);
    }
    snprintf(paths, sizeof paths, "%s/many-*.h5", folder);
    open_streamed();
    int open = 0;
    for (size_t i = 0; i < dataset->file_count; i++) open += dataset->files[i].h5.id > 0;
    ck_assert_int_le(open, 64);
    mlce_batcher *batcher =
        new_batcher((mlce_batch_options){.sequences = 7, .shuffle = true, .seed = 2});
    const mlce_batch *batch;
    int seen[2 * FILES] = {0};
    assert_ok(mlce_batcher_start(batcher, 0));
    while ((batch = next_batch(batcher))) {
        for (int b = 0; b < batch->sequences; b++) {
            seen[batch->ids[b]]++;
            ck_assert_float_eq(batch->embeddings[batch->offsets[b] * 8], (float)batch->ids[b]);
        }
    }
    for (int s = 0; s < 2 * FILES; s++) ck_assert_int_eq(seen[s], 1);
    float row[3 * 8];
    assert_ok(mlce_dataset_read(dataset, 1, row));
    ck_assert_float_eq(row[0], 1);
    end_with(batcher);
}
END_TEST

/* ---- Files that change ---- */

static const mlce_batch_options shuffled = {
    .sequences = 16, .shuffle = true, .seed = 1, .memory = 8 << 20};

/* Later than the file system's clock could confuse with the time of opening. */
static void wait_for_clock(void) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static mlce_status read_all(mlce_batcher *batcher) {
    const mlce_batch *batch;
    mlce_status status = mlce_batcher_start(batcher, 0);
    do {
        if (!status) status = mlce_batcher_next(batcher, &batch);
    } while (!status && batch);
    return status;
}

START_TEST(a_file_that_is_cut_or_changed_is_one_clear_error) {
    open_shards();
    mlce_batcher *batcher = new_batcher(shuffled);
    assert_ok(read_all(batcher));
    snprintf(path, sizeof path, "%s/shard-1.h5", folder);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    wait_for_clock();
    if (_i == 0) {
        ck_assert_int_eq(truncate(path, info.st_size / 2), 0);
        assert_fails(read_all(batcher), MLCE_E_DATA, "shard-1.h5: has been cut from ");
        assert_fails(mlce_dataset_read(dataset, PER_SHARD, (float[LONGEST * WIDE]){0}), MLCE_E_DATA,
                     "has been cut");
    } else {
        int file = open(path, O_WRONLY);
        ck_assert_int_eq(pwrite(file, "\1", 1, info.st_size - 1), 1);
        close(file);
        assert_fails(read_all(batcher), MLCE_E_DATA, "shard-1.h5: has been changed since");
    }
    end_with(batcher);
}
END_TEST

/* A file that is closed meanwhile may be another one when it is opened again. */
START_TEST(a_file_that_is_replaced_while_it_is_closed_is_refused) {
    open_shards();
    mlce_dataset_file *file = &dataset->files[1];
    assert_ok(mlce_rows_close(file));
    snprintf(path, sizeof path, "%s/new.h5", folder);
    write_shard(path, PER_SHARD, PER_SHARD, NULL, MLCE_FLOAT32, WIDE);
    ck_assert_int_eq(rename(path, file->path), 0);
    mlce_batcher *batcher = new_batcher(shuffled);
    assert_fails(read_all(batcher), MLCE_E_DATA, "shard-1.h5: has been changed since");
    ck_assert_int_eq(unlink(file->path), 0);
    assert_fails(read_all(batcher), MLCE_E_IO, "shard-1.h5");
    end_with(batcher);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, more_files_than_may_be_open_are_one_dataset);
    tcase_add_loop_test(cases, a_file_that_is_cut_or_changed_is_one_clear_error, 0, 2);
    tcase_add_test(cases, a_file_that_is_replaced_while_it_is_closed_is_refused);
}

int main(void) {
    return run_suite("stream_files", add);
}
