/* op_layer_norm.c - layer normalisation.
 *
 *   z = (x - mean) / sqrt(var + epsilon),  y = gain * z + bias
 *   dgain = sum over rows of dy * z,  dbias = sum over rows of dy
 *   dx = rstd * (t - mean(t) - z * mean(t * z)),  t = gain * dy,  rstd = 1 / sqrt(var + epsilon)
 */
#include <math.h>

#include "autodiff/graph_private.h"
#include "core/vector.h"

typedef struct moments {
    float mean, rstd;
} moments;

static void add_parameter_grads(const mlce_node *y, const float *x, const moments *row,
                                float *dgain, float *dbias) {
    int rows = y->rows, cols = y->cols;
    enum { CHUNK = 32 };
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int start = 0; start < cols; start += CHUNK) {
        int end = start + CHUNK < cols ? start + CHUNK : cols;
        for (int r = 0; r < rows; r++) {
            const float *xr = x + (size_t)r * (size_t)cols,
                        *dy = y->grad + (size_t)r * (size_t)cols;
            for (int c = start; c < end; c++) {
                if (dgain) dgain[c] += dy[c] * (xr[c] - row[r].mean) * row[r].rstd;
                if (dbias) dbias[c] += dy[c];
            }
        }
    }
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
        const float *xr = x->value + (size_t)r * (size_t)cols;
        const float *dy = y->grad + (size_t)r * (size_t)cols;
        float *dx = grad + (size_t)r * (size_t)cols;
        float mean_t = 0, mean_tz = 0;
        for (int c = 0; c < cols; c++) {
            float t = gain->value[c] * dy[c];
            mean_t += t;
            mean_tz += t * (xr[c] - row[r].mean) * row[r].rstd;
        }
        mean_t /= (float)cols;
        mean_tz /= (float)cols;
        for (int c = 0; c < cols; c++) {
            float z = (xr[c] - row[r].mean) * row[r].rstd;
            dx[c] += row[r].rstd * (gain->value[c] * dy[c] - mean_t - z * mean_tz);
        }
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
        const float *xr = x->value + (size_t)r * (size_t)cols;
        float *yr = y->value + (size_t)r * (size_t)cols;
        float mean = 0, var = 0;
        for (int c = 0; c < cols; c++) mean += xr[c];
        mean /= (float)cols;
        for (int c = 0; c < cols; c++) var += (xr[c] - mean) * (xr[c] - mean);
        row[r] = (moments){mean, 1.0f / sqrtf(var / (float)cols + epsilon)};
        for (int c = 0; c < cols; c++)
            yr[c] = gain->value[c] * (xr[c] - mean) * row[r].rstd + bias->value[c];
    }
    return y;
}
