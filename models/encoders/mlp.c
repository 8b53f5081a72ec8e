/* mlp.c - dense layers with GELU and dropout, token by token.
 *
 *   h_0 = x,  h_l+1 = dropout(gelu(h_l W_l^T + b_l))
 */
#include <stdio.h>
#include <stdlib.h>

#include "model/parts.h"

const mlce_config_key mlce_encoder_mlp_keys[] = {
    {"encoder.*.depth", MLCE_KEY_INT, "1", "layers", "layers, or blocks, one after the other", 1,
     64, NULL, "encoder.*.type=mlp|cnn|transformer"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

typedef struct state {
    float dropout;
    int depth;
    mlce_dense layers[];
} state;

static void *declare(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out) {
    char name[64];
    snprintf(name, sizeof name, "%s.size", prefix);
    int size = (int)mlce_config_int(config, name);
    snprintf(name, sizeof name, "%s.depth", prefix);
    int depth = (int)mlce_config_int(config, name);
    state *s = mlce_calloc(1, sizeof *s + (size_t)depth * sizeof s->layers[0]);
    if (!s) return NULL;
    s->depth = depth;
    snprintf(name, sizeof name, "%s.dropout", prefix);
    s->dropout = (float)mlce_config_float(config, name);
    for (int l = 0; l < depth; l++) {
        snprintf(name, sizeof name, "%s.layer.%d", prefix, l + 1);
        if (!mlce_dense_add(parameters, name, l ? size : in, size, &s->layers[l])) {
            free(s);
            return NULL;
        }
    }
    *out = size;
    return s;
}

static mlce_node *forward(mlce_graph *g, const void *encoder, mlce_node *x,
                          const mlce_batch *batch) {
    const state *s = encoder;
    (void)batch; /* token by token: where sequences begin does not matter */
    for (int l = 0; l < s->depth; l++)
        x = mlce_dropout(g, mlce_gelu(g, mlce_dense_forward(g, x, &s->layers[l])), s->dropout);
    return x;
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *encoder, mlce_onnx_value x) {
    const state *s = encoder;
    for (int l = 0; l < s->depth; l++) x = mlce_onnx_gelu(o, mlce_dense_onnx(o, x, &s->layers[l]));
    return x;
}

const mlce_encoder_type mlce_encoder_mlp = {"mlp", declare, forward, onnx, NULL, NULL, false};
