/* parts.c - what several encoders and heads use. */
#include "model/parts.h"

#include <limits.h>
#include <stdio.h>

static const float EPSILON = 1e-5f;

bool mlce_dense_add(mlce_parameters *parameters, const char *name, int in, int64_t out,
                    mlce_dense *dense) {
    char full[96];
    if (out > INT_MAX) {
        mlce_fail(MLCE_E_CONFIG,
                  "%s would have %lld rows, too many: fewer types or a smaller head_size", name,
                  (long long)out);
        return false;
    }
    snprintf(full, sizeof full, "%s.weight", name);
    dense->weight = mlce_parameters_add(parameters, full, (int)out, in, MLCE_INIT_FAN_IN, in);
    snprintf(full, sizeof full, "%s.bias", name);
    dense->bias = mlce_parameters_add(parameters, full, 1, (int)out, MLCE_INIT_FAN_IN, in);
    if (dense->weight) dense->weight->decays = true; /* also where out = 1 */
    return dense->weight && dense->bias;
}

mlce_node *mlce_dense_forward(mlce_graph *g, mlce_node *x, const mlce_dense *dense) {
    return mlce_linear(g, x, mlce_use(g, dense->weight), mlce_use(g, dense->bias));
}

void mlce_dense_forward_pair(mlce_graph *g, mlce_node *x, const mlce_dense *first,
                             const mlce_dense *second, mlce_node **y_first, mlce_node **y_second) {
    mlce_node *W[2] = {mlce_use(g, first->weight), mlce_use(g, second->weight)};
    mlce_node *b[2] = {mlce_use(g, first->bias), mlce_use(g, second->bias)}, *y[2];
    mlce_linear_pair(g, x, W, b, y);
    *y_first = y[0];
    *y_second = y[1];
}

mlce_onnx_value mlce_dense_onnx(mlce_onnx *o, mlce_onnx_value x, const mlce_dense *dense) {
    mlce_onnx_value y = MLCE_ONNX(o, "MatMul", x, mlce_onnx_transposed(o, dense->weight));
    return MLCE_ONNX(o, "Add", y, mlce_onnx_vector(o, dense->bias));
}

bool mlce_norm_add(mlce_parameters *parameters, const char *name, int size, mlce_norm *norm) {
    char full[96];
    snprintf(full, sizeof full, "%s.weight", name);
    norm->gain = mlce_parameters_add(parameters, full, 1, size, MLCE_INIT_ONE, 0);
    snprintf(full, sizeof full, "%s.bias", name);
    norm->bias = mlce_parameters_add(parameters, full, 1, size, MLCE_INIT_ZERO, 0);
    return norm->gain && norm->bias;
}

mlce_node *mlce_norm_forward(mlce_graph *g, mlce_node *x, const mlce_norm *norm) {
    return mlce_layer_norm(g, x, mlce_use(g, norm->gain), mlce_use(g, norm->bias), EPSILON);
}

mlce_onnx_value mlce_norm_onnx(mlce_onnx *o, mlce_onnx_value x, const mlce_norm *norm) {
    mlce_onnx_value y = MLCE_ONNX(o, "LayerNormalization", x, mlce_onnx_vector(o, norm->gain),
                                  mlce_onnx_vector(o, norm->bias));
    mlce_onnx_set_int(o, "axis", -1);
    mlce_onnx_set_float(o, "epsilon", EPSILON);
    return y;
}

int mlce_encoder_int(const mlce_config *config, const char *prefix, const char *key) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", prefix, key);
    return (int)mlce_config_int(config, name);
}

float mlce_encoder_float(const mlce_config *config, const char *prefix, const char *key) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", prefix, key);
    return (float)mlce_config_float(config, name);
}

void mlce_warn_of_wide_window(const char *prefix, const mlce_dataset *dataset, int64_t width) {
    int longest = 0;
    for (int64_t s = 0; s < mlce_dataset_sequences(dataset); s++)
        if (mlce_dataset_length(dataset, s) > longest) longest = mlce_dataset_length(dataset, s);
    if (width > longest)
        mlce_log(MLCE_LOG_WARNING,
                 "%s: the windows of %s are %lld tokens wide, its longest sequence has %d",
                 mlce_dataset_name(dataset), prefix, (long long)width, longest);
}
