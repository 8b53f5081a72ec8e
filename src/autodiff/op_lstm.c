/* op_lstm.c - long short-term memory (Hochreiter, Schmidhuber 1997; Gers et al. 2000).
 *
 *   i, f, o = sigmoid(.),  g = tanh(.)      of x W_ih^T + b_ih + h_before W_hh^T + b_hh
 *   c = f c_before + i g,  h = o tanh(c)
 *
 * Backward, with dc what reaches c from h and from the token after:
 *   dc = dh o (1 - tanh(c)^2) + dc_after f_after
 *   di = dc g,  df = dc c_before,  dg = dc i,  do = dh tanh(c), each times its gate's own slope
 *
 * A token's state is c and tanh(c).
 */
#include "autodiff/op_recurrent.h"
#include "core/vector.h"

/* e^-x stays finite: below -87 the value is under 1e-37 */
#define SIGMOID(x) (1.0f / (1.0f + expf((x) > -87.0f ? -(x) : 87.0f)))

MLCE_KERNEL static void forward(int H, const mlce_cell_row *row) {
    float *i = row->gates, *f = i + H, *g = f + H, *o = g + H;
    const float *pi = row->product, *pf = pi + H, *pg = pf + H, *po = pg + H;
    const float *bi = row->bias, *bf = bi + H, *bg = bf + H, *bo = bg + H;
    const float *c_before = row->state_before;
    float *c = row->state, *tanh_c = c + H, *h = row->h;
#pragma omp simd
    for (int u = 0; u < H; u++) {
        float zi = i[u] + pi[u] + bi[u], zf = f[u] + pf[u] + bf[u], zo = o[u] + po[u] + bo[u];
        i[u] = SIGMOID(zi);
        f[u] = SIGMOID(zf);
        o[u] = SIGMOID(zo);
        g[u] = tanhf(g[u] + pg[u] + bg[u]);
        c[u] = f[u] * c_before[u] + i[u] * g[u];
        tanh_c[u] = tanhf(c[u]);
        h[u] = o[u] * tanh_c[u];
    }
}

MLCE_KERNEL static void backward(int H, const mlce_cell_row *row) {
    float *i = row->gates, *f = i + H, *g = f + H, *o = g + H, *carry = row->carry;
    const float *tanh_c = row->state + H, *c_before = row->state_before;
#pragma omp simd
    for (int u = 0; u < H; u++) {
        float dh = row->dh[u] + row->back[u];
        float dc = carry[u] + dh * o[u] * (1.0f - tanh_c[u] * tanh_c[u]);
        carry[u] = dc * f[u];
        float di = dc * g[u] * i[u] * (1.0f - i[u]);
        float dg = dc * i[u] * (1.0f - g[u] * g[u]);
        f[u] = dc * c_before[u] * f[u] * (1.0f - f[u]);
        o[u] = dh * tanh_c[u] * o[u] * (1.0f - o[u]);
        i[u] = di;
        g[u] = dg;
    }
}

mlce_node *mlce_lstm(mlce_graph *g, mlce_node *x, const mlce_recurrent_weights *weights,
                     int directions, const int *offsets, int sequences) {
    static const mlce_cell cell = {"mlce_lstm", 4, 4, 2, forward, backward};
    return mlce_recurrent(g, &cell, x, weights, directions, offsets, sequences);
}
