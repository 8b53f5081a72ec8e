/* op_activation.c - functions of one number: y = f(x), dx = f'(x) dy.
 *
 * Each is a pair of loops over `count` numbers: the value, and dx += f'(x) dy given x and y.
 */
#include "autodiff/graph_private.h"
#include "core/vector.h"

typedef struct activation {
    void (*value)(const float *x, float *y, size_t count);
    void (*add_grad)(const float *x, const float *y, const float *dy, float *dx, size_t count);
} activation;

enum { CHUNK = 8192 };

static void apply_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0];
    const activation *f = y->context;
    float *dx = mlce_node_grad(g, x, NULL);
    if (!dx) return;
    size_t size = (size_t)y->rows * (size_t)y->cols;
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (size_t i = 0; i < size; i += CHUNK)
        f->add_grad(x->value + i, y->value + i, y->grad + i, dx + i,
                    size - i < CHUNK ? size - i : CHUNK);
}

static mlce_node *apply(mlce_graph *g, mlce_node *x, const activation *f) {
    if (!x || mlce_graph_status(g)) return NULL;
    mlce_node *y = mlce_node_new(g, x->rows, x->cols, apply_backward, &x, 1);
    if (!y) return NULL;
    y->context = (void *)(uintptr_t)f;
    size_t size = (size_t)y->rows * (size_t)y->cols;
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (size_t i = 0; i < size; i += CHUNK)
        f->value(x->value + i, y->value + i, size - i < CHUNK ? size - i : CHUNK);
    return y;
}

MLCE_KERNEL static void relu_value(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

MLCE_KERNEL static void relu_grad(const float *x, const float *y, const float *dy, float *dx,
                                  size_t count) {
    (void)y;
    for (size_t i = 0; i < count; i++) dx[i] += x[i] > 0 ? dy[i] : 0;
}

mlce_node *mlce_relu(mlce_graph *g, mlce_node *x) {
    static const activation relu = {relu_value, relu_grad};
    return apply(g, x, &relu);
}

static const float ROOT_HALF = 0.70710678f;        /* 1 / sqrt(2) */
static const float NORMAL_DENSITY_0 = 0.39894228f; /* 1 / sqrt(2 pi) */

MLCE_KERNEL static void gelu_value(const float *x, float *y, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) y[i] = 0.5f * x[i] * (1.0f + erff(x[i] * ROOT_HALF));
}

/* f'(x) = Phi(x) + x phi(x), phi the density of the normal distribution */
MLCE_KERNEL static void gelu_grad(const float *x, const float *y, const float *dy, float *dx,
                                  size_t count) {
    (void)y;
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float square = x[i] * x[i] < 160.0f ? x[i] * x[i] : 160.0f;
        float density = NORMAL_DENSITY_0 * expf(-0.5f * square);
        dx[i] += dy[i] * (0.5f * (1.0f + erff(x[i] * ROOT_HALF)) + x[i] * density);
    }
}

mlce_node *mlce_gelu(mlce_graph *g, mlce_node *x) {
    static const activation gelu = {gelu_value, gelu_grad};
    return apply(g, x, &gelu);
}

MLCE_KERNEL static void tanh_value(const float *x, float *y, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) y[i] = tanhf(x[i]);
}

MLCE_KERNEL static void tanh_grad(const float *x, const float *y, const float *dy, float *dx,
                                  size_t count) {
    (void)x;
    for (size_t i = 0; i < count; i++) dx[i] += dy[i] * (1.0f - y[i] * y[i]);
}

mlce_node *mlce_tanh(mlce_graph *g, mlce_node *x) {
    static const activation tanh_activation = {tanh_value, tanh_grad};
    return apply(g, x, &tanh_activation);
}

/* 1 / (1 + e^-x), with -x bounded so that e^-x stays finite: below -87 the value is under 1e-37 */
MLCE_KERNEL static void sigmoid_value(const float *x, float *y, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) y[i] = 1.0f / (1.0f + expf(x[i] > -87.0f ? -x[i] : 87.0f));
}

MLCE_KERNEL static void sigmoid_grad(const float *x, const float *y, const float *dy, float *dx,
                                     size_t count) {
    (void)x;
    for (size_t i = 0; i < count; i++) dx[i] += dy[i] * y[i] * (1.0f - y[i]);
}

mlce_node *mlce_sigmoid(mlce_graph *g, mlce_node *x) {
    static const activation sigmoid = {sigmoid_value, sigmoid_grad};
    return apply(g, x, &sigmoid);
}
