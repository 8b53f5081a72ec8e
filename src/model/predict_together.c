/* predict_together.c - a model over a whole dataset, by several ranks.
 *
 * Batches are dealt to the ranks in runs of a few, so that a rank reads few rows of a file that
 * another one reads. After each run all ranks exchange what they have predicted, and each hands all
 * of it to its callback, in the order of the dataset. The batches are those of a single process,
 * and so are the bits.
 *
 * What a rank sends is, of each batch: its sequences, the mean loss, how many spans each sequence
 * has, the spans, and for items with labels the scores of all types.
 */
#include "model/predict_together.h"

#include <stdlib.h>
#include <string.h>

#include "model/private.h"
#include "parallel/ranks.h"

enum { RUN = 8 /* batches: they even out long and short ones, and are longer than most blocks */ };

/* What goes before the predictions of a round. */
typedef struct header {
    int32_t batches, failed;
    uint64_t size; /* bytes that follow */
} header;

typedef struct together {
    const mlce_model *model;
    const mlce_ranks *ranks;
    mlce_predictor *predictor;
    mlce_batcher *batcher;
    mlce_prediction_fn *callback;
    void *context;
    bool wants_loss;
    char *mine, *all; /* bytes of this rank, and of all */
    size_t mine_capacity, all_capacity, mine_size;
    header *headers;              /* [ranks] */
    size_t *sizes, *header_sizes; /* [ranks] */
    int64_t sequence;             /* the next one to hand over */
    double loss;
    mlce_status status; /* of this rank */
} together;

/* ---- This rank's batches ---- */

static mlce_status put(together *t, const void *bytes, size_t size) {
    mlce_status status = mlce_grow((void **)&t->mine, &t->mine_capacity, t->mine_size + size, 1);
    if (status) return status;
    if (size) memcpy(t->mine + t->mine_size, bytes, size);
    t->mine_size += size;
    return MLCE_OK;
}

static mlce_status put_batch(together *t, const mlce_batch *batch) {
    double loss = 0;
    mlce_status status = mlce_predictor_batch(t->predictor, batch, t->wants_loss ? &loss : NULL);
    int32_t sequences = batch->sequences;
    if (!status) status = put(t, &sequences, sizeof sequences);
    if (!status) status = put(t, &loss, sizeof loss);
    for (int b = 0; b < sequences && !status; b++) {
        uint64_t count = mlce_predictor_at(t->predictor, batch, b).count;
        status = put(t, &count, sizeof count);
    }
    for (int b = 0; b < sequences && !status; b++) {
        mlce_prediction one = mlce_predictor_at(t->predictor, batch, b);
        status = put(t, one.spans, one.count * sizeof *one.spans);
        if (!status && one.scores)
            status = put(t, one.scores, (size_t)t->model->types * sizeof *one.scores);
    }
    return status;
}

/* Of a run of batches; how many there were. */
static int predict_mine(together *t) {
    int batches = 0;
    t->mine_size = 0;
    while (batches < RUN && !t->status) {
        const mlce_batch *batch;
        t->status = mlce_batcher_next(t->batcher, &batch);
        if (t->status || !batch) break;
        t->status = put_batch(t, batch);
        batches++;
    }
    return batches;
}

/* ---- All ranks' ---- */

static const char *take(const char **from, void *to, size_t size) {
    const char *bytes = *from;
    if (to) memcpy(to, bytes, size);
    *from += size;
    return bytes;
}

/* Spans and scores lie at multiples of four bytes: all that is sent does. */
static mlce_status hand_over_batch(together *t, const char **from) {
    mlce_status status = MLCE_OK;
    int32_t sequences;
    double loss;
    take(from, &sequences, sizeof sequences);
    take(from, &loss, sizeof loss);
    const char *counts = *from;
    *from += (size_t)sequences * sizeof(uint64_t);
    for (int b = 0; b < sequences && !status; b++) {
        uint64_t count;
        take(&counts, &count, sizeof count);
        mlce_prediction one = {.sequence = t->sequence++, .count = count};
        one.spans = (const void *)take(from, NULL, count * sizeof *one.spans);
        if (t->model->head->task == MLCE_TASK_LABELS)
            one.scores =
                (const void *)take(from, NULL, (size_t)t->model->types * sizeof *one.scores);
        status = t->callback(&one, t->context);
    }
    t->loss += loss * sequences;
    return status;
}

static mlce_status hand_over_round(together *t) {
    const char *from = t->all;
    mlce_status status = MLCE_OK;
    for (int r = 0; r < t->ranks->count; r++)
        for (int b = 0; b < t->headers[r].batches && !status; b++)
            status = hand_over_batch(t, &from);
    return status;
}

/* The headers of all ranks, then memory for what follows; a failure is everyone's. */
static mlce_status exchange_headers(together *t, int batches) {
    const mlce_ranks *ranks = t->ranks;
    header mine = {batches, t->status != MLCE_OK, t->mine_size};
    mlce_status status = ranks->gather(ranks->context, &mine, t->header_sizes, t->headers);
    if (status) return status;
    int failed = 0;
    size_t size = 0;
    for (int r = 0; r < ranks->count; r++) {
        failed += t->headers[r].failed;
        t->sizes[r] = t->headers[r].size;
        size += t->sizes[r];
    }
    if (failed) return mlce_ranks_explain(ranks, t->status, failed);
    return mlce_ranks_agree(ranks, mlce_grow((void **)&t->all, &t->all_capacity, size + 1, 1));
}

/* *over: there are no more batches anywhere. What a callback fails with is told in the next. */
static mlce_status do_round(together *t, bool *over) {
    int batches = predict_mine(t), least = RUN;
    mlce_status status = exchange_headers(t, batches);
    if (status) return status;
    status = t->ranks->gather(t->ranks->context, t->mine, t->sizes, t->all);
    if (status) return status;
    for (int r = 0; r < t->ranks->count; r++)
        if (t->headers[r].batches < least) least = t->headers[r].batches;
    *over = least < RUN;
    t->status = hand_over_round(t);
    return MLCE_OK;
}

/* ---- The whole ---- */

static mlce_status begin(together *t, mlce_dataset *dataset) {
    mlce_batch_options options = mlce_predictor_batches(t->model);
    size_t count = (size_t)t->ranks->count;
    options.rank = t->ranks->rank;
    options.ranks = t->ranks->count;
    options.deal = RUN;
    t->headers = mlce_calloc(count, sizeof *t->headers);
    t->sizes = mlce_calloc(count, sizeof *t->sizes);
    t->header_sizes = mlce_calloc(count, sizeof *t->header_sizes);
    if (!t->headers || !t->sizes || !t->header_sizes) return MLCE_E_MEMORY;
    for (size_t r = 0; r < count; r++) t->header_sizes[r] = sizeof(header);
    mlce_status status = mlce_predictor_new(t->model, &t->predictor);
    if (!status) status = mlce_batcher_new(dataset, &options, &t->batcher);
    return status ? status : mlce_batcher_start(t->batcher, 0);
}

mlce_status mlce_predict_together(const mlce_model *model, mlce_dataset *dataset,
                                  mlce_prediction_fn *callback, void *context, double *loss_sum) {
    together t = {.model = model,
                  .ranks = model->ranks,
                  .callback = callback,
                  .context = context,
                  .wants_loss = loss_sum != NULL};
    mlce_status status = mlce_ranks_agree(t.ranks, begin(&t, dataset));
    bool over = false;
    while (!status && !over) status = do_round(&t, &over);
    if (!status) status = mlce_ranks_agree(t.ranks, t.status);
    if (loss_sum) *loss_sum = t.loss;
    mlce_batcher_free(t.batcher);
    mlce_predictor_free(t.predictor);
    free(t.mine);
    free(t.all);
    free(t.headers);
    free(t.sizes);
    free(t.header_sizes);
    return status;
}
