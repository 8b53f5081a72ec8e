/* predictor.c - a model's predictions of sequences in memory. */
#include "model/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/batch_plan.h"
#include "data/dataset_parts.h"

struct mlce_predictor {
    const mlce_model *model;
    mlce_graph *graph;
    mlce_output output; /* of the last batch, in the graph */
    mlce_span_list found;
    /* The results of mlce_predictor_run(). */
    mlce_prediction *predictions;
    mlce_scored_span *spans;
    float *scores;
    size_t predictions_capacity, spans_capacity, scores_capacity;
    size_t span_count;
    int *lengths, *offsets; /* [sequences]; [sequences+1] of one batch, from 0 on */
    float *rows;            /* of one batch: embeddings with shape features behind them */
    size_t lengths_capacity, offsets_capacity, rows_capacity;
};

mlce_status mlce_predictor_new(const mlce_model *model, mlce_predictor **predictor) {
    mlce_predictor *p = mlce_calloc(1, sizeof *p);
    *predictor = NULL;
    if (!p) return MLCE_E_MEMORY;
    p->model = model;
    p->graph = mlce_graph_new();
    if (!p->graph) {
        mlce_predictor_free(p);
        return MLCE_E_MEMORY;
    }
    mlce_graph_set_training(p->graph, false);
    *predictor = p;
    return MLCE_OK;
}

void mlce_predictor_free(mlce_predictor *predictor) {
    if (!predictor) return;
    mlce_graph_free(predictor->graph);
    mlce_span_list_free(&predictor->found);
    free(predictor->predictions);
    free(predictor->spans);
    free(predictor->scores);
    free(predictor->lengths);
    free(predictor->offsets);
    free(predictor->rows);
    free(predictor);
}

/* ---- One batch ---- */

mlce_batch_options mlce_predictor_batches(const mlce_model *model) {
    const mlce_config *config = mlce_model_config(model);
    return (mlce_batch_options){
        .sequences = (int)mlce_config_int(config, "train.batch_size"),
        .tokens = (int)mlce_config_int(config, "train.batch_tokens"),
        .shape = mlce_shape_options_from(config),
    };
}

/* Embeddings so large that products overflow: nothing said of such a sequence is worth anything. */
static mlce_status check_finite(const mlce_predictor *p, const mlce_batch *batch,
                                const mlce_node *loss) {
    const char *advice = "its embeddings are too large for the model";
    for (int b = 0; b < batch->sequences; b++)
        for (size_t n = p->found.offsets[b]; n < p->found.offsets[b + 1]; n++)
            if (!isfinite(p->found.items[n].score))
                return mlce_fail(MLCE_E_NUMERIC, "sequence %lld: a score is not finite: %s",
                                 (long long)batch->ids[b], advice);
    if (loss && !isfinite(loss->value[0]))
        return mlce_fail(MLCE_E_NUMERIC, "sequences %lld to %lld: their loss is not finite: %s",
                         (long long)batch->ids[0], (long long)batch->ids[batch->sequences - 1],
                         advice);
    return MLCE_OK;
}

mlce_status mlce_predictor_batch(mlce_predictor *p, const mlce_batch *batch, double *loss) {
    mlce_graph_reset(p->graph);
    p->output = mlce_model_forward(p->model, p->graph, batch);
    mlce_node *node = loss ? mlce_model_loss(p->model, p->graph, &p->output, batch) : NULL;
    mlce_status status = mlce_graph_status(p->graph);
    if (!status) status = mlce_model_decode(p->model, &p->output, batch, &p->found);
    if (!status) status = check_finite(p, batch, node);
    if (!status && loss) *loss = (double)node->value[0];
    return status;
}

mlce_prediction mlce_predictor_at(const mlce_predictor *p, const mlce_batch *batch, int b) {
    size_t first = p->found.offsets[b];
    mlce_prediction one = {
        .sequence = batch->ids[b],
        .spans = p->found.items + first,
        .count = p->found.offsets[b + 1] - first,
    };
    if (p->output.task == MLCE_TASK_LABELS)
        one.scores = p->output.scores->value + (size_t)b * (size_t)p->output.scores->cols;
    return one;
}

/* ---- Any number of sequences ---- */

/* Fills `lengths`. */
static mlce_status measure(mlce_predictor *p, int sequences, const int *offsets) {
    if (sequences < 0) return mlce_fail(MLCE_E_ARGUMENT, "%d sequences cannot be", sequences);
    if (sequences && offsets && offsets[0] != 0)
        return mlce_fail(MLCE_E_ARGUMENT, "offsets begin with %d: they must begin with 0",
                         offsets[0]);
    mlce_status status = mlce_grow((void **)&p->lengths, &p->lengths_capacity,
                                   (size_t)sequences + 1, sizeof *p->lengths);
    if (!status)
        status = mlce_grow((void **)&p->offsets, &p->offsets_capacity, (size_t)sequences + 1,
                           sizeof *p->offsets);
    bool labels = mlce_model_task(p->model) == MLCE_TASK_LABELS;
    for (int s = 0; s < sequences && !status; s++) {
        if (offsets && offsets[s + 1] < offsets[s])
            return mlce_fail(MLCE_E_ARGUMENT,
                             "offsets fall from %d to %d behind sequence %d: each sequence begins "
                             "where the one before it ends",
                             offsets[s], offsets[s + 1], s);
        p->lengths[s] = offsets ? offsets[s + 1] - offsets[s] : 1;
        if (labels && p->lengths[s] != 1)
            return mlce_fail(MLCE_E_ARGUMENT,
                             "item %d has %d rows: the model is for items with labels, of one row "
                             "each",
                             s, p->lengths[s]);
    }
    return status;
}

static mlce_status check_embeddings(const mlce_predictor *p, const mlce_batch *batch) {
    size_t width = (size_t)batch->width, values = (size_t)batch->tokens * width;
    size_t bad = mlce_find_not_finite(batch->embeddings, values, MLCE_FLOAT32);
    if (bad == values) return MLCE_OK;
    int row = (int)(bad / width), b = 0;
    while (p->offsets[b + 1] <= row) b++;
    return mlce_fail(MLCE_E_NUMERIC,
                     "sequence %lld, token %d, feature %d is %g: embeddings must be finite",
                     (long long)batch->ids[b], row - p->offsets[b], (int)(bad % width),
                     (double)batch->embeddings[bad]);
}

/* Copies a batch's predictions. Where their spans are is set at the end: growing moves them. */
static mlce_status keep(mlce_predictor *p, const mlce_batch *batch) {
    size_t types = (size_t)mlce_model_types(p->model);
    mlce_status status = mlce_grow((void **)&p->spans, &p->spans_capacity,
                                   p->span_count + p->found.count + 1, sizeof *p->spans);
    for (int b = 0; b < batch->sequences && !status; b++) {
        mlce_prediction one = mlce_predictor_at(p, batch, b);
        if (one.count) memcpy(p->spans + p->span_count, one.spans, one.count * sizeof *p->spans);
        if (one.scores) {
            float *scores = p->scores + (size_t)one.sequence * types;
            memcpy(scores, one.scores, types * sizeof *scores);
            one.scores = scores;
        }
        p->span_count += one.count;
        p->predictions[one.sequence] = one;
    }
    return status;
}

/* Puts shape features behind the batch's embeddings. */
static mlce_status add_shape(mlce_predictor *p, const mlce_shape_options *shape,
                             const char *const *tokens, mlce_batch *batch) {
    size_t width = (size_t)batch->width, stride = width + (size_t)mlce_shape_width(shape);
    mlce_status status = mlce_grow((void **)&p->rows, &p->rows_capacity, (size_t)batch->tokens + 1,
                                   stride * sizeof *p->rows);
    if (status) return status;
    for (size_t t = 0; t < (size_t)batch->tokens; t++)
        memcpy(p->rows + t * stride, batch->embeddings + t * width, width * sizeof *p->rows);
    for (int b = 0; b < batch->sequences && !status; b++) {
        int first = p->offsets[b];
        status = mlce_shape_rows(shape, tokens + first, p->offsets[b + 1] - first,
                                 p->rows + (size_t)first * stride + width, stride);
    }
    batch->width = (int)stride;
    batch->embeddings = p->rows;
    return status;
}

static mlce_status run_batches(mlce_predictor *p, const mlce_batch_plan *plan,
                               const float *embeddings, const char *const *tokens) {
    const mlce_shape_options *shape = &plan->options.shape;
    int width = mlce_model_width(p->model);
    mlce_status status = MLCE_OK;
    for (int64_t b = 0; b < plan->batches && !status; b++) {
        const int64_t *ids = plan->order + plan->starts[b];
        mlce_batch batch = {.sequences = (int)(plan->starts[b + 1] - plan->starts[b]),
                            .width = width,
                            .ids = ids,
                            .offsets = p->offsets,
                            .embeddings = embeddings};
        p->offsets[0] = 0;
        for (int n = 0; n < batch.sequences; n++)
            p->offsets[n + 1] = p->offsets[n] + p->lengths[ids[n]];
        batch.tokens = p->offsets[batch.sequences];
        status = check_embeddings(p, &batch);
        if (!status && shape->buckets) status = add_shape(p, shape, tokens, &batch);
        if (!status) status = mlce_predictor_batch(p, &batch, NULL);
        if (!status) status = keep(p, &batch);
        embeddings += (size_t)batch.tokens * (size_t)width;
        if (tokens) tokens += batch.tokens;
    }
    return status;
}

/* Room for the results that do not depend on what is found. */
static mlce_status make_room(mlce_predictor *p, int sequences) {
    size_t types = (size_t)mlce_model_types(p->model), count = (size_t)sequences + 1;
    mlce_status status = mlce_grow((void **)&p->predictions, &p->predictions_capacity, count,
                                   sizeof *p->predictions);
    if (!status && mlce_model_task(p->model) == MLCE_TASK_LABELS)
        status =
            mlce_grow((void **)&p->scores, &p->scores_capacity, count, types * sizeof *p->scores);
    p->span_count = 0;
    return status;
}

mlce_status mlce_predictor_run(mlce_predictor *p, int sequences, const int *offsets,
                               const float *embeddings, const char *const *tokens,
                               const mlce_prediction **predictions) {
    *predictions = NULL;
    mlce_batch_options options = mlce_predictor_batches(p->model);
    if (options.shape.buckets && !tokens && sequences > 0)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "the model has features.shape: it needs the tokens' text "
                         "beside their embeddings");
    mlce_batch_plan plan = {0};
    mlce_status status = measure(p, sequences, offsets);
    if (!status) status = make_room(p, sequences);
    if (!status) status = mlce_batch_plan_init(&plan, p->lengths, sequences, &options);
    if (status) return status;
    mlce_batch_plan_make(&plan, 0);
    status = run_batches(p, &plan, embeddings, tokens);
    mlce_batch_plan_free(&plan);
    if (status) return status;
    const mlce_scored_span *next = p->spans;
    for (int s = 0; s < sequences; s++) {
        p->predictions[s].spans = next;
        next += p->predictions[s].count;
    }
    *predictions = p->predictions;
    return MLCE_OK;
}
