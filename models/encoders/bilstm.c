/* bilstm.c - long short-term memory over each sequence in both directions, layers stacked.
 *
 *   h_0 = x,  h_l+1 = dropout([LSTM_forward(h_l)  LSTM_reverse(h_l)])
 *
 * The parameters are those of torch.nn.LSTM(in, size, layers, bidirectional=True), in its layout
 * (gates i, f, g, o) and under these names, with layers counted from 1 instead of 0:
 *
 *   encoder.N.layer.L.forward.weight_ih    weight_ih_l{L-1}            [4 size, in]
 *   encoder.N.layer.L.forward.weight_hh    weight_hh_l{L-1}            [4 size, size]
 *   encoder.N.layer.L.forward.bias_ih      bias_ih_l{L-1}              [1, 4 size]
 *   encoder.N.layer.L.forward.bias_hh      bias_hh_l{L-1}              [1, 4 size]
 *   encoder.N.layer.L.reverse.weight_ih    weight_ih_l{L-1}_reverse    and so on
 *
 * PyTorch's dropout stands between the layers; here it follows the last one as well.
 */
#include "model/recurrent.h"

enum { GATES = 4 };

static void *declare(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out) {
    return mlce_recurrent_declare(parameters, config, prefix, GATES, in, out);
}

static mlce_node *forward(mlce_graph *g, const void *encoder, mlce_node *x,
                          const mlce_batch *batch) {
    return mlce_recurrent_forward(g, encoder, mlce_lstm, x, batch);
}

/* ONNX has the gates in the order i, o, f, g. */
static mlce_onnx_value onnx(mlce_onnx *o, const void *encoder, mlce_onnx_value x) {
    return mlce_recurrent_onnx(o, encoder, "LSTM", (const int[GATES]){0, 3, 1, 2}, GATES, x);
}

const mlce_encoder_type mlce_encoder_bilstm = {"bilstm", declare, forward, onnx, NULL, NULL, false};
