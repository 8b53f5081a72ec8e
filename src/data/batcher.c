/* batcher.c - a thread that reads batches ahead into two buffers, and blocks of files for those to
 * come.
 *
 * Batch b goes into slot b % 2. The caller holds one slot, from mlce_batcher_next() to the next
 * call; the reader fills the other. All memory is taken when an epoch starts, for the largest
 * batch of its plan, so that neither side allocates while it runs.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/batch_plan.h"
#include "data/dataset_parts.h"
#include "data/stream.h"
#include "mlce/memory.h"

enum { MESSAGE_SIZE = 2048 };

/* The buffers of a batch; `sizes` are their capacities in elements. */
typedef struct slot {
    int64_t *ids;
    int *offsets, *span_offsets;
    float *embeddings;
    mlce_span *spans;
    float *span_weights; /* used where the dataset has weights */
    size_t ids_size, offsets_size, span_offsets_size, embeddings_size, spans_size, weights_size;
    mlce_batch_part part;
    mlce_batch batch;
} slot;

struct mlce_batcher {
    mlce_dataset *dataset;
    int *lengths; /* of all sequences */
    mlce_shape_options shape;
    int width; /* of a row: the dataset's and that of the shape features */
    mlce_batch_plan plan;
    mlce_stream stream;
    slot slots[2];
    bool planned;

    pthread_t reader;
    bool has_reader;
    atomic_bool dropped; /* the epoch is over: the reader gives up the batch it is reading */

    /* Under the lock. 0 <= returned <= given <= read <= plan.batches, read <= returned + 2. */
    pthread_mutex_t lock;
    pthread_cond_t reader_may_go, batch_is_there;
    int64_t read, given, returned; /* batches */
    bool running;                  /* an epoch is being read */
    bool busy;                     /* the reader is at work on a slot */
    bool quit;
    mlce_status status; /* of the batch after the `read` ones */
    char message[MESSAGE_SIZE];
};

/* What the largest batch of a plan needs. */
typedef struct extent {
    size_t sequences, tokens, spans;
} extent;

static mlce_status measure(const mlce_batcher *batcher, extent *most) {
    const mlce_batch_plan *plan = &batcher->plan;
    *most = (extent){1, 1, 1};
    for (int64_t b = 0; b < plan->batches; b++) {
        extent sum = {(size_t)(plan->starts[b + 1] - plan->starts[b]), 0, 0};
        for (int64_t i = plan->starts[b]; i < plan->starts[b + 1]; i++) {
            int spans;
            mlce_dataset_gold(batcher->dataset, plan->order[i], &spans);
            sum.tokens += (size_t)batcher->lengths[plan->order[i]];
            sum.spans += (size_t)spans;
        }
        if (sum.spans > INT_MAX)
            return mlce_fail(MLCE_E_DATA,
                             "%s: a batch of %zu sequences has %zu spans, over the limit of %d: "
                             "make batches smaller",
                             mlce_dataset_name(batcher->dataset), sum.sequences, sum.spans,
                             INT_MAX);
        if (sum.sequences > most->sequences) most->sequences = sum.sequences;
        if (sum.tokens > most->tokens) most->tokens = sum.tokens;
        if (sum.spans > most->spans) most->spans = sum.spans;
    }
    if (most->tokens > SIZE_MAX / sizeof(float) / (size_t)batcher->width)
        return mlce_fail(MLCE_E_MEMORY, "out of memory: a batch of %zu tokens of %d features",
                         most->tokens, batcher->width);
    return MLCE_OK;
}

static mlce_status grow_slot(slot *s, const extent *most, int width) {
    size_t features = most->tokens * (size_t)width;
    mlce_status status = mlce_grow((void **)&s->ids, &s->ids_size, most->sequences, sizeof *s->ids);
    if (!status)
        status = mlce_grow((void **)&s->offsets, &s->offsets_size, most->sequences + 1,
                           sizeof *s->offsets);
    if (!status)
        status = mlce_grow((void **)&s->span_offsets, &s->span_offsets_size, most->sequences + 1,
                           sizeof *s->span_offsets);
    if (!status)
        status = mlce_grow((void **)&s->spans, &s->spans_size, most->spans, sizeof *s->spans);
    if (!status)
        status = mlce_grow((void **)&s->span_weights, &s->weights_size, most->spans,
                           sizeof *s->span_weights);
    if (!status)
        status = mlce_grow((void **)&s->embeddings, &s->embeddings_size, features,
                           sizeof *s->embeddings);
    return status;
}

static void free_slot(slot *s) {
    free(s->ids);
    free(s->offsets);
    free(s->span_offsets);
    free(s->spans);
    free(s->span_weights);
    free(s->embeddings);
}

/* The embeddings of a sequence, and beside them its shape features. */
static mlce_status read_rows(mlce_batcher *batcher, int64_t s, float *rows) {
    size_t stride = (size_t)batcher->width;
    mlce_status status = mlce_stream_read(&batcher->stream, s, rows, stride);
    if (status || !batcher->shape.buckets) return status;
    return mlce_shape_rows(&batcher->shape, mlce_dataset_token_text(batcher->dataset, s),
                           batcher->lengths[s], rows + mlce_dataset_width(batcher->dataset),
                           stride);
}

static mlce_status fill_slot(mlce_batcher *batcher, slot *s, int64_t b) {
    const mlce_batch_plan *plan = &batcher->plan;
    int n = (int)(plan->starts[b + 1] - plan->starts[b]);
    const int64_t *sequences = plan->order + plan->starts[b];
    bool has_weights = false;
    s->offsets[0] = s->span_offsets[0] = 0;
    for (int i = 0; i < n; i++) {
        if (atomic_load(&batcher->dropped)) return MLCE_E_STOPPED;
        int64_t id = sequences[i];
        int row = s->offsets[i], span = s->span_offsets[i], count;
        const mlce_span *gold = mlce_dataset_gold(batcher->dataset, id, &count);
        if (count) memcpy(s->spans + span, gold, (size_t)count * sizeof *gold);
        const float *weights = mlce_dataset_gold_weights(batcher->dataset, id);
        if (weights && count)
            memcpy(s->span_weights + span, weights, (size_t)count * sizeof *weights);
        has_weights = has_weights || weights;
        s->ids[i] = id;
        s->offsets[i + 1] = row + batcher->lengths[id];
        s->span_offsets[i + 1] = span + count;
        mlce_status status =
            read_rows(batcher, id, s->embeddings + (size_t)row * (size_t)batcher->width);
        if (status) return status;
    }
    s->batch = (mlce_batch){.sequences = n,
                            .tokens = s->offsets[n],
                            .width = batcher->width,
                            .ids = s->ids,
                            .offsets = s->offsets,
                            .embeddings = s->embeddings,
                            .spans = s->spans,
                            .span_offsets = s->span_offsets,
                            .span_weights = has_weights ? s->span_weights : NULL,
                            .part = plan->whole ? &s->part : NULL};
    if (plan->whole)
        s->part = (mlce_batch_part){plan->whole[b].sequences, plan->whole[b].tokens,
                                    plan->places + plan->starts[b], plan->rows + plan->starts[b]};
    return MLCE_OK;
}

static bool has_work(const mlce_batcher *batcher) {
    return batcher->running && !batcher->status && batcher->read < batcher->plan.batches &&
           batcher->read < batcher->returned + 2;
}

static bool has_block(const mlce_batcher *batcher) {
    return batcher->running && !batcher->status && mlce_stream_has_ahead(&batcher->stream);
}

/* Fills the next slot. Called, and returns, with the lock. */
static void read_batch(mlce_batcher *batcher) {
    int64_t b = batcher->read;
    pthread_mutex_unlock(&batcher->lock);
    mlce_status status = fill_slot(batcher, &batcher->slots[b % 2], b);
    pthread_mutex_lock(&batcher->lock);
    batcher->status = status;
    if (status) /* the message is this thread's: carry it over */
        snprintf(batcher->message, MESSAGE_SIZE, "%s", mlce_last_error());
    else
        batcher->read++;
}

/* Both slots are full: a block for batches to come. */
static void read_block(mlce_batcher *batcher) {
    pthread_mutex_unlock(&batcher->lock);
    mlce_stream_read_ahead(&batcher->stream);
    pthread_mutex_lock(&batcher->lock);
}

/* The reader thread. It must not enter OpenMP, whose threads belong to the caller's kernels. */
static void *read_ahead(void *context) {
    mlce_batcher *batcher = context;
    pthread_mutex_lock(&batcher->lock);
    while (!batcher->quit) {
        bool is_batch = has_work(batcher);
        if (!is_batch && !has_block(batcher)) {
            pthread_cond_wait(&batcher->reader_may_go, &batcher->lock);
            continue;
        }
        batcher->busy = true;
        if (is_batch)
            read_batch(batcher);
        else
            read_block(batcher);
        batcher->busy = false;
        pthread_cond_signal(&batcher->batch_is_there);
    }
    pthread_mutex_unlock(&batcher->lock);
    return NULL;
}

/* Ends the epoch and waits until the reader has let go of the slots. */
static void drop_epoch(mlce_batcher *batcher) {
    pthread_mutex_lock(&batcher->lock);
    batcher->running = false;
    atomic_store(&batcher->dropped, true);
    while (batcher->busy) pthread_cond_wait(&batcher->batch_is_there, &batcher->lock);
    batcher->read = batcher->given = batcher->returned = 0;
    batcher->status = MLCE_OK;
    atomic_store(&batcher->dropped, false);
    pthread_mutex_unlock(&batcher->lock);
}

/* With all signals blocked in the new thread, Ctrl-C and the like reach the caller's. */
static mlce_status start_reader(mlce_batcher *batcher) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&batcher->reader, NULL, read_ahead, batcher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return mlce_fail(MLCE_E_MEMORY, "cannot start the thread that reads batches: %s",
                         strerror(error));
    batcher->has_reader = true;
    return MLCE_OK;
}

/* Shape features and the width of the rows. */
static mlce_status set_features(mlce_batcher *batcher, const mlce_shape_options *shape) {
    int width = mlce_dataset_width(batcher->dataset);
    mlce_status status = mlce_shape_check(shape);
    if (status) return status;
    if (width > INT_MAX - mlce_shape_width(shape))
        return mlce_fail(MLCE_E_DATA, "%s: rows of %d features leave no room for %d shape features",
                         mlce_dataset_name(batcher->dataset), width, mlce_shape_width(shape));
    batcher->shape = *shape;
    batcher->width = width + mlce_shape_width(shape);
    return shape->buckets ? mlce_text_need_tokens(batcher->dataset) : MLCE_OK;
}

mlce_status mlce_batcher_new(mlce_dataset *dataset, const mlce_batch_options *options,
                             mlce_batcher **result) {
    *result = NULL;
    if (options->sequences < 0 || options->tokens < 0)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "a batch of %d sequences and %d tokens: neither limit may be negative",
                         options->sequences, options->tokens);
    if (options->rank < 0 || options->rank >= (options->ranks > 1 ? options->ranks : 1))
        return mlce_fail(MLCE_E_ARGUMENT, "rank %d of %d: ranks count from 0", options->rank,
                         options->ranks);
    mlce_batcher *batcher = mlce_calloc(1, sizeof *batcher);
    if (!batcher) return MLCE_E_MEMORY;
    pthread_mutex_init(&batcher->lock, NULL);
    pthread_cond_init(&batcher->reader_may_go, NULL);
    pthread_cond_init(&batcher->batch_is_there, NULL);
    batcher->dataset = dataset;
    int64_t sequences = mlce_dataset_sequences(dataset);
    mlce_status status = set_features(batcher, &options->shape);
    if (!status) batcher->lengths = mlce_calloc((size_t)sequences, sizeof *batcher->lengths);
    if (!status && !batcher->lengths) status = MLCE_E_MEMORY;
    for (int64_t s = 0; s < sequences && !status; s++)
        batcher->lengths[s] = mlce_dataset_length(dataset, s);
    if (!status)
        status = mlce_batch_plan_init(&batcher->plan, batcher->lengths, sequences, options);
    mlce_stream *stream = &batcher->stream;
    if (!status) status = mlce_stream_init(stream, dataset, options);
    if (!status && stream->count)
        status = mlce_batch_plan_set_blocks(&batcher->plan, stream->first, stream->count,
                                            stream->mixed, stream->window);
    if (!status) status = start_reader(batcher);
    if (status)
        mlce_batcher_free(batcher);
    else
        *result = batcher;
    return status;
}

void mlce_batcher_free(mlce_batcher *batcher) {
    if (!batcher) return;
    if (batcher->has_reader) {
        pthread_mutex_lock(&batcher->lock);
        batcher->quit = true;
        atomic_store(&batcher->dropped, true);
        pthread_cond_signal(&batcher->reader_may_go);
        pthread_mutex_unlock(&batcher->lock);
        pthread_join(batcher->reader, NULL);
    }
    pthread_mutex_destroy(&batcher->lock);
    pthread_cond_destroy(&batcher->reader_may_go);
    pthread_cond_destroy(&batcher->batch_is_there);
    for (int i = 0; i < 2; i++) free_slot(&batcher->slots[i]);
    mlce_batch_plan_free(&batcher->plan);
    mlce_stream_free(&batcher->stream);
    free(batcher->lengths);
    free(batcher);
}

mlce_status mlce_batcher_start(mlce_batcher *batcher, int64_t epoch) {
    return mlce_batcher_start_at(batcher, epoch, 0);
}

mlce_status mlce_batcher_start_at(mlce_batcher *batcher, int64_t epoch, int64_t first) {
    drop_epoch(batcher);
    batcher->planned = false;
    if (epoch < 0 || epoch >= MLCE_BATCH_PLAN_EPOCHS)
        return mlce_fail(MLCE_E_ARGUMENT, "epoch %lld: it must be from 0 to %lld", (long long)epoch,
                         (long long)MLCE_BATCH_PLAN_EPOCHS - 1);
    mlce_batch_plan_make(&batcher->plan, epoch);
    if (first < 0 || first > batcher->plan.batches)
        return mlce_fail(MLCE_E_ARGUMENT, "batch %lld of epoch %lld: it has %lld", (long long)first,
                         (long long)epoch, (long long)batcher->plan.batches);
    extent most;
    mlce_status status = measure(batcher, &most);
    for (int i = 0; i < 2 && !status; i++)
        status = grow_slot(&batcher->slots[i], &most, batcher->width);
    if (status) return status;
    mlce_stream_start(&batcher->stream, &batcher->plan, first);
    batcher->planned = true;
    pthread_mutex_lock(&batcher->lock);
    batcher->read = batcher->given = batcher->returned = first;
    batcher->running = true;
    pthread_cond_signal(&batcher->reader_may_go);
    pthread_mutex_unlock(&batcher->lock);
    return MLCE_OK;
}

int64_t mlce_batcher_count(const mlce_batcher *batcher) {
    return batcher->planned ? batcher->plan.batches : 0;
}

mlce_status mlce_batcher_next(mlce_batcher *batcher, const mlce_batch **batch) {
    *batch = NULL;
    if (!batcher->planned)
        return mlce_fail(MLCE_E_ARGUMENT, "no epoch was started: mlce_batcher_start() comes first");
    mlce_status status = MLCE_OK;
    pthread_mutex_lock(&batcher->lock);
    batcher->returned = batcher->given;
    pthread_cond_signal(&batcher->reader_may_go);
    if (batcher->given < batcher->plan.batches) {
        while (batcher->read == batcher->given && !batcher->status)
            pthread_cond_wait(&batcher->batch_is_there, &batcher->lock);
        if (batcher->read > batcher->given)
            *batch = &batcher->slots[batcher->given++ % 2].batch;
        else
            status = mlce_fail(batcher->status, "%s", batcher->message);
    }
    pthread_mutex_unlock(&batcher->lock);
    return status;
}
