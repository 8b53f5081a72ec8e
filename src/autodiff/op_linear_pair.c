/* op_linear_pair.c - two linear layers of the same x as one product: sgemm is at its best with more
 * columns than a narrow layer has.
 *
 *   [y_0 y_1] = x [W_0; W_1]^T + [b_0 b_1]
 *   dx = [dy_0 dy_1] [W_0; W_1],  [dW_0; dW_1] = [dy_0 dy_1]^T x
 */
#include <string.h>

#include "autodiff/gemm.h"
#include "autodiff/graph_private.h"
#include "core/vector.h"

/* Beyond this many outputs of each of the two, what is copied outweighs what is won. */
enum { NARROW = 256 };

typedef struct pair {
    mlce_node *y[2];
    float *W; /* [out_0 + out_1, in] */
} pair;

/* Columns [start, start + cols) of `joined`, as [rows, cols]. */
static void split(float *to, const float *joined, int stride, int start, int cols, int rows) {
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int r = 0; r < rows; r++)
        memcpy(to + (size_t)r * (size_t)cols, joined + (size_t)r * (size_t)stride + start,
               (size_t)cols * sizeof *to);
}

static void join(float *joined, int stride, const float *left, int left_cols, const float *right,
                 int right_cols, int rows) {
#pragma omp parallel for if ((double)rows * stride > MLCE_PARALLEL_SIZE) schedule(static)
    for (int r = 0; r < rows; r++) {
        float *to = joined + (size_t)r * (size_t)stride;
        memcpy(to, left + (size_t)r * (size_t)left_cols, (size_t)left_cols * sizeof *to);
        memcpy(to + left_cols, right + (size_t)r * (size_t)right_cols,
               (size_t)right_cols * sizeof *to);
    }
}

static void add_to(mlce_graph *g, mlce_node *input, const float *grad) {
    float beta;
    float *to = input ? mlce_node_grad(g, input, &beta) : NULL;
    if (!to) return;
    size_t size = (size_t)input->rows * (size_t)input->cols;
    for (size_t i = 0; i < size; i++) to[i] = beta != 0 ? to[i] + grad[i] : grad[i];
}

/* The second's comes first; the first's does the work, so it must have a gradient. */
static void second_backward(mlce_graph *g, mlce_node *y) {
    const pair *p = y->context;
    mlce_node_grad(g, p->y[0], NULL);
}

static void first_backward(mlce_graph *g, mlce_node *y) {
    const pair *p = y->context;
    mlce_node *x = y->input[0];
    int n = y->rows, in = x->cols, out_0 = y->cols, out_1 = p->y[1]->cols, out = out_0 + out_1;
    size_t weights = (size_t)out * (size_t)in;
    const float *dy_1 = mlce_node_grad(g, p->y[1], NULL);
    float *dy = mlce_arena_alloc(g->arena, (size_t)n * (size_t)out, sizeof *dy);
    float *dW = mlce_arena_alloc(g->arena, weights + (size_t)out, sizeof *dW);
    if (!dy_1 || !dy || !dW) {
        mlce_graph_fail(g, MLCE_E_MEMORY);
        return;
    }
    join(dy, out, y->grad, out_0, dy_1, out_1, n);
    float beta, *db = dW + weights, *dx = mlce_node_grad(g, x, &beta);
    if (dx) mlce_gemm(false, false, n, in, out, 1, dy, out, p->W, in, beta, dx, in);
    mlce_gemm(true, false, out, in, n, 1, dy, out, x->value, in, 0, dW, in);
    memset(db, 0, (size_t)out * sizeof *db);
    mlce_add_column_sums(dy, n, out, db);
    add_to(g, y->input[1], dW);
    add_to(g, p->y[1]->input[1], dW + (size_t)out_0 * (size_t)in);
    add_to(g, y->input[2], db);
    add_to(g, p->y[1]->input[2], db + out_0);
}

static void forward(mlce_graph *g, pair *p, const mlce_node *x) {
    const mlce_node *first = p->y[0], *second = p->y[1];
    int n = x->rows, in = x->cols, out_0 = first->cols, out = out_0 + second->cols;
    size_t weights = (size_t)out * (size_t)in;
    p->W = mlce_arena_alloc(g->arena, weights + (size_t)out, sizeof *p->W);
    float *y = mlce_arena_alloc(g->arena, (size_t)n * (size_t)out, sizeof *y);
    if (!p->W || !y) {
        mlce_graph_fail(g, MLCE_E_MEMORY);
        return;
    }
    float *bias = p->W + weights;
    for (int part = 0, start = 0; part < 2; start += p->y[part++]->cols) {
        const mlce_node *W = p->y[part]->input[1], *b = p->y[part]->input[2];
        memcpy(p->W + (size_t)start * (size_t)in, W->value,
               (size_t)W->rows * (size_t)in * sizeof *p->W);
        memcpy(bias + start, b->value, (size_t)W->rows * sizeof *bias);
    }
    mlce_gemm_linear(n, out, in, x->value, p->W, bias, y);
    split(first->value, y, out, 0, out_0, n);
    split(second->value, y, out, out_0, out - out_0, n);
}

void mlce_linear_pair(mlce_graph *g, mlce_node *x, mlce_node *const W[2], mlce_node *const b[2],
                      mlce_node *y[2]) {
    y[0] = y[1] = NULL;
    if (!x || !W[0] || !W[1] || !b[0] || !b[1] || W[0]->rows > NARROW || W[1]->rows > NARROW) {
        for (int part = 0; part < 2; part++) y[part] = mlce_linear(g, x, W[part], b[part]);
        return;
    }
    pair *p = mlce_arena_alloc(g->arena, 1, sizeof *p);
    for (int part = 0; part < 2; part++) {
        if (x->cols != W[part]->cols)
            mlce_graph_shape_error(g, "mlce_linear_pair", x, W[part]);
        else if (b[part]->rows != 1 || b[part]->cols != W[part]->rows)
            mlce_graph_shape_error(g, "mlce_linear_pair", W[part], b[part]);
        else
            y[part] = mlce_node_new(g, x->rows, W[part]->rows,
                                    part == 0 ? first_backward : second_backward,
                                    (mlce_node *[]){x, W[part], b[part]}, 3);
    }
    if (!p) mlce_graph_fail(g, MLCE_E_MEMORY);
    if (!p || !y[0] || !y[1] || mlce_graph_status(g)) {
        y[0] = y[1] = NULL;
        return;
    }
    *p = (pair){.y = {y[0], y[1]}};
    y[0]->context = y[1]->context = p;
    forward(g, p, x);
}
