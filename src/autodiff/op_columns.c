/* op_columns.c - matrices side by side, and parts of them. */
#include <string.h>

#include "autodiff/graph_private.h"

/* to[r, 0 .. count-1] += from[r, 0 .. count-1] */
static void add_columns(float *to, int to_cols, const float *from, int from_cols, int count,
                        int rows) {
    for (int r = 0; r < rows; r++) {
        float *t = to + (size_t)r * (size_t)to_cols;
        const float *f = from + (size_t)r * (size_t)from_cols;
        for (int c = 0; c < count; c++) t[c] += f[c];
    }
}

static void copy_columns(float *to, int to_cols, const float *from, int from_cols, int count,
                         int rows) {
    for (int r = 0; r < rows; r++)
        memcpy(to + (size_t)r * (size_t)to_cols, from + (size_t)r * (size_t)from_cols,
               (size_t)count * sizeof *to);
}

static void concat_backward(mlce_graph *g, mlce_node *y) {
    int start = 0;
    for (int i = 0; i < 2; i++) {
        mlce_node *x = y->input[i];
        float *dx = mlce_node_grad(g, x, NULL);
        if (dx) add_columns(dx, x->cols, y->grad + start, y->cols, x->cols, y->rows);
        start += x->cols;
    }
}

mlce_node *mlce_concat(mlce_graph *g, mlce_node *a, mlce_node *b) {
    if (!a || !b || mlce_graph_status(g)) return NULL;
    if (a->rows != b->rows) return mlce_graph_shape_error(g, "mlce_concat", a, b);
    mlce_node *y =
        mlce_node_new(g, a->rows, a->cols + b->cols, concat_backward, (mlce_node *[]){a, b}, 2);
    if (!y) return NULL;
    copy_columns(y->value, y->cols, a->value, a->cols, a->cols, y->rows);
    copy_columns(y->value + a->cols, y->cols, b->value, b->cols, b->cols, y->rows);
    return y;
}

static void slice_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0];
    const int *start = y->context;
    float *dx = mlce_node_grad(g, x, NULL);
    if (dx) add_columns(dx + *start, x->cols, y->grad, y->cols, y->cols, y->rows);
}

mlce_node *mlce_slice(mlce_graph *g, mlce_node *x, int start, int count) {
    if (!x || mlce_graph_status(g)) return NULL;
    if (start < 0 || count < 1 || start > x->cols - count)
        return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                            "mlce_slice: %d columns from %d on are not in [%d, %d]",
                                            count, start, x->rows, x->cols));
    mlce_node *y = mlce_node_new(g, x->rows, count, slice_backward, &x, 1);
    int *kept = mlce_arena_alloc(mlce_graph_arena(g), 1, sizeof *kept);
    if (!y || !kept) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *kept = start;
    y->context = kept;
    copy_columns(y->value, count, x->value + start, x->cols, count, y->rows);
    return y;
}
