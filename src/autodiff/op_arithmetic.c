/* op_arithmetic.c - sums and products, number by number. */
#include "autodiff/graph_private.h"
#include "core/vector.h"

static bool is_row_of(const mlce_node *b, const mlce_node *a) {
    return b->rows == 1 && b->cols == a->cols;
}

static bool fits(const mlce_node *b, const mlce_node *a) {
    return is_row_of(b, a) || (b->rows == a->rows && b->cols == a->cols);
}

/* grad[r, c] += factor * dy[r, c] * other[r, c], where `other` NULL stands for ones and has a row
   for each of dy's (step = cols) or one row for all (step = 0); grad likewise. */
static void add_products(float *grad, size_t grad_step, const float *dy, const float *other,
                         size_t other_step, float factor, int rows, int cols) {
#pragma omp parallel for if (grad_step > 0 && (double)rows * cols > MLCE_PARALLEL_SIZE)            \
    schedule(static)
    for (int r = 0; r < rows; r++) {
        float *to = grad + (size_t)r * grad_step;
        const float *from = dy + (size_t)r * (size_t)cols;
        const float *by = other ? other + (size_t)r * other_step : NULL;
        if (by)
            for (int c = 0; c < cols; c++) to[c] += factor * from[c] * by[c];
        else
            for (int c = 0; c < cols; c++) to[c] += factor * from[c];
    }
}

static size_t step_of(const mlce_node *node, const mlce_node *y) {
    return node->rows == y->rows ? (size_t)y->cols : 0;
}

/* a + b or a * b, number by number. */
static mlce_node *combine(mlce_graph *g, const char *name, mlce_node *a, mlce_node *b, bool product,
                          mlce_backward_fn *backward) {
    if (!a || !b || mlce_graph_status(g)) return NULL;
    if (!fits(b, a)) return mlce_graph_shape_error(g, name, a, b);
    mlce_node *y = mlce_node_new(g, a->rows, a->cols, backward, (mlce_node *[]){a, b}, 2);
    if (!y) return NULL;
    size_t cols = (size_t)y->cols, step = step_of(b, y);
#pragma omp parallel for if ((double)y->rows * y->cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int r = 0; r < y->rows; r++) {
        const float *x = a->value + (size_t)r * cols, *by = b->value + (size_t)r * step;
        float *to = y->value + (size_t)r * cols;
        if (product)
            for (size_t c = 0; c < cols; c++) to[c] = x[c] * by[c];
        else
            for (size_t c = 0; c < cols; c++) to[c] = x[c] + by[c];
    }
    return y;
}

static void add_backward(mlce_graph *g, mlce_node *y) {
    for (int i = 0; i < 2; i++) {
        float *grad = mlce_node_grad(g, y->input[i], NULL);
        if (grad)
            add_products(grad, step_of(y->input[i], y), y->grad, NULL, 0, 1.0f, y->rows, y->cols);
    }
}

mlce_node *mlce_add(mlce_graph *g, mlce_node *a, mlce_node *b) {
    return combine(g, "mlce_add", a, b, false, add_backward);
}

/* da = dy * b, db = dy * a */
static void multiply_backward(mlce_graph *g, mlce_node *y) {
    for (int i = 0; i < 2; i++) {
        mlce_node *input = y->input[i], *other = y->input[1 - i];
        float *grad = mlce_node_grad(g, input, NULL);
        if (grad)
            add_products(grad, step_of(input, y), y->grad, other->value, step_of(other, y), 1.0f,
                         y->rows, y->cols);
    }
}

mlce_node *mlce_multiply(mlce_graph *g, mlce_node *a, mlce_node *b) {
    return combine(g, "mlce_multiply", a, b, true, multiply_backward);
}

static void scale_backward(mlce_graph *g, mlce_node *y) {
    float *grad = mlce_node_grad(g, y->input[0], NULL);
    const float *factor = y->context;
    if (grad) add_products(grad, (size_t)y->cols, y->grad, NULL, 0, *factor, y->rows, y->cols);
}

mlce_node *mlce_scale(mlce_graph *g, mlce_node *x, float factor) {
    if (!x || mlce_graph_status(g)) return NULL;
    mlce_node *y = mlce_node_new(g, x->rows, x->cols, scale_backward, &x, 1);
    float *kept = mlce_arena_alloc(mlce_graph_arena(g), 1, sizeof *kept);
    if (!y || !kept) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *kept = factor;
    y->context = kept;
    size_t size = (size_t)y->rows * (size_t)y->cols;
    for (size_t i = 0; i < size; i++) y->value[i] = factor * x->value[i];
    return y;
}

static void sum_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0];
    float *grad = mlce_node_grad(g, x, NULL);
    size_t size = (size_t)x->rows * (size_t)x->cols;
    if (!grad) return;
    for (size_t i = 0; i < size; i++) grad[i] += y->grad[0];
}

mlce_node *mlce_sum(mlce_graph *g, mlce_node *x) {
    if (!x || mlce_graph_status(g)) return NULL;
    mlce_node *y = mlce_node_new(g, 1, 1, sum_backward, &x, 1);
    if (!y) return NULL;
    size_t size = (size_t)x->rows * (size_t)x->cols;
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += x->value[i];
    y->value[0] = (float)sum;
    return y;
}
