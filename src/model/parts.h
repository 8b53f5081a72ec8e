/* parts.h - what an encoder or a head of models/ is to the rest of the program. */
#ifndef MLCE_MODEL_PARTS_H
#define MLCE_MODEL_PARTS_H

#include "export/onnx_graph.h"
#include "mlce/batch.h"
#include "mlce/config.h"
#include "mlce/graph.h"
#include "mlce/model.h"

/* A dense layer y = x W^T + b: "NAME.weight" [out, in] and "NAME.bias" [1, out]. */
typedef struct mlce_dense {
    mlce_parameter *weight, *bias;
} mlce_dense;

/* Declares one; false (message set) on failure, as where there would be more outputs than an int
   can count. */
bool mlce_dense_add(mlce_parameters *parameters, const char *name, int in, int64_t out,
                    mlce_dense *dense);
mlce_node *mlce_dense_forward(mlce_graph *g, mlce_node *x, const mlce_dense *dense);
/* Two of the same x. */
void mlce_dense_forward_pair(mlce_graph *g, mlce_node *x, const mlce_dense *first,
                             const mlce_dense *second, mlce_node **y_first, mlce_node **y_second);
mlce_onnx_value mlce_dense_onnx(mlce_onnx *o, mlce_onnx_value x, const mlce_dense *dense);

/* A layer norm with epsilon 1e-5: "NAME.weight" and "NAME.bias" [1, size], as in PyTorch. */
typedef struct mlce_norm {
    mlce_parameter *gain, *bias;
} mlce_norm;

/* Declares one; false (message set) on failure. */
bool mlce_norm_add(mlce_parameters *parameters, const char *name, int size, mlce_norm *norm);
mlce_node *mlce_norm_forward(mlce_graph *g, mlce_node *x, const mlce_norm *norm);
mlce_onnx_value mlce_norm_onnx(mlce_onnx *o, mlce_onnx_value x, const mlce_norm *norm);

/* The value of "<prefix>.<key>", a number. */
int mlce_encoder_int(const mlce_config *config, const char *prefix, const char *key);
float mlce_encoder_float(const mlce_config *config, const char *prefix, const char *key);

/* An encoder: [tokens, in] -> [tokens, out], over the sequences of a batch. Written without member
   names, {name, declare, ...}, so that the compiler warns of one that was forgotten. */
typedef struct mlce_encoder_type {
    const char *name; /* as in encoder.N.type */
    /* Declares the parameters under `prefix` ("encoder.1"), reads the keys "<prefix>.size" ...
       Returns its state (plain memory, freed with free()) and the width that leaves it in *out;
       NULL (message set) on failure. */
    void *(*declare)(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out);
    mlce_node *(*forward)(mlce_graph *g, const void *state, mlce_node *x, const mlce_batch *batch);
    /* The same outside training, as ONNX nodes: [batch, length, in] -> [batch, length, out]. */
    mlce_onnx_value (*onnx)(mlce_onnx *o, const void *state, mlce_onnx_value x);
    /* Whether the keys under `prefix` fit each other, before there is any data; NULL: they do. */
    mlce_status (*check)(const mlce_config *config, const char *prefix);
    /* Whether a dataset fits the keys, its width apart; may warn. NULL: it does. */
    mlce_status (*accepts)(const mlce_config *config, const char *prefix,
                           const mlce_dataset *dataset);
    /* Its input is nothing but embeddings: shape features join behind it. */
    bool of_embeddings;
} mlce_encoder_type;

/* Warns where every sequence of the dataset is shorter than a window of `width` tokens. */
void mlce_warn_of_wide_window(const char *prefix, const mlce_dataset *dataset, int64_t width);

/* A head: [tokens, in] -> the scores of all types, or their factors. Written without member names
   too. */
typedef struct mlce_head_type {
    const char *name; /* as in model.head */
    mlce_task task;
    /* Declares the parameters under "head"; returns its state as above. */
    void *(*declare)(mlce_parameters *parameters, const mlce_config *config, int in, int types);
    mlce_output (*forward)(mlce_graph *g, const void *state, mlce_node *x, const mlce_batch *batch);
    /* The scores as ONNX nodes: [batch, length, in] -> [batch, types, length, length] of all pairs
       of tokens, those too that are no spans; of items, whose length is 1, [batch, types]. */
    mlce_onnx_value (*onnx)(mlce_onnx *o, const void *state, mlce_onnx_value x);
} mlce_head_type;

/* mlce_model_new() without memory for the parameters: their names and shapes only. */
mlce_status mlce_model_declare(const mlce_config *config, int width, const char *const *type_names,
                               int types, mlce_model **model);

/* The whole model from the graph's inputs to its output. */
mlce_status mlce_model_to_onnx(const mlce_model *model, mlce_onnx *o);

/* NULL (message set) where there is none of that name. */
const mlce_encoder_type *mlce_find_encoder(const char *name);
const mlce_head_type *mlce_find_head(const char *name);

#endif
