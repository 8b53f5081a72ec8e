/* mean.c - the mean of several heads' scores, as if they came from one head.
 *
 *   1/M sum over m of scale_m q_m . k_m + u_m + v_m - s0_m  =  q . k + u + v - s0
 *
 * with q = [scale_1 / M q_1 ; scale_2 / M q_2 ; ...], k = [k_1 ; k_2 ; ...], and u, v and s0 the
 * means: so the factors stand for the mean of the scores, and no score is ever stored. Where some
 * heads share q and k among the types and others do not, the shared ones stand for each type.
 */
#include <limits.h>
#include <string.h>

#include "model/output.h"

/* The mean, number by number, of what is not NULL in place of which 0 counts; NULL where all are.
   No gradient goes through. */
static mlce_node *mean_of(mlce_graph *g, mlce_node *const *nodes, int count) {
    const mlce_node *shape = NULL;
    for (int m = 0; m < count; m++)
        if (nodes[m]) shape = nodes[m];
    mlce_node *mean = shape ? mlce_node_new(g, shape->rows, shape->cols, NULL, NULL, 0) : NULL;
    size_t size = mean ? (size_t)mean->rows * (size_t)mean->cols : 0;
    for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (int m = 0; m < count; m++)
            if (nodes[m]) sum += (double)nodes[m]->value[i];
        mean->value[i] = (float)(sum / count);
    }
    return mean;
}

/* One output's q and k into each row of the wider ones, from column `at` of each head's on. */
static void place(const mlce_span_factors *from, const mlce_span_factors *to, int at, int count) {
    size_t d = (size_t)from->head_size, wide = (size_t)to->head_size;
    float factor = from->scale / (float)count;
    for (int row = 0; row < to->qk->rows; row++) {
        const float *source = from->qk->value + (size_t)row * (size_t)from->qk->cols;
        float *q = to->qk->value + (size_t)row * (size_t)to->qk->cols + at;
        for (int h = 0; h < to->heads; h++, q += 2 * wide) {
            const float *shared = source + (from->heads == 1 ? 0 : (size_t)h * 2 * d);
            for (size_t n = 0; n < d; n++) q[n] = factor * shared[n];
            memcpy(q + wide, shared + d, d * sizeof *q);
        }
    }
}

static mlce_node *join_qk(mlce_graph *g, const mlce_output *outputs, int count,
                          mlce_span_factors *joined) {
    int64_t head_size = 0;
    for (int m = 0; m < count; m++) {
        head_size += outputs[m].factors.head_size;
        if (outputs[m].factors.heads > joined->heads) joined->heads = outputs[m].factors.heads;
    }
    if (head_size > INT_MAX / 2 / joined->heads)
        return mlce_graph_fail(
            g, mlce_fail(MLCE_E_ARGUMENT,
                         "the mean of %d models with %d types would have q and k of %lld "
                         "features, too many: average fewer",
                         count, joined->types, 2LL * joined->heads * head_size));
    joined->head_size = (int)head_size;
    joined->qk =
        mlce_node_new(g, joined->qk->rows, 2 * joined->heads * joined->head_size, NULL, NULL, 0);
    for (int m = 0, at = 0; joined->qk && m < count; at += outputs[m++].factors.head_size)
        place(&outputs[m].factors, joined, at, count);
    return joined->qk;
}

mlce_output mlce_output_mean(mlce_graph *g, const mlce_output *outputs, int count) {
    mlce_output mean = outputs[0];
    if (count == 1) return mean;
    mlce_node **nodes = mlce_arena_alloc(mlce_graph_arena(g), 3 * (size_t)count, sizeof *nodes);
    if (!nodes) mlce_graph_fail(g, MLCE_E_MEMORY);
    if (!nodes || mlce_graph_status(g)) return (mlce_output){.task = mean.task};
    mlce_node **scores = nodes, **terms = nodes + count, **thresholds = terms + count;
    for (int m = 0; m < count; m++) {
        scores[m] = outputs[m].scores;
        terms[m] = outputs[m].factors.type_terms;
        thresholds[m] = outputs[m].factors.thresholds;
    }
    mean.scores = mean_of(g, scores, count);
    if (mean.task == MLCE_TASK_LABELS) return mean;
    mean.factors.scale = 1;
    mean.factors.qk = join_qk(g, outputs, count, &mean.factors);
    mean.factors.type_terms = mean_of(g, terms, count);
    mean.factors.thresholds = mean_of(g, thresholds, count);
    return mean;
}
