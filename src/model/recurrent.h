/* recurrent.h - a stack of recurrent layers in both directions: what the encoders bilstm and gru
   have in common. */
#ifndef MLCE_MODEL_RECURRENT_H
#define MLCE_MODEL_RECURRENT_H

#include "model/parts.h"

/* One of mlce_lstm() and mlce_gru(). */
typedef mlce_node *mlce_recurrent_op(mlce_graph *g, mlce_node *x,
                                     const mlce_recurrent_weights *weights, int directions,
                                     const int *offsets, int sequences);

/* Declares "<prefix>.layer.L.forward.weight_ih" [gates * size, in], .weight_hh [gates * size,
   size], .bias_ih and .bias_hh [1, gates * size], and the same with .reverse, for the layers
   L = 1 .. <prefix>.layers. Returns the stack (freed with free()) and its width, 2 * size, in
   *out; NULL (message set) on failure. */
void *mlce_recurrent_declare(mlce_parameters *parameters, const mlce_config *config,
                             const char *prefix, int gates, int in, int *out);
/* Dropout comes after each layer, the last one too. */
mlce_node *mlce_recurrent_forward(mlce_graph *g, const void *stack, mlce_recurrent_op *op,
                                  mlce_node *x, const mlce_batch *batch);
/* As ONNX's op (LSTM or GRU): its gate g is our gate order[g]. */
mlce_onnx_value mlce_recurrent_onnx(mlce_onnx *o, const void *stack, const char *op,
                                    const int *order, int gates, mlce_onnx_value x);

#endif
