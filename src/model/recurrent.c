/* recurrent.c - a stack of recurrent layers in both directions. */
#include "model/recurrent.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

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
