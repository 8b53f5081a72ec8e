/* op_dropout.c - dropout (Srivastava et al. 2014), scaled while training.
 *
 * Number i of a matrix is dropped if 16 bits of Philox(seed, stream of this op, step, i) are under
 * the probability: backward draws them again instead of keeping a mask.
 */
#include <math.h>
#include <string.h>

#include "autodiff/graph_private.h"
#include "core/vector.h"
#include "mlce/random.h"

enum { BLOCKS = 64, DRAWS = 8 * BLOCKS }; /* a block of Philox is eight draws of 16 bits */

typedef struct dropout {
    uint64_t seed, first; /* first: the position of the matrix's first block */
    uint32_t stream, threshold;
    float kept; /* 1 / (1 - probability) */
} dropout;

/* to[i] (+)= from[i] * mask[i] for i in start .. start+count-1, count <= DRAWS */
MLCE_KERNEL static void apply_mask(const dropout *d, size_t start, size_t count, const float *from,
                                   float *to, bool add) {
    uint32_t words[4 * BLOCKS];
    uint16_t draws[DRAWS];
    mlce_philox_fill(d->seed, d->stream, d->first + start / 8, BLOCKS, words);
    memcpy(draws, words, sizeof draws);
    for (size_t i = 0; i < count; i++) {
        float y = draws[i] < d->threshold ? 0.0f : d->kept * from[start + i];
        to[start + i] = add ? to[start + i] + y : y;
    }
}

static void apply_to_all(const dropout *d, size_t size, const float *from, float *to, bool add) {
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (size_t start = 0; start < size; start += DRAWS)
        apply_mask(d, start, size - start < DRAWS ? size - start : DRAWS, from, to, add);
}

static void dropout_backward(mlce_graph *g, mlce_node *y) {
    float beta;
    float *dx = mlce_node_grad(g, y->input[0], &beta);
    if (dx) apply_to_all(y->context, (size_t)y->rows * (size_t)y->cols, y->grad, dx, beta != 0);
}

mlce_node *mlce_dropout(mlce_graph *g, mlce_node *x, float probability) {
    if (!x || mlce_graph_status(g)) return NULL;
    if (!(probability >= 0 && probability < 1))
        return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                            "mlce_dropout: probability %g is not in [0, 1)",
                                            (double)probability));
    uint32_t threshold = (uint32_t)lrintf(probability * 65536.0f);
    if (!g->training || threshold == 0) return x;
    if (threshold > 65535) threshold = 65535;
    mlce_node *y = mlce_node_new(g, x->rows, x->cols, dropout_backward, &x, 1);
    dropout *d = mlce_arena_alloc(g->arena, 1, sizeof *d);
    if (!y || !d) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *d = (dropout){.seed = g->seed,
                   .first = g->step << 32,
                   .stream = MLCE_STREAM_DROPOUT + 16 * g->dropouts++,
                   .threshold = threshold,
                   .kept = 65536.0f / (65536.0f - (float)threshold)};
    y->context = d;
    apply_to_all(d, (size_t)y->rows * (size_t)y->cols, x->value, y->value, false);
    return y;
}
