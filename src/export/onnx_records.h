/* onnx_records.h - what an ONNX graph is made of, for its builder and its writer. Lists are in the
   order in which things were made. */
#ifndef MLCE_EXPORT_ONNX_RECORDS_H
#define MLCE_EXPORT_ONNX_RECORDS_H

#include "export/onnx_graph.h"

typedef struct mlce_onnx_tensor {
    const char *name;
    mlce_onnx_type type;
    int rank;
    const int64_t *dims;
    size_t count;
    const void *values;
    struct mlce_onnx_tensor *next;
} mlce_onnx_tensor_record;

typedef enum mlce_onnx_attribute_kind {
    MLCE_ONNX_ATTRIBUTE_INT,
    MLCE_ONNX_ATTRIBUTE_FLOAT,
    MLCE_ONNX_ATTRIBUTE_TEXT,
    MLCE_ONNX_ATTRIBUTE_INTS
} mlce_onnx_attribute_kind;

typedef struct mlce_onnx_attribute {
    const char *name;
    mlce_onnx_attribute_kind kind;
    float number;
    const char *text;
    const int64_t *ints; /* [count]; of one INT too */
    int count;
    struct mlce_onnx_attribute *next;
} mlce_onnx_attribute;

typedef struct mlce_onnx_node {
    const char *op, *output;
    const mlce_onnx_value *inputs;
    int input_count;
    mlce_onnx_attribute *attributes;
    struct mlce_onnx_node *next;
} mlce_onnx_node_record;

/* An input or output of the graph. */
typedef struct mlce_onnx_port {
    const char *name, *doc;
    mlce_onnx_type type;
    int rank;
    struct {
        const char *symbol; /* NULL: `size` is it */
        int64_t size;
    } dims[4];
} mlce_onnx_port;

typedef struct mlce_onnx_property {
    const char *key, *value;
    struct mlce_onnx_property *next;
} mlce_onnx_property;

struct mlce_onnx {
    mlce_arena *arena;
    mlce_status status;
    const char *scope;
    mlce_onnx_tensor_record *tensors, **tensors_end;
    mlce_onnx_node_record *nodes, **nodes_end, *last;
    int node_count;
    mlce_onnx_property *properties, **properties_end;
    mlce_onnx_port inputs[2], output;
    mlce_onnx_value positions, lengths, valid, distances; /* NULL until asked for */
    struct {
        int head_size;
        mlce_onnx_value cosine, sine;
    } turns; /* of the last RoPE */
};

/* A formatted text in the graph's memory; NULL, recorded, when out of it. */
const char *mlce_onnx_text(mlce_onnx *o, const char *format, ...) MLCE_PRINTF(2, 3);

#endif
