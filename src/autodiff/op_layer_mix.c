/* op_layer_mix.c - a learned mix of the layers of an encoder (Peters et al. 2018, "Deep
 * contextualized word representations").
 *
 *   y = gamma * sum_k s_k x_k,  s = softmax(w),  x = [x_1 ... x_K] side by side
 *   with e_k = sum over rows of dy . x_k:
 *   dx_k = gamma s_k dy,  dgamma = sum_k s_k e_k,  dw_k = gamma s_k (e_k - sum_j s_j e_j)
 */
#include <math.h>
#include <string.h>

#include "autodiff/graph_private.h"
#include "core/vector.h"

enum { BLOCK_ROWS = 64 };

/* to (+)= factor * from */
MLCE_KERNEL static void take(float *to, const float *from, float factor, int count, bool add) {
    if (add)
        for (int c = 0; c < count; c++) to[c] += factor * from[c];
    else
        for (int c = 0; c < count; c++) to[c] = factor * from[c];
}

MLCE_KERNEL static float dot(const float *a, const float *b, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < count; c++) sum += a[c] * b[c];
    return sum;
}

/* e_k of a block of rows, added to e */
static void block_products(const mlce_node *y, const mlce_node *x, int first, int layers,
                           double *e) {
    int last = y->rows - first < BLOCK_ROWS ? y->rows : first + BLOCK_ROWS;
    for (int i = first; i < last; i++)
        for (int k = 0; k < layers; k++)
            e[k] +=
                dot(y->grad + (size_t)i * (size_t)y->cols,
                    x->value + (size_t)i * (size_t)x->cols + (size_t)k * (size_t)y->cols, y->cols);
}

/* e [layers]: blocks of rows summed in their order */
static double *all_products(mlce_graph *g, const mlce_node *y, const mlce_node *x, int layers) {
    int blocks = (y->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    size_t K = (size_t)layers, size = ((size_t)blocks + 1) * K;
    double *e = mlce_arena_alloc(g->arena, size, sizeof *e);
    if (!e) return NULL;
    memset(e, 0, size * sizeof *e);
#pragma omp parallel for if ((double)x->rows * x->cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int b = 0; b < blocks; b++)
        block_products(y, x, b * BLOCK_ROWS, layers, e + ((size_t)b + 1) * K);
    for (size_t n = K; n < size; n++) e[n % K] += e[n];
    return e;
}

static void layer_mix_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0], *weights = y->input[1], *gamma = y->input[2];
    const float *share = y->context;
    int layers = weights->cols;
    float *dx = mlce_node_grad(g, x, NULL);
#pragma omp parallel for if (dx && (double)x->rows * x->cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < (dx ? x->rows : 0); i++)
        for (int k = 0; k < layers; k++)
            take(dx + (size_t)i * (size_t)x->cols + (size_t)k * (size_t)y->cols,
                 y->grad + (size_t)i * (size_t)y->cols, gamma->value[0] * share[k], y->cols, true);
    float *dw = mlce_node_grad(g, weights, NULL), *dgamma = mlce_node_grad(g, gamma, NULL);
    const double *e = dw || dgamma ? all_products(g, y, x, layers) : NULL;
    if (!e) {
        if (dw || dgamma) mlce_graph_fail(g, MLCE_E_MEMORY);
        return;
    }
    double mean = 0;
    for (int k = 0; k < layers; k++) mean += (double)share[k] * e[k];
    if (dgamma) *dgamma += (float)mean;
    for (int k = 0; dw && k < layers; k++)
        dw[k] += (float)((double)gamma->value[0] * (double)share[k] * (e[k] - mean));
}

static void softmax(const float *w, float *share, int count) {
    float top = -INFINITY, sum = 0;
    for (int k = 0; k < count; k++) top = w[k] > top ? w[k] : top;
    for (int k = 0; k < count; k++) sum += share[k] = expf(w[k] - top);
    for (int k = 0; k < count; k++) share[k] /= sum;
}

mlce_node *mlce_layer_mix(mlce_graph *g, mlce_node *x, mlce_node *weights, mlce_node *gamma) {
    if (!x || !weights || !gamma || mlce_graph_status(g)) return NULL;
    int layers = weights->cols;
    if (weights->rows != 1 || x->cols % layers || gamma->rows != 1 || gamma->cols != 1)
        return mlce_graph_shape_error(g, "mlce_layer_mix", x, weights);
    mlce_node *y = mlce_node_new(g, x->rows, x->cols / layers, layer_mix_backward,
                                 (mlce_node *[]){x, weights, gamma}, 3);
    float *share = mlce_arena_alloc(g->arena, (size_t)layers, sizeof *share);
    if (!y || !share) return mlce_graph_fail(g, MLCE_E_MEMORY);
    softmax(weights->value, share, layers);
    y->context = share;
#pragma omp parallel for if ((double)x->rows * x->cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < x->rows; i++)
        for (int k = 0; k < layers; k++)
            take(y->value + (size_t)i * (size_t)y->cols,
                 x->value + (size_t)i * (size_t)x->cols + (size_t)k * (size_t)y->cols,
                 gamma->value[0] * share[k], y->cols, k > 0);
    return y;
}
