/* op_gru.c - gated recurrent unit (Cho et al. 2014), with the reset gate behind the product, as
 * PyTorch and cuDNN have it.
 *
 *   r, z = sigmoid(x W_ih^T + b_ih + h_before W_hh^T + b_hh)
 *   q = h_before W_hn^T + b_hn,  n = tanh(x W_in^T + b_in + r q)
 *   h = (1 - z) n + z h_before
 *
 * Backward, each gate times its own slope:
 *   dn = dh (1 - z),  dz = dh (h_before - n),  dr = dn q,  dq = dn r
 *   and dh z goes to h_before at once, beside what comes back through the gates.
 */
#include "autodiff/op_recurrent.h"
#include "core/vector.h"

/* e^-x stays finite: below -87 the value is under 1e-37 */
#define SIGMOID(x) (1.0f / (1.0f + expf((x) > -87.0f ? -(x) : 87.0f)))

MLCE_KERNEL static void forward(int H, const mlce_cell_row *row) {
    float *r = row->gates, *z = r + H, *n = z + H, *q = n + H, *h = row->h;
    const float *pr = row->product, *pz = pr + H, *pn = pz + H;
    const float *br = row->bias, *bz = br + H, *bn = bz + H, *bq = bn + H;
    const float *before = row->before;
#pragma omp simd
    for (int u = 0; u < H; u++) {
        float sr = r[u] + pr[u] + br[u], sz = z[u] + pz[u] + bz[u];
        r[u] = SIGMOID(sr);
        z[u] = SIGMOID(sz);
        q[u] = pn[u] + bq[u];
        n[u] = tanhf(n[u] + bn[u] + r[u] * q[u]);
        h[u] = (1.0f - z[u]) * n[u] + z[u] * before[u];
    }
}

MLCE_KERNEL static void backward(int H, const mlce_cell_row *row) {
    float *r = row->gates, *z = r + H, *n = z + H, *q = n + H, *carry = row->carry;
    const float *before = row->before;
#pragma omp simd
    for (int u = 0; u < H; u++) {
        float dh = row->dh[u] + row->back[u] + carry[u];
        float dn = dh * (1.0f - z[u]) * (1.0f - n[u] * n[u]);
        carry[u] = dh * z[u];
        z[u] = dh * (before[u] - n[u]) * z[u] * (1.0f - z[u]);
        n[u] = dn;
        float dr = dn * q[u] * r[u] * (1.0f - r[u]);
        q[u] = dn * r[u];
        r[u] = dr;
    }
}

mlce_node *mlce_gru(mlce_graph *g, mlce_node *x, const mlce_recurrent_weights *weights,
                    int directions, const int *offsets, int sequences) {
    static const mlce_cell cell = {"mlce_gru", 3, 2, 0, forward, backward};
    return mlce_recurrent(g, &cell, x, weights, directions, offsets, sequences);
}
