/* stream.c - the rows of a dataset that is not in memory, read block by block. */
#include "data/stream.h"

#include <limits.h>
#include <stdlib.h>

enum {
    DEFAULT_MEMORY = 256 << 20,
    AHEAD = 16,           /* blocks that are read ahead at most */
    MOST_WINDOW = 64,     /* batches sorted by length together */
    MOST_SPARE = 8 << 20, /* bytes of a block whose memory is kept for another */
    GRAIN = 256 << 10,    /* memory of blocks comes in multiples of it, to be used again */
};

/* ---- Blocks ---- */

/* Appends block `count`, which begins with sequence s. */
static mlce_status begin_block(mlce_stream *stream, size_t *capacity, int64_t s) {
    mlce_status status = mlce_grow((void **)&stream->first, capacity, (size_t)stream->count + 2,
                                   sizeof *stream->first);
    if (!status) stream->first[stream->count++] = s;
    return status;
}

/* Sequences that begin in one cell of `cell` rows share a block, unless one is longer. */
static mlce_status cut_file(mlce_stream *stream, size_t *capacity, const mlce_dataset_file *file) {
    const int64_t *offsets = stream->dataset->offsets;
    int64_t cell = mlce_rows_of_block(stream->dataset, file), last = -1;
    bool was_long = false;
    for (int64_t s = file->first_sequence; s < file->first_sequence + file->sequences; s++) {
        int64_t here = (offsets[s] - file->first_token) / cell;
        bool is_long = offsets[s + 1] - offsets[s] > cell;
        if (here != last || is_long || was_long) {
            mlce_status status = begin_block(stream, capacity, s);
            if (status) return status;
        }
        last = here;
        was_long = is_long;
    }
    return MLCE_OK;
}

static mlce_status cut_blocks(mlce_stream *stream) {
    size_t capacity = 0;
    mlce_status status = begin_block(stream, &capacity, 0);
    stream->count = 0;
    for (size_t f = 0; f < stream->dataset->file_count && !status; f++)
        status = cut_file(stream, &capacity, &stream->dataset->files[f]);
    if (!status) stream->first[stream->count] = stream->dataset->sequences;
    return status;
}

static size_t bytes_of_row(const mlce_stream *stream, int64_t s) {
    const mlce_dataset_file *file = mlce_dataset_file_of(stream->dataset, s);
    return (size_t)stream->dataset->width * mlce_rows_stored_size(file->precision);
}

/* Three quarters of the memory hold the blocks that are mixed, the rest those that are read ahead;
   with buckets a quarter is for the windows of batches that are sorted by length. */
static void share_memory(mlce_stream *stream, const mlce_batch_options *batches) {
    const mlce_dataset *dataset = stream->dataset;
    double memory = (double)stream->memory, bytes = (double)mlce_dataset_bytes(dataset);
    double blocks = memory * (batches->bucket ? 0.5 : 0.75) * (double)stream->count / bytes;
    stream->mixed = blocks < 1                       ? 1
                    : blocks > (double)stream->count ? stream->count
                                                     : (int64_t)blocks;
    double sequences = batches->sequences ? batches->sequences : INT_MAX;
    double tokens = sequences * (double)dataset->tokens / (double)dataset->sequences;
    if (batches->tokens && tokens > batches->tokens) tokens = batches->tokens;
    double window = memory * 0.25 / (tokens * bytes / (double)dataset->tokens);
    stream->window = window < 1 ? 1 : window > MOST_WINDOW ? MOST_WINDOW : (int64_t)window;
}

mlce_status mlce_stream_init(mlce_stream *stream, mlce_dataset *dataset,
                             const mlce_batch_options *batches) {
    *stream = (mlce_stream){.dataset = dataset,
                            .memory = batches->memory ? batches->memory : DEFAULT_MEMORY};
    if (dataset->resident || dataset->tokens == 0) return MLCE_OK;
    mlce_status status = cut_blocks(stream);
    size_t count = (size_t)stream->count;
    if (!status) {
        share_memory(stream, batches);
        stream->blocks = mlce_calloc(count, sizeof *stream->blocks);
        stream->queue = mlce_calloc(count, sizeof *stream->queue);
        if (!stream->blocks || !stream->queue) status = MLCE_E_MEMORY;
    }
    if (status) mlce_stream_free(stream);
    return status;
}

static void forget_all(mlce_stream *stream) {
    for (int64_t b = 0; b < stream->count && stream->blocks; b++) {
        free(stream->blocks[b].rows);
        stream->blocks[b] = (mlce_stream_block){0};
    }
    for (int i = 0; i < MLCE_STREAM_SPARES; i++) {
        free(stream->spares[i].rows);
        stream->spares[i].rows = NULL;
    }
    stream->bytes = 0;
}

void mlce_stream_free(mlce_stream *stream) {
    forget_all(stream);
    free(stream->first);
    free(stream->blocks);
    free(stream->queue);
    *stream = (mlce_stream){0};
}

void mlce_stream_start(mlce_stream *stream, const mlce_batch_plan *plan, int64_t first) {
    forget_all(stream);
    stream->queued = stream->read = stream->reached = 0;
    stream->failed = false;
    stream->most_bytes = 0;
    for (int64_t i = plan->starts[first]; i < plan->starts[plan->batches] && stream->count; i++) {
        int64_t s = plan->order[i], b = mlce_block_of(stream->first, stream->count, s);
        mlce_stream_block *block = &stream->blocks[b];
        if (plan->lengths[s] == 0) continue;
        if (block->uses++ == 0) {
            stream->queue[stream->queued++] = b;
            block->low = block->high = s;
        }
        if (s < block->low) block->low = s;
        if (s > block->high) block->high = s;
    }
}

/* ---- Memory ---- */

/* Bytes of a block's memory. */
static size_t size_of(const mlce_stream *stream, int64_t b) {
    const mlce_stream_block *block = &stream->blocks[b];
    const int64_t *offsets = stream->dataset->offsets;
    size_t rows = (size_t)(offsets[block->high + 1] - offsets[block->low]);
    return (rows * bytes_of_row(stream, block->low) + GRAIN - 1) / GRAIN * GRAIN;
}

static void *take_memory(mlce_stream *stream, size_t size) {
    for (int i = 0; i < MLCE_STREAM_SPARES; i++) {
        if (!stream->spares[i].rows || stream->spares[i].size != size) continue;
        void *rows = stream->spares[i].rows;
        stream->spares[i].rows = NULL;
        return rows;
    }
    void *rows = malloc(size);
    if (!rows) mlce_fail(MLCE_E_MEMORY, "out of memory: a block of %zu bytes", size);
    return rows;
}

/* The oldest spare makes room. */
static void keep_memory(mlce_stream *stream, void *rows, size_t size) {
    if (size > MOST_SPARE) {
        free(rows);
        return;
    }
    free(stream->spares[0].rows);
    for (int i = 0; i + 1 < MLCE_STREAM_SPARES; i++) stream->spares[i] = stream->spares[i + 1];
    stream->spares[MLCE_STREAM_SPARES - 1].rows = rows;
    stream->spares[MLCE_STREAM_SPARES - 1].size = size;
}

static void forget(mlce_stream *stream, int64_t b) {
    size_t size = size_of(stream, b);
    keep_memory(stream, stream->blocks[b].rows, size);
    stream->blocks[b].rows = NULL;
    stream->bytes -= size;
}

/* ---- Reading ---- */

static mlce_status read_block(mlce_stream *stream, int64_t b) {
    mlce_dataset *dataset = stream->dataset;
    mlce_stream_block *block = &stream->blocks[b];
    mlce_dataset_file *file = mlce_dataset_file_of(dataset, block->low);
    int64_t first = dataset->offsets[block->low], end = dataset->offsets[block->high + 1];
    size_t size = size_of(stream, b);
    void *rows = take_memory(stream, size);
    if (!rows) return MLCE_E_MEMORY;
    mlce_status status = mlce_rows_read_stored(dataset, file, first - file->first_token,
                                               (size_t)(end - first), rows);
    if (status) {
        free(rows);
        return status;
    }
    block->rows = rows;
    stream->read++;
    stream->bytes += size;
    if (stream->bytes > stream->most_bytes) stream->most_bytes = stream->bytes;
    return MLCE_OK;
}

bool mlce_stream_has_ahead(const mlce_stream *stream) {
    return !stream->failed && stream->read < stream->queued &&
           stream->read < stream->reached + AHEAD &&
           stream->bytes + size_of(stream, stream->queue[stream->read]) <= stream->memory;
}

void mlce_stream_read_ahead(mlce_stream *stream) {
    stream->failed = read_block(stream, stream->queue[stream->read]) != MLCE_OK;
}

/* Blocks are used for the first time, and so read, in the order of the queue. */
mlce_status mlce_stream_read(mlce_stream *stream, int64_t s, float *rows, size_t stride) {
    if (!stream->count) return mlce_rows_read(stream->dataset, s, rows, stride);
    const int64_t *offsets = stream->dataset->offsets;
    if (offsets[s + 1] == offsets[s]) return MLCE_OK;
    int64_t b = mlce_block_of(stream->first, stream->count, s);
    mlce_stream_block *block = &stream->blocks[b];
    mlce_status status = block->rows ? MLCE_OK : read_block(stream, b);
    if (status) return status;
    if (stream->reached < stream->queued && b == stream->queue[stream->reached]) stream->reached++;
    const char *stored = block->rows;
    stored += (size_t)(offsets[s] - offsets[block->low]) * bytes_of_row(stream, s);
    status = mlce_rows_widen(stream->dataset, s, stored, rows, stride);
    if (!status && --block->uses == 0) forget(stream, b);
    return status;
}
