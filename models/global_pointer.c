/* global_pointer.c - each type has its own q and k
 * (Su 2021, "GlobalPointer", https://kexue.fm/archives/8373).
 *
 *   s_a(i, j) = (W_q,a h_i) . (W_k,a h_j) / sqrt(d)
 */
#include <math.h>
#include <stdlib.h>

#include "model/parts.h"

typedef struct state {
    mlce_dense qk; /* [T * 2d, in]: for each type q, then k */
    int types, head_size, max_width;
    bool rope;
} state;

static void *declare(mlce_parameters *parameters, const mlce_config *config, int in, int types) {
    state *s = mlce_calloc(1, sizeof *s);
    if (!s) return NULL;
    s->types = types;
    s->head_size = (int)mlce_config_int(config, "model.head_size");
    s->max_width = (int)mlce_config_int(config, "model.max_width");
    s->rope = mlce_config_bool(config, "model.rope");
    if (mlce_dense_add(parameters, "head.qk", in, (int64_t)types * 2 * s->head_size, &s->qk))
        return s;
    free(s);
    return NULL;
}

static mlce_output forward(mlce_graph *g, const void *head, mlce_node *x, const mlce_batch *batch) {
    const state *s = head;
    mlce_node *qk = mlce_dense_forward(g, x, &s->qk);
    if (s->rope) qk = mlce_rope(g, qk, batch->offsets, batch->sequences, s->head_size);
    mlce_span_factors factors = {
        .types = s->types,
        .heads = s->types,
        .head_size = s->head_size,
        .scale = 1.0f / sqrtf((float)s->head_size),
        .max_width = s->max_width,
        .qk = qk,
    };
    return (mlce_output){.task = MLCE_TASK_SPANS, .factors = factors};
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *head, mlce_onnx_value x) {
    const state *s = head;
    mlce_onnx_value qk = mlce_dense_onnx(o, x, &s->qk);
    int cols = 2 * s->head_size;
    if (s->rope) qk = mlce_onnx_rope(o, qk, s->types * cols, s->head_size);
    qk = mlce_onnx_reshape(o, qk, MLCE_ONNX_DIMS(0, 0, s->types, cols));
    return mlce_onnx_products(o, mlce_onnx_transpose(o, qk, MLCE_ONNX_DIMS(0, 2, 1, 3)),
                              s->head_size);
}

const mlce_head_type mlce_head_global_pointer = {"global_pointer", MLCE_TASK_SPANS, declare,
                                                 forward, onnx};
