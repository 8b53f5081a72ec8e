/* gru.c - gated recurrent units over each sequence in both directions, layers stacked.
 *
 *   h_0 = x,  h_l+1 = dropout([GRU_forward(h_l)  GRU_reverse(h_l)])
 *
 * The parameters are those of torch.nn.GRU(in, size, layers, bidirectional=True), in its layout
 * (gates r, z, n), named as in bilstm.c. Dropout follows the last layer as well.
 */
#include "model/recurrent.h"

enum { GATES = 3 };

static void *declare(mlce_parameters *parameters, const mlce_config *config, const char *prefix,
                     int in, int *out) {
    return mlce_recurrent_declare(parameters, config, prefix, GATES, in, out);
}

static mlce_node *forward(mlce_graph *g, const void *encoder, mlce_node *x,
                          const mlce_batch *batch) {
    return mlce_recurrent_forward(g, encoder, mlce_gru, x, batch);
}

/* ONNX has the gates in the order z, r, n. */
static mlce_onnx_value onnx(mlce_onnx *o, const void *encoder, mlce_onnx_value x) {
    return mlce_recurrent_onnx(o, encoder, "GRU", (const int[GATES]){1, 0, 2}, GATES, x);
}

const mlce_encoder_type mlce_encoder_gru = {"gru", declare, forward, onnx, NULL, NULL, false};
