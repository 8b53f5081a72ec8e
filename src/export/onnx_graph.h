/* onnx_graph.h - an ONNX graph as it is built, node by node: what encoders and heads say of
 * themselves for mlce-export --format onnx.
 *
 * Between inputs and output a value is [batch, length, features], sequences padded at their ends to
 * the longest. What stands in the padding is anything finite: a part that looks at other tokens
 * than its own must keep it out (mlce_onnx_valid(), mlce_onnx_lengths()).
 *
 *   x = MLCE_ONNX(o, "Add", x, mlce_onnx_scalar(o, 1));
 *   x = MLCE_ONNX(o, "Softmax", x);
 *   mlce_onnx_set_int(o, "axis", -1);                        // of the node made last
 *
 * Errors are as in graph.h: a function that fails records it and returns NULL, one that is given
 * NULL returns NULL, and mlce_onnx_status() says at the end what went wrong first.
 */
#ifndef MLCE_EXPORT_ONNX_GRAPH_H
#define MLCE_EXPORT_ONNX_GRAPH_H

#include <stdint.h>

#include "mlce/graph.h"

/* The operators' versions, and the file format that goes with them: what onnxruntime 1.13 and all
   later ones run. */
enum { MLCE_ONNX_OPSET = 17, MLCE_ONNX_IR_VERSION = 8 };

typedef struct mlce_onnx mlce_onnx;
/* A value's name in the graph. */
typedef const char *mlce_onnx_value;

/* Types of numbers, with ONNX's own numbers for them. */
typedef enum mlce_onnx_type {
    MLCE_ONNX_FLOAT = 1,
    MLCE_ONNX_INT32 = 6,
    MLCE_ONNX_INT64 = 7,
    MLCE_ONNX_DOUBLE = 11
} mlce_onnx_type;

/* NULL when out of memory. */
mlce_onnx *mlce_onnx_new(void);
void mlce_onnx_free(mlce_onnx *o);
mlce_status mlce_onnx_status(const mlce_onnx *o);
/* Memory that lives as long as the graph; NULL, recorded, when out of memory. */
void *mlce_onnx_alloc(mlce_onnx *o, size_t count, size_t size);
/* Names of the nodes that follow begin with it: "encoder.1". */
void mlce_onnx_scope(mlce_onnx *o, const char *scope);

/* ---- Constants ---- */

/* float32 numbers [dims] under a name that is new; `values` must outlive the graph. */
mlce_onnx_value mlce_onnx_tensor(mlce_onnx *o, const char *name, const float *values, int rank,
                                 const int64_t *dims);
/* Numbers [count] of float64 that their name tells from all others, of int64, an int64 and a
   float32: copied, and made once however often they are asked for. */
mlce_onnx_value mlce_onnx_doubles(mlce_onnx *o, const char *name, const double *values, int count);
mlce_onnx_value mlce_onnx_ints(mlce_onnx *o, const int64_t *values, int count);
mlce_onnx_value mlce_onnx_int(mlce_onnx *o, int64_t value);
mlce_onnx_value mlce_onnx_scalar(mlce_onnx *o, float value);
/* A parameter under its own name: a matrix transposed, as MatMul wants a dense layer's weight, a
   row [1, n] as the vector [n]. */
mlce_onnx_value mlce_onnx_transposed(mlce_onnx *o, const mlce_parameter *parameter);
mlce_onnx_value mlce_onnx_vector(mlce_onnx *o, const mlce_parameter *parameter);

/* ---- Nodes ---- */

/* The first output of a new node. */
mlce_onnx_value mlce_onnx_node(mlce_onnx *o, const char *op, const mlce_onnx_value *inputs,
                               int count);
#define MLCE_ONNX(o, op, ...)                                                                      \
    mlce_onnx_node(                                                                                \
        o, op, (const mlce_onnx_value[]){__VA_ARGS__},                                             \
        (int)(sizeof((const mlce_onnx_value[]){__VA_ARGS__}) / sizeof(mlce_onnx_value)))

/* Attributes of the node made last; texts and numbers are copied. */
void mlce_onnx_set_int(mlce_onnx *o, const char *name, int64_t value);
void mlce_onnx_set_float(mlce_onnx *o, const char *name, float value);
void mlce_onnx_set_text(mlce_onnx *o, const char *name, const char *text);
void mlce_onnx_set_ints(mlce_onnx *o, const char *name, const int64_t *values, int count);

/* ---- Common ops ---- */

#define MLCE_ONNX_DIMS(...)                                                                        \
    (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* mlce_onnx_reshape(o, x, MLCE_ONNX_DIMS(0, 0, 4, 16)): 0 leaves a dimension as it is. */
mlce_onnx_value mlce_onnx_reshape(mlce_onnx *o, mlce_onnx_value x, const int64_t *dims, int rank);
/* mlce_onnx_transpose(o, x, MLCE_ONNX_DIMS(0, 2, 1)) */
mlce_onnx_value mlce_onnx_transpose(mlce_onnx *o, mlce_onnx_value x, const int64_t *order,
                                    int rank);
/* start .. start + count - 1 along an axis */
mlce_onnx_value mlce_onnx_slice(mlce_onnx *o, mlce_onnx_value x, int axis, int start, int count);
mlce_onnx_value mlce_onnx_unsqueeze(mlce_onnx *o, mlce_onnx_value x, int axis);
mlce_onnx_value mlce_onnx_cast(mlce_onnx *o, mlce_onnx_value x, mlce_onnx_type type);
/* x Phi(x), as mlce_gelu() */
mlce_onnx_value mlce_onnx_gelu(mlce_onnx *o, mlce_onnx_value x);
/* Every chunk of head_size features of x [batch, length, cols] turned, as mlce_rope() */
mlce_onnx_value mlce_onnx_rope(mlce_onnx *o, mlce_onnx_value x, int cols, int head_size);
/* q_i . k_j / sqrt(d) of qk [batch, heads, length, 2 d]: q, then k  ->
   [batch, heads, length, length] */
mlce_onnx_value mlce_onnx_products(mlce_onnx *o, mlce_onnx_value qk, int head_size);

/* ---- Sequences ---- */

/* The graph's inputs, embeddings [batch, length, width] and lengths [batch]; where `items`, length
   is 1. Returns the embeddings with 0 in the padding, whatever was there. */
mlce_onnx_value mlce_onnx_begin(mlce_onnx *o, int width, bool items);
/* int64 [length]: 0, 1, 2, ... */
mlce_onnx_value mlce_onnx_positions(mlce_onnx *o);
/* int32 [batch] */
mlce_onnx_value mlce_onnx_lengths(mlce_onnx *o);
/* bool [batch, length]: which are tokens, not padding */
mlce_onnx_value mlce_onnx_valid(mlce_onnx *o);
/* int64 [length, length]: j - i */
mlce_onnx_value mlce_onnx_distances(mlce_onnx *o);
/* MLCE_ONNX_NONE where `condition` does not hold */
mlce_onnx_value mlce_onnx_only(mlce_onnx *o, mlce_onnx_value condition, mlce_onnx_value x);
/* MLCE_ONNX_NONE at the pairs (i, j) of scores [batch, types, length, length] that are no spans: j
   before i, in the padding, or max_width (0: no limit) tokens or more after i. */
mlce_onnx_value mlce_onnx_only_spans(mlce_onnx *o, mlce_onnx_value scores, int max_width);
/* Makes the node made last the graph's output "scores": of spans, or of items. */
void mlce_onnx_end(mlce_onnx *o, int types, bool items);

/* What stands for a score that does not exist: under every real one. */
#define MLCE_ONNX_NONE (-1e12f)

/* ---- The file ---- */

/* A property of the model beside the graph; both are copied. */
void mlce_onnx_metadata(mlce_onnx *o, const char *key, const char *value);
/* Makes the file `part`, which is to become `path` (the name for messages). MLCE_E_ARGUMENT in a
   build without ONNX. */
mlce_status mlce_onnx_write(mlce_onnx *o, const char *part, const char *path);

#endif
