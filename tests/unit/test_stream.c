/* test_stream.c - datasets that are not in memory, read block by block. */
#include "shards.h"

/* For batches of the shards' sequences, whose lengths the plan keeps. */
static void init_plan(mlce_batch_plan *plan, const mlce_batch_options *options) {
    static int lengths[ALL];
    for (int s = 0; s < ALL; s++) lengths[s] = length_of(s);
    assert_ok(mlce_batch_plan_init(plan, lengths, ALL, options));
}

/* Rows and gold of each sequence of the batch are its own. */
static void check_batch(const mlce_batch *batch, int *seen) {
    for (int b = 0; b < batch->sequences; b++) {
        int s = (int)batch->ids[b], length = length_of(s);
        seen[s]++;
        ck_assert_int_eq(batch->offsets[b + 1] - batch->offsets[b], length);
        for (int t = 0; t < length; t++) {
            const float *row = batch->embeddings + (batch->offsets[b] + t) * batch->width;
            ck_assert_float_eq(row[0], (float)s);
            ck_assert_float_eq(row[1], (float)t);
            ck_assert_float_eq(row[WIDE - 1], 1);
        }
        ck_assert_int_eq(batch->span_offsets[b + 1] - batch->span_offsets[b], length > 0);
        if (length)
            ck_assert_str_eq(
                mlce_dataset_type_name(dataset, batch->spans[batch->span_offsets[b]].type),
                s % 2 ? "odd" : "even");
    }
}

enum { MEMORY = 8 << 20 };

static const mlce_batch_options every_kind[] = {
    {.sequences = 16, .shuffle = true, .seed = 1, .memory = MEMORY},
    {.sequences = 16, .shuffle = true, .bucket = true, .seed = 1, .memory = MEMORY},
    {.tokens = 100, .shuffle = true, .seed = 1, .memory = 1},
    {.sequences = 16, .memory = MEMORY},
    {.sequences = 1, .shuffle = true},
};
enum { KINDS = sizeof every_kind / sizeof every_kind[0] };

START_TEST(an_epoch_over_shards_has_every_sequence_once) {
    open_shards();
    mlce_batcher *batcher = new_batcher(every_kind[_i]);
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        int seen[ALL] = {0};
        const mlce_batch *batch;
        assert_ok(mlce_batcher_start(batcher, epoch));
        while ((batch = next_batch(batcher))) check_batch(batch, seen);
        for (int s = 0; s < ALL; s++) ck_assert_int_eq(seen[s], 1);
    }
    end_with(batcher);
}
END_TEST

/* The ids of an epoch's batches from `from` on, with -1 after each batch. */
static int ids_of(mlce_batcher *batcher, int64_t epoch, int64_t from, int64_t *ids) {
    const mlce_batch *batch;
    int count = 0, seen[ALL] = {0};
    assert_ok(mlce_batcher_start_at(batcher, epoch, from));
    while ((batch = next_batch(batcher))) {
        check_batch(batch, seen);
        for (int b = 0; b < batch->sequences; b++) ids[count++] = batch->ids[b];
        ids[count++] = -1;
    }
    return count;
}

START_TEST(an_epoch_can_be_gone_on_with_from_any_batch) {
    open_shards();
    static int64_t whole[2 * ALL], rest[2 * ALL];
    mlce_batcher *batcher = new_batcher(every_kind[_i]);
    int count = ids_of(batcher, 3, 0, whole);
    int64_t batches = mlce_batcher_count(batcher);
    mlce_batcher_free(batcher);
    batcher = new_batcher(every_kind[_i]);
    for (int64_t from = 1; from <= batches; from += batches / 5) {
        int left = ids_of(batcher, 3, from, rest);
        ck_assert_int_gt(count, left);
        ck_assert_mem_eq(rest, whole + count - left, (size_t)left * sizeof *rest);
        int64_t ends = 0;
        for (int i = 0; i < left; i++) ends += rest[i] < 0;
        ck_assert_int_eq(ends, batches - from);
    }
    end_with(batcher);
}
END_TEST

START_TEST(without_shuffle_the_order_is_that_of_the_files) {
    open_shards();
    static int64_t ids[2 * ALL];
    mlce_batcher *batcher = new_batcher((mlce_batch_options){.sequences = 1});
    ck_assert_int_eq(ids_of(batcher, 0, 0, ids), 2 * ALL);
    for (int s = 0; s < ALL; s++) ck_assert_int_eq(ids[2 * s], s);
    end_with(batcher);
}
END_TEST

START_TEST(data_in_memory_is_shuffled_as_a_whole) {
    write_shards();
    mlce_batch_options options = every_kind[0];
    static int64_t ids[2 * ALL];
    mlce_batch_plan plan;
    init_plan(&plan, &options);
    mlce_batch_plan_make(&plan, 2);
    assert_ok(mlce_dataset_open(paths, NULL, &dataset));
    ck_assert(mlce_dataset_is_resident(dataset));
    mlce_batcher *batcher = new_batcher(options);
    ids_of(batcher, 2, 0, ids);
    for (int s = 0, i = 0; s < ALL; i++)
        if (ids[i] >= 0) ck_assert_int_eq(ids[i], plan.order[s++]);
    mlce_batcher_free(batcher);
    mlce_dataset_close(dataset);
    mlce_batch_plan_free(&plan);
    tear_down();
}
END_TEST

/* ---- What is read ---- */

/* Reads an epoch without a thread, and as far ahead as there is room. */
static void read_epoch(mlce_stream *stream, const mlce_batch_options *options, int64_t epoch) {
    static float rows[LONGEST * WIDE];
    mlce_batch_plan plan;
    init_plan(&plan, options);
    assert_ok(mlce_stream_init(stream, dataset, options));
    assert_ok(mlce_batch_plan_set_blocks(&plan, stream->first, stream->count, stream->mixed,
                                         stream->window));
    mlce_batch_plan_make(&plan, epoch);
    mlce_stream_start(stream, &plan, 0);
    for (int i = 0; i < ALL; i++) {
        int s = (int)plan.order[i];
        assert_ok(mlce_stream_read(stream, s, rows, WIDE));
        for (int t = 0; t < length_of(s); t++) {
            ck_assert_float_eq(rows[t * WIDE], (float)s);
            ck_assert_float_eq(rows[t * WIDE + 1], (float)t);
        }
        while (mlce_stream_has_ahead(stream)) mlce_stream_read_ahead(stream);
    }
    mlce_batch_plan_free(&plan);
}

START_TEST(the_memory_of_blocks_stays_within_bounds) {
    open_shards();
    mlce_batch_options options = every_kind[_i];
    options.memory = MEMORY;
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        mlce_stream stream;
        read_epoch(&stream, &options, epoch);
        ck_assert_int_ge(stream.count, 12); /* of 2 MiB */
        if (options.shuffle) ck_assert_uint_gt(stream.most_bytes, MEMORY / 2);
        ck_assert_uint_le(stream.most_bytes, MEMORY);
        ck_assert_uint_eq(stream.bytes, 0);
        ck_assert_int_eq(stream.read, stream.queued);
        mlce_stream_free(&stream);
    }
    mlce_dataset_close(dataset);
    tear_down();
}
END_TEST

/* A filter that leaves chunks as they are, and counts those that are read. */
static int chunks_read;

static size_t count_chunk(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                          size_t *size, void **buffer) {
    (void)count, (void)values, (void)size, (void)buffer;
    chunks_read += (flags & H5Z_FLAG_REVERSE) != 0;
    return bytes;
}

enum { FILTER = 300, CHUNK_ROWS = 64 }; /* 256 KiB */

/* Replaces the embeddings of path by the same in counted chunks; returns their number. */
static int count_chunks_of(const char *name) {
    static const H5Z_class2_t class = {.version = H5Z_CLASS_T_VERS,
                                       .id = FILTER,
                                       .encoder_present = 1,
                                       .decoder_present = 1,
                                       .name = "count",
                                       .filter = count_chunk};
    ck_assert_int_ge(H5Zregister(&class), 0);
    hid_t file = H5Fopen(name, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t old = H5Dopen2(file, "/tokens/embeddings", H5P_DEFAULT), space = H5Dget_space(old);
    hsize_t size[2];
    H5Sget_simple_extent_dims(space, size, NULL);
    float *rows = malloc(size[0] * size[1] * sizeof *rows);
    ck_assert_int_ge(H5Dread(old, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows), 0);
    H5Sclose(space);
    H5Dclose(old);
    H5Ldelete(file, "/tokens/embeddings", H5P_DEFAULT);
    hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(create, 2, (const hsize_t[]){CHUNK_ROWS, WIDE});
    H5Pset_filter(create, FILTER, H5Z_FLAG_MANDATORY, 0, NULL);
    put(file, "/tokens/embeddings", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, size, create, rows);
    H5Pclose(create);
    H5Fclose(file);
    free(rows);
    return (int)((size[0] + CHUNK_ROWS - 1) / CHUNK_ROWS);
}

/* Shards in counted chunks; returns the number of all. */
static int write_counted_shards(void) {
    int chunks = 0;
    write_shards();
    for (int i = 0; i < SHARDS; i++) {
        snprintf(path, sizeof path, "%s/shard-%d.h5", folder, i);
        chunks += count_chunks_of(path);
    }
    return chunks;
}

START_TEST(an_epoch_unpacks_each_chunk_about_once) {
    int chunks = write_counted_shards();
    open_streamed();
    mlce_batch_options options = every_kind[_i];
    options.memory = MEMORY;
    mlce_stream stream;
    chunks_read = 0;
    read_epoch(&stream, &options, 1);
    /* Twice where a sequence passes from one block into the next, and so through a chunk of both.
     */
    ck_assert_int_ge(chunks_read, chunks);
    ck_assert_int_le(chunks_read, chunks + (int)stream.count);
    mlce_stream_free(&stream);

    chunks_read = 0; /* sequence by sequence, in their order: HDF5 keeps the chunk at hand */
    static float rows[LONGEST * WIDE];
    for (int s = 0; s < ALL; s++) assert_ok(mlce_dataset_read(dataset, s, rows));
    ck_assert_int_le(chunks_read, chunks + SHARDS);
    mlce_dataset_close(dataset);
    tear_down();
}
END_TEST

/* Rows of the blocks, as far as they are used, that one of several ranks reads. */
static int64_t rows_read(const mlce_batch_options *options) {
    int64_t rows = 0;
    mlce_batch_plan plan;
    mlce_stream stream;
    init_plan(&plan, options);
    assert_ok(mlce_stream_init(&stream, dataset, options));
    mlce_batch_plan_make(&plan, 0);
    mlce_stream_start(&stream, &plan, 0);
    for (int64_t n = 0; n < stream.queued; n++) {
        const mlce_stream_block *block = &stream.blocks[stream.queue[n]];
        for (int64_t s = block->low; s <= block->high; s++) rows += length_of((int)s);
    }
    mlce_stream_free(&stream);
    mlce_batch_plan_free(&plan);
    return rows;
}

START_TEST(ranks_that_are_dealt_whole_batches_read_their_own_rows_only) {
    enum { RANKS = 2 };
    open_shards();
    mlce_batch_options options = {.sequences = 8, .ranks = RANKS, .deal = 8};
    int64_t all = mlce_dataset_tokens(dataset), read = 0;
    for (options.rank = 0; options.rank < RANKS; options.rank++) {
        int64_t own = rows_read(&options);
        ck_assert_int_gt(own, all * 4 / 10);
        read += own;
    }
    ck_assert_int_eq(read, all);
    mlce_dataset_close(dataset);
    tear_down();
}
END_TEST

START_TEST(opening_reads_no_embeddings_that_are_not_kept) {
    write_counted_shards();
    chunks_read = 0;
    open_streamed();
    ck_assert_int_eq(chunks_read, 0);
    mlce_dataset_close(dataset);
    tear_down();
}
END_TEST

START_TEST(a_sequence_longer_than_a_block_is_one_of_its_own) {
    enum { COUNT = 9, NARROW = 1024 };
    static const int lengths[COUNT] = {3, 5, 2000, 4, 0, 700, 520, 512, 2};
    static const int64_t expected[] = {0, 2, 3, 5, 6, 7, 8, 9};
    set_up();
    write_shard(path, 0, COUNT, lengths, MLCE_FLOAT32, NARROW);
    strcpy(paths, path);
    open_streamed();
    mlce_batch_options options = {
        .tokens = 600, .shuffle = true, .memory = _i ? 1 : MEMORY}; /* 1: less than any block */
    mlce_stream stream;
    assert_ok(mlce_stream_init(&stream, dataset, &options));
    ck_assert_int_eq(stream.first[0], 0);
    for (int64_t b = 0; b < stream.count; b++) {
        bool is_long = lengths[stream.first[b]] > 512;
        if (is_long) ck_assert_int_eq(stream.first[b + 1], stream.first[b] + 1);
    }
    ck_assert_int_eq(stream.first[1], expected[1]);
    ck_assert_int_eq(stream.first[2], expected[2]);
    mlce_stream_free(&stream);

    mlce_batcher *batcher = new_batcher(options);
    const mlce_batch *batch;
    int seen = 0;
    assert_ok(mlce_batcher_start(batcher, 0));
    while ((batch = next_batch(batcher))) {
        for (int b = 0; b < batch->sequences; b++) {
            seen |= 1 << batch->ids[b];
            int length = lengths[batch->ids[b]];
            if (length > 600) ck_assert_int_eq(batch->tokens, length);
            for (int t = 0; t < length; t++)
                ck_assert_float_eq(batch->embeddings[(batch->offsets[b] + t) * NARROW + 1],
                                   (float)t);
        }
    }
    ck_assert_int_eq(seen, (1 << COUNT) - 1);
    end_with(batcher);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, an_epoch_over_shards_has_every_sequence_once, 0, KINDS);
    tcase_add_loop_test(cases, an_epoch_can_be_gone_on_with_from_any_batch, 0, KINDS);
    tcase_add_test(cases, without_shuffle_the_order_is_that_of_the_files);
    tcase_add_test(cases, data_in_memory_is_shuffled_as_a_whole);
    tcase_add_loop_test(cases, the_memory_of_blocks_stays_within_bounds, 0, KINDS);
    tcase_add_loop_test(cases, an_epoch_unpacks_each_chunk_about_once, 0, KINDS);
    tcase_add_test(cases, ranks_that_are_dealt_whole_batches_read_their_own_rows_only);
    tcase_add_test(cases, opening_reads_no_embeddings_that_are_not_kept);
    tcase_add_loop_test(cases, a_sequence_longer_than_a_block_is_one_of_its_own, 0, 2);
}

int main(void) {
    return run_suite("stream", add);
}
