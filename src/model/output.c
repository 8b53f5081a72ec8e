/* output.c - the loss and the predictions of what a head gives, for each task. */
#include "model/output.h"

#include <math.h>
#include <stdlib.h>

#include "span/scores.h"

mlce_status mlce_loss_options_from(const mlce_config *config, mlce_loss_options *options) {
    *options = (mlce_loss_options){
        .positive_weight = (float)mlce_config_float(config, "loss.positive_weight"),
        .alpha = (float)mlce_config_float(config, "loss.alpha"),
        .gamma = (float)mlce_config_float(config, "loss.gamma"),
    };
    return mlce_loss_kind_of(mlce_config_string(config, "loss.name"), &options->kind);
}

/* The labels of a batch as a list of positives: an item is a sequence of one token, and its labels
   are the types of its spans, which the dataset keeps in order. s_0 is taken off the scores
   already: then threshold_ce is multilabel_ce. */
static mlce_node *labels_loss(mlce_graph *g, const mlce_loss_options *options,
                              const mlce_output *output, const mlce_batch *batch) {
    int labels = batch->span_offsets[batch->sequences];
    int *indices = mlce_arena_alloc(mlce_graph_arena(g), (size_t)labels, sizeof *indices);
    if (!indices) return mlce_graph_fail(g, MLCE_E_MEMORY);
    for (int n = 0; n < labels; n++) indices[n] = batch->spans[n].type;
    mlce_loss_targets targets = {
        .offsets = batch->span_offsets,
        .indices = indices,
        .weights = batch->span_weights,
    };
    mlce_loss_options shifted = *options;
    if (shifted.kind == MLCE_LOSS_THRESHOLD_CE) shifted.kind = MLCE_LOSS_MULTILABEL_CE;
    return mlce_loss_op(g, &shifted, output->scores, NULL, &targets);
}

/* The batch with other targets. */
static bool smooth(mlce_graph *g, float smoothing, mlce_batch *batch) {
    int gold = batch->span_offsets[batch->sequences];
    float *weights = mlce_arena_alloc(mlce_graph_arena(g), (size_t)gold, sizeof *weights);
    for (int n = 0; weights && n < gold; n++)
        weights[n] = (1.0f - smoothing) * (batch->span_weights ? batch->span_weights[n] : 1.0f);
    batch->span_weights = weights;
    return weights != NULL;
}

mlce_node *mlce_output_loss(mlce_graph *g, const mlce_loss_options *options, float smoothing,
                            const mlce_output *output, const mlce_batch *batch) {
    mlce_batch smoothed = *batch;
    if (smoothing > 0 && !smooth(g, smoothing, &smoothed)) return mlce_graph_fail(g, MLCE_E_MEMORY);
    if (output->task == MLCE_TASK_LABELS) return labels_loss(g, options, output, &smoothed);
    return mlce_span_loss_op(g, options, &output->factors, &smoothed);
}

static mlce_status append(mlce_span_list *list, int type, float score) {
    mlce_status status =
        mlce_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    if (!status) list->items[list->count++] = (mlce_scored_span){{0, 1, type}, score};
    return status;
}

static int by_type(const void *left, const void *right) {
    const mlce_span *a = &((const mlce_scored_span *)left)->span;
    const mlce_span *b = &((const mlce_scored_span *)right)->span;
    return (a->type > b->type) - (a->type < b->type);
}

/* The `top` largest of a row, in the order of their types. Found one by one: top is small. */
static mlce_status append_top(mlce_span_list *list, const float *scores, int types, int top) {
    size_t first = list->count;
    float bound = INFINITY; /* nothing larger is left */
    int bound_type = -1;
    for (int n = 0; n < top && n < types; n++) {
        int best = -1;
        for (int a = 0; a < types; a++) {
            bool taken = scores[a] > bound || (scores[a] == bound && a <= bound_type);
            if (!taken && (best < 0 || scores[a] > scores[best])) best = a;
        }
        if (best < 0) break;
        bound = scores[best];
        bound_type = best;
        mlce_status status = append(list, best, scores[best]);
        if (status) return status;
    }
    qsort(list->items + first, list->count - first, sizeof *list->items, by_type);
    return MLCE_OK;
}

static mlce_status labels_decode(const mlce_output *output, const mlce_decision *decision,
                                 mlce_span_list *list) {
    int items = output->scores->rows, types = output->scores->cols;
    mlce_status status = mlce_grow((void **)&list->offsets, &list->offsets_capacity,
                                   (size_t)items + 1, sizeof *list->offsets);
    list->count = 0;
    list->sequences = (size_t)items;
    for (int r = 0; r < items && !status; r++) {
        const float *scores = output->scores->value + (size_t)r * (size_t)types;
        list->offsets[r] = list->count;
        if (decision->top > 0) status = append_top(list, scores, types, decision->top);
        for (int a = 0; a < types && decision->top == 0 && !status; a++)
            if (scores[a] > (decision->thresholds ? decision->thresholds[a] : 0.0f))
                status = append(list, a, scores[a]);
    }
    if (!status) list->offsets[items] = list->count;
    return status;
}

mlce_status mlce_output_decode(const mlce_output *output, const mlce_batch *batch,
                               const mlce_decision *decision, mlce_span_list *list) {
    if (output->task == MLCE_TASK_LABELS) return labels_decode(output, decision, list);
    mlce_span_scores scores = mlce_span_factors_scores(&output->factors, batch);
    int bad = mlce_span_find_not_finite(&scores);
    if (bad >= 0)
        return mlce_fail(MLCE_E_NUMERIC,
                         "sequence %lld: a score is not finite: its embeddings are too large for "
                         "the model",
                         (long long)batch->ids[bad]);
    return mlce_span_decode(&scores, decision, list);
}
