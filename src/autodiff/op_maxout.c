/* op_maxout.c - the largest of several linear pieces (Goodfellow et al. 2013, "Maxout Networks").
 *
 *   y_c = max over q of x_(q cols + c);  dx is dy at the first piece that is largest, else 0
 */
#include "autodiff/graph_private.h"
#include "core/vector.h"

/* best_c: which piece y_c is of */
MLCE_KERNEL static void maxout_row(const float *x, int cols, int pieces, float *y, uint8_t *best) {
    for (int c = 0; c < cols; c++) {
        y[c] = x[c];
        best[c] = 0;
    }
    for (int q = 1; q < pieces; q++) {
        const float *piece = x + (size_t)q * (size_t)cols;
        for (int c = 0; c < cols; c++) {
            best[c] = piece[c] > y[c] ? (uint8_t)q : best[c];
            y[c] = piece[c] > y[c] ? piece[c] : y[c];
        }
    }
}

MLCE_KERNEL static void maxout_row_grad(const float *dy, const uint8_t *best, int cols, int pieces,
                                        float *dx) {
    for (int q = 0; q < pieces; q++) {
        float *piece = dx + (size_t)q * (size_t)cols;
        for (int c = 0; c < cols; c++) piece[c] += best[c] == q ? dy[c] : 0.0f;
    }
}

static void maxout_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0];
    const uint8_t *best = y->context;
    float *dx = mlce_node_grad(g, x, NULL);
    if (!dx) return;
#pragma omp parallel for if ((double)x->rows * x->cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < y->rows; i++) {
        size_t row = (size_t)i * (size_t)y->cols;
        maxout_row_grad(y->grad + row, best + row, y->cols, x->cols / y->cols,
                        dx + (size_t)i * (size_t)x->cols);
    }
}

mlce_node *mlce_maxout(mlce_graph *g, mlce_node *x, int pieces) {
    if (!x || mlce_graph_status(g)) return NULL;
    if (pieces < 1 || pieces > UINT8_MAX || x->cols % pieces)
        return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                            "mlce_maxout: [%d, %d] has no %d pieces (1 to 255)",
                                            x->rows, x->cols, pieces));
    mlce_node *y = mlce_node_new(g, x->rows, x->cols / pieces, maxout_backward, &x, 1);
    if (!y) return NULL;
    uint8_t *best = mlce_arena_alloc(g->arena, (size_t)y->rows * (size_t)y->cols, sizeof *best);
    if (!best) return mlce_graph_fail(g, MLCE_E_MEMORY);
    y->context = best;
#pragma omp parallel for if ((double)x->rows * x->cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < y->rows; i++) {
        size_t row = (size_t)i * (size_t)y->cols;
        maxout_row(x->value + (size_t)i * (size_t)x->cols, y->cols, pieces, y->value + row,
                   best + row);
    }
    return y;
}
