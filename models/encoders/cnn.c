/* cnn.c - convolutions over windows of tokens, with residuals: spaCy's tok2vec
 * (Honnibal, Montani 2017, https://spacy.io/api/architectures#MaxoutWindowEncoder).
 *
 *   h_0 = x, or W_in x + b_in where x is not of the encoder's size
 *   h_l+1 = h_l + dropout(norm(f(W_l [h_l,i-r ... h_l,i+r] + b_l)))
 *
 * f is GELU, or the largest of several linear pieces. A window ends where its sequence does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model/parts.h"

const mlce_config_key mlce_encoder_cnn_keys[] = {
    {"encoder.*.width", MLCE_KEY_INT, "3", "tokens",
     "tokens that a layer sees at once, the one in the middle included; odd", 1, 255, NULL,
     "encoder.*.type=cnn"},
    {"encoder.*.pieces", MLCE_KEY_INT, "1", "",
     "1: GELU; more: maxout, the largest of so many linear pieces", 1, 16, NULL,
     "encoder.*.type=cnn"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

typedef struct layer {
    mlce_dense dense; /* [pieces * size, width * size] */
    mlce_norm norm;
} layer;

typedef struct state {
    mlce_dense input; /* [size, in]; none where in = size */
    int width, pieces, depth;
    float dropout;
    layer layers[];
} state;

static mlce_status check(const mlce_config *config, const char *prefix) {
    int width = mlce_encoder_int(config, prefix, "width");
    if (width % 2) return MLCE_OK;
    return mlce_fail(MLCE_E_CONFIG,
                     "%s.width = %d must be odd: a window has as many tokens before its middle as "
                     "after it",
                     prefix, width);
}

static mlce_status accepts(const mlce_config *config, const char *prefix,
                           const mlce_dataset *dataset) {
    mlce_warn_of_wide_window(prefix, dataset, mlce_encoder_int(config, prefix, "width"));
    return MLCE_OK;
}

static bool add_parameters(mlce_parameters *parameters, const char *prefix, int in, int size,
                           state *s) {
    char name[64];
    snprintf(name, sizeof name, "%s.input", prefix);
    if (in != size && !mlce_dense_add(parameters, name, in, size, &s->input)) return false;
    for (int l = 0; l < s->depth; l++) {
        snprintf(name, sizeof name, "%s.layer.%d", prefix, l + 1);
        if (!mlce_dense_add(parameters, name, s->width * size, (int64_t)s->pieces * size,
                            &s->layers[l].dense))
            return false;
        snprintf(name, sizeof name, "%s.layer.%d.norm", prefix, l + 1);
        if (!mlce_norm_add(parameters, name, size, &s->layers[l].norm)) return false;
    }
    return true;
}

static void *declare(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out) {
    int size = mlce_encoder_int(config, prefix, "size");
    int depth = mlce_encoder_int(config, prefix, "depth");
    state *s = mlce_calloc(1, sizeof *s + (size_t)depth * sizeof s->layers[0]);
    if (!s) return NULL;
    s->depth = depth;
    s->width = mlce_encoder_int(config, prefix, "width");
    s->pieces = mlce_encoder_int(config, prefix, "pieces");
    s->dropout = mlce_encoder_float(config, prefix, "dropout");
    *out = size;
    if (add_parameters(parameters, prefix, in, size, s)) return s;
    free(s);
    return NULL;
}

static mlce_node *forward(mlce_graph *g, const void *encoder, mlce_node *x,
                          const mlce_batch *batch) {
    const state *s = encoder;
    if (s->input.weight) x = mlce_dense_forward(g, x, &s->input);
    for (int l = 0; l < s->depth; l++) {
        mlce_node *h = mlce_windows(g, x, batch->offsets, batch->sequences, s->width);
        h = mlce_dense_forward(g, h, &s->layers[l].dense);
        h = s->pieces > 1 ? mlce_maxout(g, h, s->pieces) : mlce_gelu(g, h);
        h = mlce_norm_forward(g, h, &s->layers[l].norm);
        x = mlce_add(g, x, mlce_dropout(g, h, s->dropout));
    }
    return x;
}

/* The dense layer over windows as a convolution: weight [pieces * size, size, width]. */
static mlce_onnx_value conv_weight(mlce_onnx *o, const state *s, const mlce_parameter *weight) {
    size_t rows = (size_t)weight->rows, width = (size_t)s->width,
           size = (size_t)weight->cols / width;
    float *conv = mlce_onnx_alloc(o, rows * size * width, sizeof *conv);
    if (!conv) return NULL;
    for (size_t r = 0; r < rows; r++)
        for (size_t w = 0; w < width; w++)
            for (size_t c = 0; c < size; c++)
                conv[(r * size + c) * width + w] = weight->value[(r * width + w) * size + c];
    return mlce_onnx_tensor(o, weight->name, conv, 3,
                            (const int64_t[]){weight->rows, (int64_t)size, s->width});
}

/* Windows end where their sequence does: its padding is 0, as what is before its first token. */
static mlce_onnx_value onnx_windows(mlce_onnx *o, const state *s, const layer *l,
                                    mlce_onnx_value x) {
    mlce_onnx_value valid = mlce_onnx_unsqueeze(o, mlce_onnx_valid(o), 2);
    x = MLCE_ONNX(o, "Where", valid, x, mlce_onnx_scalar(o, 0));
    x = mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(0, 2, 1));
    x = MLCE_ONNX(o, "Conv", x, conv_weight(o, s, l->dense.weight),
                  mlce_onnx_vector(o, l->dense.bias));
    mlce_onnx_set_ints(o, "kernel_shape", MLCE_ONNX_DIMS(s->width));
    mlce_onnx_set_ints(o, "pads", MLCE_ONNX_DIMS(s->width / 2, s->width / 2));
    return mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(0, 2, 1));
}

static mlce_onnx_value onnx_maxout(mlce_onnx *o, mlce_onnx_value x, int pieces, int size) {
    x = mlce_onnx_reshape(o, x, MLCE_ONNX_DIMS(0, 0, pieces, size));
    x = MLCE_ONNX(o, "ReduceMax", x);
    mlce_onnx_set_ints(o, "axes", MLCE_ONNX_DIMS(2));
    mlce_onnx_set_int(o, "keepdims", 0);
    return x;
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *encoder, mlce_onnx_value x) {
    const state *s = encoder;
    if (s->input.weight) x = mlce_dense_onnx(o, x, &s->input);
    for (int l = 0; l < s->depth; l++) {
        int size = s->layers[l].norm.gain->cols;
        mlce_onnx_value h = onnx_windows(o, s, &s->layers[l], x);
        h = s->pieces > 1 ? onnx_maxout(o, h, s->pieces, size) : mlce_onnx_gelu(o, h);
        x = MLCE_ONNX(o, "Add", x, mlce_norm_onnx(o, h, &s->layers[l].norm));
    }
    return x;
}

const mlce_encoder_type mlce_encoder_cnn = {"cnn", declare, forward, onnx, check, accepts, false};
