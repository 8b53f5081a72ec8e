/* op_product.c - matrix products. */
#include "autodiff/gemm.h"
#include "autodiff/graph_private.h"

static void linear_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0], *W = y->input[1], *b = y->input[2];
    int n = y->rows, out = y->cols, in = x->cols;
    float beta;
    float *dx = mlce_node_grad(g, x, &beta);
    if (dx) mlce_gemm(false, false, n, in, out, 1, y->grad, out, W->value, in, beta, dx, in);
    float *dW = mlce_node_grad(g, W, &beta);
    if (dW) mlce_gemm(true, false, out, in, n, 1, y->grad, out, x->value, in, beta, dW, in);
    float *db = b ? mlce_node_grad(g, b, NULL) : NULL;
    if (db) mlce_add_column_sums(y->grad, n, out, db);
}

mlce_node *mlce_linear(mlce_graph *g, mlce_node *x, mlce_node *W, mlce_node *b) {
    if (!x || !W || mlce_graph_status(g)) return NULL;
    if (x->cols != W->cols) return mlce_graph_shape_error(g, "mlce_linear", x, W);
    if (b && (b->rows != 1 || b->cols != W->rows))
        return mlce_graph_shape_error(g, "mlce_linear", W, b);
    mlce_node *y = mlce_node_new(g, x->rows, W->rows, linear_backward, (mlce_node *[]){x, W, b}, 3);
    if (!y) return NULL;
    mlce_gemm_linear(y->rows, y->cols, x->cols, x->value, W->value, b ? b->value : NULL, y->value);
    return y;
}

typedef struct transposes {
    bool a, b;
} transposes;

/* y = A B with A = op(a), B = op(b):  dA = dy B^T,  dB = A^T dy; where op is the transpose, the
   gradient is wanted transposed: da = (dA)^T = B dy^T,  db = (dB)^T = dy^T A. */
static void matmul_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *a = y->input[0], *b = y->input[1];
    const transposes *t = y->context;
    int m = y->rows, n = y->cols, k = t->a ? a->rows : a->cols;
    const float *dy = y->grad;
    float beta;
    float *da = mlce_node_grad(g, a, &beta);
    if (da && !t->a) mlce_gemm(false, !t->b, m, k, n, 1, dy, n, b->value, b->cols, beta, da, k);
    if (da && t->a) mlce_gemm(t->b, true, k, m, n, 1, b->value, b->cols, dy, n, beta, da, m);
    float *db = mlce_node_grad(g, b, &beta);
    if (db && !t->b) mlce_gemm(!t->a, false, k, n, m, 1, a->value, a->cols, dy, n, beta, db, n);
    if (db && t->b) mlce_gemm(true, t->a, n, k, m, 1, dy, n, a->value, a->cols, beta, db, k);
}

mlce_node *mlce_matmul(mlce_graph *g, mlce_node *a, mlce_node *b, bool transpose_a,
                       bool transpose_b) {
    if (!a || !b || mlce_graph_status(g)) return NULL;
    int m = transpose_a ? a->cols : a->rows, k = transpose_a ? a->rows : a->cols;
    int n = transpose_b ? b->rows : b->cols;
    if (k != (transpose_b ? b->cols : b->rows))
        return mlce_graph_shape_error(g, "mlce_matmul", a, b);
    mlce_node *y = mlce_node_new(g, m, n, matmul_backward, (mlce_node *[]){a, b}, 2);
    transposes *t = mlce_arena_alloc(mlce_graph_arena(g), 1, sizeof *t);
    if (!y || !t) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *t = (transposes){transpose_a, transpose_b};
    y->context = t;
    mlce_gemm(transpose_a, transpose_b, m, n, k, 1, a->value, a->cols, b->value, b->cols, 0,
              y->value, n);
    return y;
}
