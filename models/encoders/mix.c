/* mix.c - a learned mix of the layers that the embeddings have, where the data keeps several
 * (Peters et al. 2018, "Deep contextualized word representations").
 *
 *   y = gamma * sum_k s_k x_k,  s = softmax(w)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/parts.h"

const mlce_config_key mlce_encoder_mix_keys[] = {
    {"encoder.*.input_layers", MLCE_KEY_INT, "0", "layers",
     "layers of the embeddings to mix: K where the data's /tokens/embeddings is [N, K, D]", 0, 1024,
     NULL, "encoder.*.type=mix"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

typedef struct state {
    mlce_parameter *weights, *scale; /* [1, K], [1, 1] */
    int size;                        /* of a layer */
} state;

static mlce_status check(const mlce_config *config, const char *prefix) {
    if (strcmp(prefix, "encoder.1"))
        return mlce_fail(MLCE_E_CONFIG,
                         "%s.type = mix: only [encoder.1] sees the layers of the embeddings",
                         prefix);
    if (mlce_encoder_int(config, prefix, "input_layers") < 2)
        return mlce_fail(MLCE_E_CONFIG,
                         "%s.type = mix needs %s.input_layers, 2 or more: how many layers the "
                         "data keeps (mlce-data inspect shows it)",
                         prefix, prefix);
    return MLCE_OK;
}

static mlce_status accepts(const mlce_config *config, const char *prefix,
                           const mlce_dataset *dataset) {
    int wanted = mlce_encoder_int(config, prefix, "input_layers");
    int layers = mlce_dataset_layers(dataset);
    if (layers == wanted) return MLCE_OK;
    if (layers < 2)
        return mlce_fail(MLCE_E_CONFIG,
                         "%s.type = mix: %s keeps one layer of embeddings, [N, D]: there is "
                         "nothing to mix",
                         prefix, mlce_dataset_name(dataset));
    return mlce_fail(MLCE_E_CONFIG, "%s.input_layers = %d: %s keeps %d layers of embeddings",
                     prefix, wanted, mlce_dataset_name(dataset), layers);
}

static void *declare(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out) {
    int layers = mlce_encoder_int(config, prefix, "input_layers");
    if (in % layers) {
        mlce_fail(MLCE_E_CONFIG,
                  "%s.input_layers = %d: a token's %d features are not so many layers of one width",
                  prefix, layers, in);
        return NULL;
    }
    state *s = mlce_calloc(1, sizeof *s);
    if (!s) return NULL;
    char name[64];
    snprintf(name, sizeof name, "%s.weights", prefix);
    s->weights = mlce_parameters_add(parameters, name, 1, layers, MLCE_INIT_ZERO, 0);
    snprintf(name, sizeof name, "%s.scale", prefix);
    s->scale = mlce_parameters_add(parameters, name, 1, 1, MLCE_INIT_ONE, 0);
    *out = s->size = in / layers;
    if (s->weights && s->scale) return s;
    free(s);
    return NULL;
}

static mlce_node *forward(mlce_graph *g, const void *encoder, mlce_node *x,
                          const mlce_batch *batch) {
    const state *s = encoder;
    (void)batch; /* token by token */
    return mlce_layer_mix(g, x, mlce_use(g, s->weights), mlce_use(g, s->scale));
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *encoder, mlce_onnx_value x) {
    const state *s = encoder;
    int layers = s->weights->cols;
    mlce_onnx_value share = MLCE_ONNX(o, "Softmax", mlce_onnx_vector(o, s->weights));
    share = MLCE_ONNX(o, "Mul", share, mlce_onnx_vector(o, s->scale));
    share = mlce_onnx_unsqueeze(o, share, 1);
    x = mlce_onnx_reshape(o, x, MLCE_ONNX_DIMS(0, 0, layers, s->size));
    x = MLCE_ONNX(o, "ReduceSum", MLCE_ONNX(o, "Mul", x, share),
                  mlce_onnx_ints(o, MLCE_ONNX_DIMS(2)));
    mlce_onnx_set_int(o, "keepdims", 0);
    return x;
}

const mlce_encoder_type mlce_encoder_mix = {"mix", declare, forward, onnx, check, accepts, true};
