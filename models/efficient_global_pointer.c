/* efficient_global_pointer.c - all types share q and k; a type adds a term for each end of a span
 * (Su 2022, "Efficient GlobalPointer", https://kexue.fm/archives/8877).
 *
 *   s_a(i, j) = (W_q h_i) . (W_k h_j) / sqrt(d) + w_a . [h_i ; h_j]
 *
 * With model.type_terms = qk the terms are linear in [q; k] (before RoPE) instead of in h, which is
 * the published form.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/parts.h"

const mlce_config_key mlce_head_efficient_global_pointer_keys[] = {
    {"model.type_terms", MLCE_KEY_CHOICE, "tokens", "",
     "what a type's terms for the two ends of a span are linear in: the tokens that reach the "
     "head, "
     "or their q and k",
     0, 0, "tokens|qk", "model.head=efficient_global_pointer"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

typedef struct state {
    mlce_dense qk;         /* [2d, in]: q, then k */
    mlce_dense type_terms; /* [2T, in or 2d]: u of every type, then v of every type */
    int types, head_size, max_width;
    bool rope, terms_from_qk;
} state;

static void *declare(mlce_parameters *parameters, const mlce_config *config, int in, int types) {
    state *s = mlce_calloc(1, sizeof *s);
    if (!s) return NULL;
    s->types = types;
    s->head_size = (int)mlce_config_int(config, "model.head_size");
    s->max_width = (int)mlce_config_int(config, "model.max_width");
    s->rope = mlce_config_bool(config, "model.rope");
    s->terms_from_qk = strcmp(mlce_config_string(config, "model.type_terms"), "qk") == 0;
    int term_inputs = s->terms_from_qk ? 2 * s->head_size : in;
    if (mlce_dense_add(parameters, "head.qk", in, 2 * (int64_t)s->head_size, &s->qk) &&
        mlce_dense_add(parameters, "head.type_terms", term_inputs, 2 * (int64_t)types,
                       &s->type_terms))
        return s;
    free(s);
    return NULL;
}

static mlce_output forward(mlce_graph *g, const void *head, mlce_node *x, const mlce_batch *batch) {
    const state *s = head;
    mlce_node *qk, *terms;
    if (s->terms_from_qk) {
        qk = mlce_dense_forward(g, x, &s->qk);
        terms = mlce_dense_forward(g, qk, &s->type_terms);
    } else {
        mlce_dense_forward_pair(g, x, &s->qk, &s->type_terms, &qk, &terms);
    }
    if (s->rope) qk = mlce_rope(g, qk, batch->offsets, batch->sequences, s->head_size);
    mlce_span_factors factors = {
        .types = s->types,
        .heads = 1,
        .head_size = s->head_size,
        .scale = 1.0f / sqrtf((float)s->head_size),
        .max_width = s->max_width,
        .qk = qk,
        .type_terms = terms,
    };
    return (mlce_output){.task = MLCE_TASK_SPANS, .factors = factors};
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *head, mlce_onnx_value x) {
    const state *s = head;
    mlce_onnx_value qk = mlce_dense_onnx(o, x, &s->qk);
    mlce_onnx_value terms = mlce_dense_onnx(o, s->terms_from_qk ? qk : x, &s->type_terms);
    if (s->rope) qk = mlce_onnx_rope(o, qk, 2 * s->head_size, s->head_size);
    mlce_onnx_value scores = mlce_onnx_products(o, mlce_onnx_unsqueeze(o, qk, 1), s->head_size);
    terms = mlce_onnx_transpose(o, terms, MLCE_ONNX_DIMS(0, 2, 1)); /* [batch, 2T, length] */
    mlce_onnx_value start = mlce_onnx_slice(o, terms, 1, 0, s->types);
    mlce_onnx_value end = mlce_onnx_slice(o, terms, 1, s->types, s->types);
    scores = MLCE_ONNX(o, "Add", scores, mlce_onnx_unsqueeze(o, start, 3));
    return MLCE_ONNX(o, "Add", scores, mlce_onnx_unsqueeze(o, end, 2));
}

const mlce_head_type mlce_head_efficient_global_pointer = {"efficient_global_pointer",
                                                           MLCE_TASK_SPANS, declare, forward, onnx};
