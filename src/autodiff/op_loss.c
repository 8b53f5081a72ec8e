/* op_loss.c - the losses of mlce/loss.h as an op of the graph.
 *
 * Loss and gradients come out of the same passes, so the forward pass computes both; backward
 * scales them by the gradient that reaches the loss.
 */
#include "core/vector.h"
#include "mlce/graph.h"
#include "mlce/loss.h"

typedef struct loss_grads {
    float *scores;    /* [rows, classes] or NULL */
    float *threshold; /* [rows] or NULL */
} loss_grads;

MLCE_KERNEL static void add_scaled(const float *from, float factor, float beta, float *to,
                                   size_t count) {
    if (beta == 0)
        for (size_t i = 0; i < count; i++) to[i] = factor * from[i];
    else
        for (size_t i = 0; i < count; i++) to[i] += factor * from[i];
}

static void loss_backward(mlce_graph *g, mlce_node *loss) {
    enum { CHUNK = 8192 };
    const loss_grads *grads = loss->context;
    mlce_node *scores = loss->input[0], *threshold = loss->input[1];
    float factor = loss->grad[0] / (float)scores->rows, beta;
    float *to = mlce_node_grad(g, scores, &beta);
    size_t size = (size_t)scores->rows * (size_t)scores->cols;
    if (to) {
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
        for (size_t i = 0; i < size; i += CHUNK)
            add_scaled(grads->scores + i, factor, beta, to + i,
                       size - i < CHUNK ? size - i : CHUNK);
    }
    to = threshold ? mlce_node_grad(g, threshold, NULL) : NULL;
    for (int r = 0; to && r < scores->rows; r++)
        to[threshold->rows == 1 ? 0 : r] += factor * grads->threshold[r];
}

static mlce_node *fail_threshold(mlce_graph *g, const mlce_node *scores,
                                 const mlce_node *threshold) {
    if (!threshold)
        mlce_fail(MLCE_E_ARGUMENT, "loss: threshold_ce needs a threshold");
    else
        mlce_fail(MLCE_E_ARGUMENT,
                  "loss: a threshold [%d, %d] for scores [%d, %d]; must be [%d, 1] "
                  "or [1, 1], and for threshold_ce only",
                  threshold->rows, threshold->cols, scores->rows, scores->cols, scores->rows);
    return mlce_graph_fail(g, MLCE_E_ARGUMENT);
}

/* Each row's threshold. */
static float *spread(mlce_graph *g, const mlce_node *threshold, int rows) {
    float *values = mlce_arena_alloc(mlce_graph_arena(g), (size_t)rows, sizeof *values);
    for (int r = 0; values && r < rows; r++)
        values[r] = threshold->value[threshold->rows == 1 ? 0 : r];
    return values;
}

mlce_node *mlce_loss_op(mlce_graph *g, const mlce_loss_options *options, mlce_node *scores,
                        mlce_node *threshold, const mlce_loss_targets *targets) {
    if (!scores || mlce_graph_status(g)) return NULL;
    int rows = scores->rows;
    bool takes_threshold = options->kind == MLCE_LOSS_THRESHOLD_CE;
    if (takes_threshold != (threshold != NULL) ||
        (threshold && (threshold->cols != 1 || (threshold->rows != 1 && threshold->rows != rows))))
        return fail_threshold(g, scores, threshold);
    mlce_arena *arena = mlce_graph_arena(g);
    mlce_node *loss = mlce_node_new(g, 1, 1, loss_backward, (mlce_node *[]){scores, threshold}, 2);
    loss_grads *grads = mlce_arena_alloc(arena, 1, sizeof *grads);
    double *losses = mlce_arena_alloc(arena, (size_t)rows, sizeof *losses);
    float *thresholds = threshold ? spread(g, threshold, rows) : NULL;
    if (!loss || !grads || !losses || (threshold && !thresholds))
        return mlce_graph_fail(g, MLCE_E_MEMORY);
    *grads = (loss_grads){0};
    if (loss->wants_grad) {
        grads->scores = mlce_arena_alloc(arena, (size_t)rows * (size_t)scores->cols, sizeof(float));
        grads->threshold = mlce_arena_alloc(arena, (size_t)rows, sizeof(float));
        if (!grads->scores || !grads->threshold) return mlce_graph_fail(g, MLCE_E_MEMORY);
    }
    loss->context = grads;
    mlce_status status = mlce_loss(options, rows, scores->cols, scores->value, thresholds, targets,
                                   losses, grads->scores, grads->threshold);
    if (status) return mlce_graph_fail(g, status);
    double sum = 0;
    for (int r = 0; r < rows; r++) sum += losses[r];
    loss->value[0] = rows > 0 ? (float)(sum / rows) : 0.0f;
    return loss;
}
