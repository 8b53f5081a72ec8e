/* recurrent.c - a stack of recurrent layers in both directions. */
#include "model/recurrent.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTIONS = 2 };

typedef struct direction {
    mlce_parameter *weight_ih, *weight_hh, *bias_ih, *bias_hh;
} direction;

typedef struct stack {
    float dropout;
    int count;
    direction layers[][DIRECTIONS];
} stack;

/* All start uniform in +-1/sqrt(size), as PyTorch's do. */
static mlce_parameter *add(mlce_parameters *parameters, const char *prefix, const char *name,
                           int rows, int cols, int size) {
    char full[128];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    return mlce_parameters_add(parameters, full, rows, cols, MLCE_INIT_FAN_IN, size);
}

static bool add_direction(mlce_parameters *parameters, const char *prefix, int gates, int in,
                          int size, direction *d) {
    int rows = gates * size;
    d->weight_ih = add(parameters, prefix, "weight_ih", rows, in, size);
    d->weight_hh = add(parameters, prefix, "weight_hh", rows, size, size);
    d->bias_ih = add(parameters, prefix, "bias_ih", 1, rows, size);
    d->bias_hh = add(parameters, prefix, "bias_hh", 1, rows, size);
    return d->weight_ih && d->weight_hh && d->bias_ih && d->bias_hh;
}

void *mlce_recurrent_declare(mlce_parameters *parameters, const mlce_config *config,
                             const char *prefix, int gates, int in, int *out) {
    static const char *const names[DIRECTIONS] = {"forward", "reverse"};
    char name[96];
    snprintf(name, sizeof name, "%s.size", prefix);
    int size = (int)mlce_config_int(config, name);
    snprintf(name, sizeof name, "%s.layers", prefix);
    int layers = (int)mlce_config_int(config, name);
    if (size > INT_MAX / (4 * DIRECTIONS)) {
        mlce_fail(MLCE_E_CONFIG, "%s.size = %d is too large", prefix, size);
        return NULL;
    }
    stack *s = mlce_calloc(1, sizeof *s + (size_t)layers * sizeof s->layers[0]);
    if (!s) return NULL;
    s->count = layers;
    snprintf(name, sizeof name, "%s.dropout", prefix);
    s->dropout = (float)mlce_config_float(config, name);
    for (int l = 0; l < layers; l++) {
        for (int d = 0; d < DIRECTIONS; d++) {
            snprintf(name, sizeof name, "%s.layer.%d.%s", prefix, l + 1, names[d]);
            if (!add_direction(parameters, name, gates, in, size, &s->layers[l][d])) {
                free(s);
                return NULL;
            }
        }
        in = DIRECTIONS * size;
    }
    *out = in;
    return s;
}

mlce_node *mlce_recurrent_forward(mlce_graph *g, const void *state, mlce_recurrent_op *op,
                                  mlce_node *x, const mlce_batch *batch) {
    const stack *s = state;
    for (int l = 0; l < s->count; l++) {
        mlce_recurrent_weights weights[DIRECTIONS];
        for (int d = 0; d < DIRECTIONS; d++) {
            const direction *from = &s->layers[l][d];
            weights[d] =
                (mlce_recurrent_weights){mlce_use(g, from->weight_ih), mlce_use(g, from->weight_hh),
                                         mlce_use(g, from->bias_ih), mlce_use(g, from->bias_hh)};
        }
        x = op(g, x, weights, DIRECTIONS, batch->offsets, batch->sequences);
        x = mlce_dropout(g, x, s->dropout);
    }
    return x;
}

/* ---- ONNX ---- */

/* Copies the rows of each gate, in the order that ONNX has them. Returns where they end. */
static float *copy_gates(float *to, const float *from, const int *order, int gates, size_t size) {
    for (int g = 0; g < gates; g++)
        memcpy(to + (size_t)g * size, from + (size_t)order[g] * size, size * sizeof *to);
    return to + (size_t)gates * size;
}

/* W [2, gates * H, in], R [2, gates * H, H] and B [2, 2 * gates * H] of a layer: both directions,
   and in B the bias of the input before that of the state. */
static bool pack_layer(mlce_onnx *o, const direction *layer, const char *name, const int *order,
                       int gates, mlce_onnx_value *W, mlce_onnx_value *R, mlce_onnx_value *B) {
    int in = layer->weight_ih->cols, size = layer->weight_hh->cols, rows = gates * size;
    size_t H = (size_t)size, all = DIRECTIONS * (size_t)rows;
    float *w = mlce_onnx_alloc(o, all * (size_t)in, sizeof *w);
    float *r = mlce_onnx_alloc(o, all * H, sizeof *r), *b = mlce_onnx_alloc(o, 2 * all, sizeof *b);
    if (!w || !r || !b) return false;
    char full[96];
    snprintf(full, sizeof full, "%s.W", name);
    *W = mlce_onnx_tensor(o, full, w, 3, (const int64_t[]){DIRECTIONS, rows, in});
    snprintf(full, sizeof full, "%s.R", name);
    *R = mlce_onnx_tensor(o, full, r, 3, (const int64_t[]){DIRECTIONS, rows, size});
    snprintf(full, sizeof full, "%s.B", name);
    *B = mlce_onnx_tensor(o, full, b, 2, (const int64_t[]){DIRECTIONS, 2 * (int64_t)rows});
    for (int d = 0; d < DIRECTIONS; d++) {
        w = copy_gates(w, layer[d].weight_ih->value, order, gates, H * (size_t)in);
        r = copy_gates(r, layer[d].weight_hh->value, order, gates, H * H);
        b = copy_gates(b, layer[d].bias_ih->value, order, gates, H);
        b = copy_gates(b, layer[d].bias_hh->value, order, gates, H);
    }
    return true;
}

/* The op wants [length, batch, in] and gives [length, 2, batch, H]. */
mlce_onnx_value mlce_recurrent_onnx(mlce_onnx *o, const void *state, const char *op,
                                    const int *order, int gates, mlce_onnx_value x) {
    const stack *s = state;
    x = mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(1, 0, 2));
    for (int l = 0; l < s->count; l++) {
        const direction *layer = s->layers[l];
        /* "encoder.N.layer.L", without ".forward.weight_ih" */
        const char *first = layer->weight_ih->name;
        char name[80];
        snprintf(name, sizeof name, "%.*s", (int)(strstr(first, ".forward") - first), first);
        mlce_onnx_value W, R, B;
        if (!pack_layer(o, layer, name, order, gates, &W, &R, &B)) return NULL;
        x = MLCE_ONNX(o, op, x, W, R, B, mlce_onnx_lengths(o));
        mlce_onnx_set_text(o, "direction", "bidirectional");
        mlce_onnx_set_int(o, "hidden_size", layer->weight_hh->cols);
        if (strcmp(op, "GRU") == 0) mlce_onnx_set_int(o, "linear_before_reset", 1);
        x = mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(0, 2, 1, 3));
        x = mlce_onnx_reshape(o, x,
                              MLCE_ONNX_DIMS(0, 0, DIRECTIONS * (int64_t)layer->weight_hh->cols));
    }
    return mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(1, 0, 2));
}
