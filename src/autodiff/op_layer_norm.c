/* op_layer_norm.c - layer normalisation.
 *
 *   z = (x - mean) / sqrt(var + epsilon),  y = gain * z + bias
 *   dgain = sum over rows of dy * z,  dbias = sum over rows of dy
 *   dx = rstd * (t - mean(t) - z * mean(t * z)),  t = gain * dy,  rstd = 1 / sqrt(var + epsilon)
 */
#include <math.h>

#include "autodiff/graph_private.h"
#include "core/vector.h"

enum { CHUNK = 32 }; /* columns that a thread sums the parameters' gradients of */

typedef struct moments {
    float mean, rstd;
} moments;

/* ---- Rows ---- */

MLCE_KERNEL static moments row_moments(const float *x, int cols, float epsilon) {
    float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < cols; c++) sum += x[c];
    float mean = sum / (float)cols;
#pragma omp simd reduction(+ : squares)
    for (int c = 0; c < cols; c++) squares += (x[c] - mean) * (x[c] - mean);
    return (moments){mean, 1.0f / sqrtf(squares / (float)cols + epsilon)};
}

MLCE_KERNEL static void row_value(const float *x, moments m, const float *gain, const float *bias,
                                  float *y, int cols) {
    for (int c = 0; c < cols; c++) y[c] = gain[c] * (x[c] - m.mean) * m.rstd + bias[c];
}

/* dx += rstd * (t - mean(t) - z * mean(t * z)) */
MLCE_KERNEL static void row_grad(const float *x, moments m, const float *gain, const float *dy,
                                 float *dx, int cols) {
    float sum_t = 0, sum_tz = 0;
#pragma omp simd reduction(+ : sum_t, sum_tz)
    for (int c = 0; c < cols; c++) {
        float t = gain[c] * dy[c];
        sum_t += t;
        sum_tz += t * (x[c] - m.mean) * m.rstd;
    }
    float mean_t = sum_t / (float)cols, mean_tz = sum_tz / (float)cols;
    for (int c = 0; c < cols; c++) {
        float z = (x[c] - m.mean) * m.rstd;
        dx[c] += m.rstd * (gain[c] * dy[c] - mean_t - z * mean_tz);
    }
}

/* dgain += dy z, dbias += dy of `count` <= CHUNK columns, summed over the rows from the top */
MLCE_KERNEL static void column_grads(const float *x, const float *dy, const moments *row, int rows,
                                     int cols, int count, float *dgain, float *dbias) {
    float gains[CHUNK] = {0}, biases[CHUNK] = {0};
    for (int r = 0; r < rows; r++) {
        const float *xr = x + (size_t)r * (size_t)cols, *dyr = dy + (size_t)r * (size_t)cols;
        float mean = row[r].mean, rstd = row[r].rstd;
        for (int c = 0; c < count; c++) {
            gains[c] += dyr[c] * (xr[c] - mean) * rstd;
            biases[c] += dyr[c];
        }
    }
    for (int c = 0; dgain && c < count; c++) dgain[c] += gains[c];
    for (int c = 0; dbias && c < count; c++) dbias[c] += biases[c];
}

/* ---- The op ---- */

static void add_parameter_grads(const mlce_node *y, const float *x, const moments *row,
                                float *dgain, float *dbias) {
    int rows = y->rows, cols = y->cols;
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int start = 0; start < cols; start += CHUNK)
        column_grads(x + start, y->grad + start, row, rows, cols,
                     cols - start < CHUNK ? cols - start : CHUNK, dgain ? dgain + start : NULL,
                     dbias ? dbias + start : NULL);
}

static void layer_norm_backward(mlce_graph *g, mlce_node *y) {
    mlce_node *x = y->input[0], *gain = y->input[1], *bias = y->input[2];
    const moments *row = y->context;
    int rows = y->rows, cols = y->cols;
    float *dgain = mlce_node_grad(g, gain, NULL), *dbias = mlce_node_grad(g, bias, NULL);
    if (dgain || dbias) add_parameter_grads(y, x->value, row, dgain, dbias);
    float *grad = mlce_node_grad(g, x, NULL);
    if (!grad) return;
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int r = 0; r < rows; r++) {
        size_t at = (size_t)r * (size_t)cols;
        row_grad(x->value + at, row[r], gain->value, y->grad + at, grad + at, cols);
    }
}

mlce_node *mlce_layer_norm(mlce_graph *g, mlce_node *x, mlce_node *gain, mlce_node *bias,
                           float epsilon) {
    if (!x || !gain || !bias || mlce_graph_status(g)) return NULL;
    if (gain->rows != 1 || gain->cols != x->cols)
        return mlce_graph_shape_error(g, "mlce_layer_norm", x, gain);
    if (bias->rows != 1 || bias->cols != x->cols)
        return mlce_graph_shape_error(g, "mlce_layer_norm", x, bias);
    int rows = x->rows, cols = x->cols;
    mlce_node *y =
        mlce_node_new(g, rows, cols, layer_norm_backward, (mlce_node *[]){x, gain, bias}, 3);
    moments *row = mlce_arena_alloc(mlce_graph_arena(g), (size_t)rows, sizeof *row);
    if (!y || !row) return mlce_graph_fail(g, MLCE_E_MEMORY);
    y->context = row;
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int r = 0; r < rows; r++) {
        size_t at = (size_t)r * (size_t)cols;
        row[r] = row_moments(x->value + at, cols, epsilon);
        row_value(x->value + at, row[r], gain->value, bias->value, y->value + at, cols);
    }
    return y;
}
