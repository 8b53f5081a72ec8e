/* transformer.c - self-attention and dense layers in turn (Vaswani et al. 2017), pre-norm
 * (Xiong et al. 2020), with rotary position embedding (Su et al. 2021).
 *
 *   h_0 = x, or W_in x + b_in where x is not of the encoder's size
 *   g_l   = h_l + dropout(W_o attention(rope(q, k), v)),   [q k v] = W_qkv norm(h_l)
 *   h_l+1 = g_l + dropout(W_down gelu(W_up norm(g_l)))
 *   y = norm(h_depth)                                       (biases left out)
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/parts.h"

const mlce_config_key mlce_encoder_transformer_keys[] = {
    {"encoder.*.heads", MLCE_KEY_INT, "4", "",
     "heads of the attention; the size divided by them must be even", 1, 256, NULL,
     "encoder.*.type=transformer"},
    {"encoder.*.window", MLCE_KEY_INT, "0", "tokens",
     "tokens on each side that a token sees; 0: the whole sequence", 0, 1 << 20, NULL,
     "encoder.*.type=transformer"},
    {"encoder.*.mlp_ratio", MLCE_KEY_INT, "4", "",
     "width of the dense layer between two attentions, as a multiple of the size", 1, 64, NULL,
     "encoder.*.type=transformer"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

typedef struct block {
    mlce_norm attention_norm, mlp_norm;
    mlce_dense qk, v, attention; /* [2 size, size], [size, size], [size, size] */
    mlce_dense up, down;         /* [ratio size, size], [size, ratio size] */
} block;

typedef struct state {
    mlce_dense input; /* [size, in]; none where in = size */
    mlce_norm norm;
    int size, heads, window, ratio, depth;
    float dropout;
    block blocks[];
} state;

static mlce_status check(const mlce_config *config, const char *prefix) {
    int size = mlce_encoder_int(config, prefix, "size");
    int heads = mlce_encoder_int(config, prefix, "heads");
    if (size % heads)
        return mlce_fail(MLCE_E_CONFIG,
                         "%s.size = %d is not a multiple of %s.heads = %d: the heads share it",
                         prefix, size, prefix, heads);
    if (size / heads % 2)
        return mlce_fail(MLCE_E_CONFIG,
                         "%s.size = %d gives each of %s.heads = %d %d features, which must be "
                         "even: rotary position embedding turns pairs of features",
                         prefix, size, prefix, heads, size / heads);
    return MLCE_OK;
}

static mlce_status accepts(const mlce_config *config, const char *prefix,
                           const mlce_dataset *dataset) {
    int window = mlce_encoder_int(config, prefix, "window");
    mlce_warn_of_wide_window(prefix, dataset, window ? 2 * (int64_t)window + 1 : 0);
    return MLCE_OK;
}

static bool add_dense(mlce_parameters *parameters, const char *prefix, const char *part, int in,
                      int64_t out, mlce_dense *dense) {
    char name[80];
    snprintf(name, sizeof name, "%s.%s", prefix, part);
    return mlce_dense_add(parameters, name, in, out, dense);
}

static bool add_norm(mlce_parameters *parameters, const char *prefix, const char *part, int size,
                     mlce_norm *norm) {
    char name[80];
    snprintf(name, sizeof name, "%s.%s", prefix, part);
    return mlce_norm_add(parameters, name, size, norm);
}

static bool add_block(mlce_parameters *parameters, const char *prefix, const state *s, block *b) {
    int inner = s->ratio * s->size;
    return add_norm(parameters, prefix, "attention_norm", s->size, &b->attention_norm) &&
           add_dense(parameters, prefix, "qk", s->size, 2 * (int64_t)s->size, &b->qk) &&
           add_dense(parameters, prefix, "v", s->size, s->size, &b->v) &&
           add_dense(parameters, prefix, "attention", s->size, s->size, &b->attention) &&
           add_norm(parameters, prefix, "mlp_norm", s->size, &b->mlp_norm) &&
           add_dense(parameters, prefix, "up", s->size, inner, &b->up) &&
           add_dense(parameters, prefix, "down", inner, s->size, &b->down);
}

static bool add_parameters(mlce_parameters *parameters, const char *prefix, int in, state *s) {
    if (in != s->size && !add_dense(parameters, prefix, "input", in, s->size, &s->input))
        return false;
    for (int l = 0; l < s->depth; l++) {
        char name[64];
        snprintf(name, sizeof name, "%s.block.%d", prefix, l + 1);
        if (!add_block(parameters, name, s, &s->blocks[l])) return false;
    }
    return add_norm(parameters, prefix, "norm", s->size, &s->norm);
}

static void *declare(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out) {
    int depth = mlce_encoder_int(config, prefix, "depth");
    state *s = mlce_calloc(1, sizeof *s + (size_t)depth * sizeof s->blocks[0]);
    if (!s) return NULL;
    s->depth = depth;
    s->size = mlce_encoder_int(config, prefix, "size");
    s->heads = mlce_encoder_int(config, prefix, "heads");
    s->window = mlce_encoder_int(config, prefix, "window");
    s->ratio = mlce_encoder_int(config, prefix, "mlp_ratio");
    s->dropout = mlce_encoder_float(config, prefix, "dropout");
    *out = s->size;
    if (add_parameters(parameters, prefix, in, s)) return s;
    free(s);
    return NULL;
}

static mlce_node *forward_attention(mlce_graph *g, const state *s, const block *b, mlce_node *x,
                                    const mlce_batch *batch) {
    mlce_node *h = mlce_norm_forward(g, x, &b->attention_norm);
    mlce_node *qk = mlce_rope(g, mlce_dense_forward(g, h, &b->qk), batch->offsets, batch->sequences,
                              s->size / s->heads);
    mlce_node *v = mlce_dense_forward(g, h, &b->v);
    h = mlce_attention(g, qk, v, batch->offsets, batch->sequences, s->heads, s->window);
    h = mlce_dense_forward(g, h, &b->attention);
    return mlce_add(g, x, mlce_dropout(g, h, s->dropout));
}

static mlce_node *forward_mlp(mlce_graph *g, const state *s, const block *b, mlce_node *x) {
    mlce_node *h = mlce_norm_forward(g, x, &b->mlp_norm);
    h = mlce_gelu(g, mlce_dense_forward(g, h, &b->up));
    h = mlce_dense_forward(g, h, &b->down);
    return mlce_add(g, x, mlce_dropout(g, h, s->dropout));
}

static mlce_node *forward(mlce_graph *g, const void *encoder, mlce_node *x,
                          const mlce_batch *batch) {
    const state *s = encoder;
    if (s->input.weight) x = mlce_dense_forward(g, x, &s->input);
    for (int l = 0; l < s->depth; l++) {
        x = forward_attention(g, s, &s->blocks[l], x, batch);
        x = forward_mlp(g, s, &s->blocks[l], x);
    }
    return mlce_norm_forward(g, x, &s->norm);
}

/* [batch, 1, 1 or length, length]: which tokens j a token i sees. */
static mlce_onnx_value onnx_seen(mlce_onnx *o, const state *s) {
    mlce_onnx_value seen = mlce_onnx_unsqueeze(o, mlce_onnx_valid(o), 1);
    if (s->window) {
        mlce_onnx_value away = MLCE_ONNX(o, "Abs", mlce_onnx_distances(o));
        seen = MLCE_ONNX(o, "And", seen,
                         MLCE_ONNX(o, "LessOrEqual", away, mlce_onnx_int(o, s->window)));
    }
    return mlce_onnx_unsqueeze(o, seen, 1);
}

/* Features `start` on of each token as [batch, heads, length, d]. */
static mlce_onnx_value onnx_heads(mlce_onnx *o, const state *s, mlce_onnx_value x, int start) {
    x = mlce_onnx_slice(o, x, 2, start, s->size);
    x = mlce_onnx_reshape(o, x, MLCE_ONNX_DIMS(0, 0, s->heads, s->size / s->heads));
    return mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(0, 2, 1, 3));
}

static mlce_onnx_value onnx_attention(mlce_onnx *o, const state *s, const block *b,
                                      mlce_onnx_value x) {
    int d = s->size / s->heads;
    mlce_onnx_value h = mlce_norm_onnx(o, x, &b->attention_norm);
    mlce_onnx_value qk = mlce_onnx_rope(o, mlce_dense_onnx(o, h, &b->qk), 2 * s->size, d);
    mlce_onnx_value q = onnx_heads(o, s, qk, 0), k = onnx_heads(o, s, qk, s->size);
    mlce_onnx_value v = onnx_heads(o, s, mlce_dense_onnx(o, h, &b->v), 0);
    q = MLCE_ONNX(o, "Mul", q, mlce_onnx_scalar(o, 1.0f / sqrtf((float)d)));
    h = MLCE_ONNX(o, "MatMul", q, mlce_onnx_transpose(o, k, MLCE_ONNX_DIMS(0, 1, 3, 2)));
    h = MLCE_ONNX(o, "Softmax", mlce_onnx_only(o, onnx_seen(o, s), h));
    h = mlce_onnx_transpose(o, MLCE_ONNX(o, "MatMul", h, v), MLCE_ONNX_DIMS(0, 2, 1, 3));
    h = mlce_onnx_reshape(o, h, MLCE_ONNX_DIMS(0, 0, s->size));
    return MLCE_ONNX(o, "Add", x, mlce_dense_onnx(o, h, &b->attention));
}

static mlce_onnx_value onnx_mlp(mlce_onnx *o, const block *b, mlce_onnx_value x) {
    mlce_onnx_value h = mlce_norm_onnx(o, x, &b->mlp_norm);
    h = mlce_onnx_gelu(o, mlce_dense_onnx(o, h, &b->up));
    return MLCE_ONNX(o, "Add", x, mlce_dense_onnx(o, h, &b->down));
}

static mlce_onnx_value onnx(mlce_onnx *o, const void *encoder, mlce_onnx_value x) {
    const state *s = encoder;
    if (s->input.weight) x = mlce_dense_onnx(o, x, &s->input);
    for (int l = 0; l < s->depth; l++)
        x = onnx_mlp(o, &s->blocks[l], onnx_attention(o, s, &s->blocks[l], x));
    return mlce_norm_onnx(o, x, &s->norm);
}

const mlce_encoder_type mlce_encoder_transformer = {"transformer", declare, forward, onnx,
                                                    check,         accepts, false};
