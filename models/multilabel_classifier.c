/* multilabel_classifier.c - one score a label for each item, linear in what reaches the head.
 *
 *   s_a = w_a . h + b_a
 *
 * With loss.name = threshold_ce a further score s_0 = w_0 . h + b_0 is learned and taken off all of
 * them. Hidden layers are encoders before the head.
 */
#include <stdlib.h>
#include <string.h>

#include "model/parts.h"

typedef struct state {
    mlce_dense scores;    /* [T, in] */
    mlce_dense threshold; /* [1, in]; none without threshold_ce */
} state;

static void *declare(mlce_parameters *parameters, const mlce_config *config, int in, int types) {
    state *s = mlce_calloc(1, sizeof *s);
    if (!s) return NULL;
    bool learns_threshold = strcmp(mlce_config_string(config, "loss.name"), "threshold_ce") == 0;
    if (mlce_dense_add(parameters, "head.scores", in, types, &s->scores) &&
        (!learns_threshold || mlce_dense_add(parameters, "head.threshold", in, 1, &s->threshold)))
        return s;
    free(s);
    return NULL;
}

/* s_a - s_0 for all labels a:  [items, 1] times a row of ones */
static mlce_node *take_off(mlce_graph *g, mlce_node *scores, mlce_node *threshold) {
    if (!scores || !threshold) return NULL;
    float *ones = mlce_arena_alloc(mlce_graph_arena(g), (size_t)scores->cols, sizeof *ones);
    if (!ones) return mlce_graph_fail(g, MLCE_E_MEMORY);
    for (int a = 0; a < scores->cols; a++) ones[a] = 1.0f;
    mlce_node *row = mlce_constant(g, 1, scores->cols, ones);
    return mlce_add(g, scores, mlce_scale(g, mlce_matmul(g, threshold, row, false, false), -1.0f));
}

static mlce_output forward(mlce_graph *g, const void *head, mlce_node *x, const mlce_batch *batch) {
    const state *s = head;
    (void)batch; /* item by item */
    mlce_node *scores = mlce_dense_forward(g, x, &s->scores);
    if (s->threshold.weight) scores = take_off(g, scores, mlce_dense_forward(g, x, &s->threshold));
    return (mlce_output){.task = MLCE_TASK_LABELS, .scores = scores};
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *head, mlce_onnx_value x) {
    const state *s = head;
    mlce_onnx_value item = MLCE_ONNX(o, "Squeeze", x, mlce_onnx_ints(o, MLCE_ONNX_DIMS(1)));
    mlce_onnx_value scores = mlce_dense_onnx(o, item, &s->scores);
    if (!s->threshold.weight) return scores;
    return MLCE_ONNX(o, "Sub", scores, mlce_dense_onnx(o, item, &s->threshold));
}

const mlce_head_type mlce_head_multilabel_classifier = {"multilabel_classifier", MLCE_TASK_LABELS,
                                                        declare, forward, onnx};
