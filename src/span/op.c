/* op.c - the span loss as an op of the graph.
 *
 * Loss and gradients come out of the same passes, so the forward pass computes both; backward
 * scales them by the gradient that reaches the loss.
 */
#include "span/private.h"

/* The first gradient of a node may become its memory; another is added. */
static void hand_on(mlce_graph *g, mlce_node *input, float *grad, float factor) {
    if (!input->wants_grad) return;
    size_t size = (size_t)input->rows * (size_t)input->cols;
    for (size_t i = 0; factor != 1.0f && i < size; i++) grad[i] *= factor;
    if (!input->grad) {
        input->grad = grad;
        *input->grad_started = true;
        return;
    }
    float *to = mlce_node_grad(g, input, NULL);
    for (size_t i = 0; i < size; i++) to[i] += grad[i];
}

static void span_loss_backward(mlce_graph *g, mlce_node *loss) {
    const mlce_span_gradients *d = loss->context;
    hand_on(g, loss->input[0], d->qk, loss->grad[0]);
    if (loss->input[1]) hand_on(g, loss->input[1], d->type_terms, loss->grad[0]);
    if (loss->input[2]) hand_on(g, loss->input[2], d->thresholds, loss->grad[0]);
}

mlce_span_scores mlce_span_factors_scores(const mlce_span_factors *factors,
                                          const mlce_batch *batch) {
    return (mlce_span_scores){
        .sequences = batch->sequences,
        .offsets = batch->offsets,
        .types = factors->types,
        .heads = factors->heads,
        .head_size = factors->head_size,
        .scale = factors->scale,
        .max_width = factors->max_width,
        .qk = factors->qk->value,
        .type_terms = factors->type_terms ? factors->type_terms->value : NULL,
        .thresholds = factors->thresholds ? factors->thresholds->value : NULL,
    };
}

/* Memory for the gradient of a node; *gradient stays NULL for none. */
static bool take_gradient(mlce_graph *g, const mlce_node *node, float **gradient) {
    if (!node) return true;
    *gradient = mlce_arena_alloc(mlce_graph_arena(g), (size_t)node->rows * (size_t)node->cols,
                                 sizeof(float));
    return *gradient != NULL;
}

mlce_node *mlce_span_loss_op(mlce_graph *g, const mlce_loss_options *options,
                             const mlce_span_factors *factors, const mlce_batch *batch) {
    mlce_node *qk = factors->qk, *terms = factors->type_terms, *thresholds = factors->thresholds;
    if (!qk || mlce_graph_status(g)) return NULL;
    mlce_node *loss =
        mlce_node_new(g, 1, 1, span_loss_backward, (mlce_node *[]){qk, terms, thresholds}, 3);
    mlce_span_gradients *d = mlce_arena_alloc(mlce_graph_arena(g), 1, sizeof *d);
    if (!loss || !d) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *d = (mlce_span_gradients){0};
    loss->context = d;
    if (loss->wants_grad &&
        (!take_gradient(g, qk, &d->qk) || !take_gradient(g, terms, &d->type_terms) ||
         !take_gradient(g, thresholds, &d->thresholds)))
        return mlce_graph_fail(g, MLCE_E_MEMORY);
    mlce_span_scores scores = mlce_span_factors_scores(factors, batch);
    mlce_span_gold gold = {batch->spans, batch->span_offsets, batch->span_weights};
    double value;
    mlce_status status = mlce_span_loss_in(mlce_graph_arena(g), options, &scores, &gold, &value, d);
    if (status) return mlce_graph_fail(g, status);
    loss->value[0] = (float)value;
    return loss;
}
