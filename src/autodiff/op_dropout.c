/* op_dropout.c - dropout (Srivastava et al. 2014), scaled while training.
 *
 * Number i of a matrix is dropped if 16 bits of Philox(seed, stream of this op, step, i) are under
 * the probability: backward draws them again instead of keeping a mask. Where several numbers share
 * a draw - those of a feature along a sequence, those of a token - the few draws are kept. In a
 * part of a larger graph, i is the place in the matrix there.
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
    float kept;      /* 1 / (1 - probability) */
    const float *by; /* shared draws: what each number is multiplied by, 0 or `kept` */
    const int
        *share; /* [rows] whose row of `by` [..., cols] a token has; NULL: `by` is [rows, 1] */
    const mlce_graph_part *part; /* NULL: the graph is whole */
} dropout;

/* to[i] (+)= from[i] * mask[place + i] for i < count <= DRAWS - place % 8 */
MLCE_KERNEL static void apply_mask(const dropout *d, size_t place, size_t count, const float *from,
                                   float *to, bool add) {
    uint32_t words[4 * BLOCKS];
    uint16_t draws[DRAWS];
    mlce_philox_fill(d->seed, d->stream, d->first + place / 8, BLOCKS, words);
    memcpy(draws, words, sizeof draws);
    float mask[DRAWS], kept = d->kept; /* no branches: a random one is mispredicted */
    uint32_t threshold = d->threshold;
    for (size_t i = 0; i < DRAWS; i++) mask[i] = draws[i] < threshold ? 0.0f : kept;
    const float *by = mask + place % 8;
    if (add)
        for (size_t i = 0; i < count; i++) to[i] += from[i] * by[i];
    else
        for (size_t i = 0; i < count; i++) to[i] = from[i] * by[i];
}

/* The `size` numbers from `place` on. */
static void apply_from(const dropout *d, size_t place, size_t size, const float *from, float *to,
                       bool add) {
    while (size > 0) {
        size_t room = DRAWS - place % 8, count = size < room ? size : room;
        apply_mask(d, place, count, from, to, add);
        from += count;
        to += count;
        place += count;
        size -= count;
    }
}

/* [rows, cols] of the whole graph, or of a part with a row for each of its tokens. */
static void apply_to_all(const dropout *d, size_t rows, size_t cols, const float *from, float *to,
                         bool add) {
    size_t size = rows * cols;
    const mlce_graph_part *part = d->part;
    if (!part) {
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
        for (size_t start = 0; start < size; start += DRAWS)
            apply_mask(d, start, size - start < DRAWS ? size - start : DRAWS, from + start,
                       to + start, add);
        return;
    }
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (int s = 0; s < part->sequences; s++) {
        size_t start = (size_t)part->offsets[s] * cols, end = (size_t)part->offsets[s + 1] * cols;
        apply_from(d, (size_t)part->rows[s] * cols, end - start, from + start, to + start, add);
    }
}

static void dropout_backward(mlce_graph *g, mlce_node *y) {
    float beta;
    float *dx = mlce_node_grad(g, y->input[0], &beta);
    if (dx) apply_to_all(y->context, (size_t)y->rows, (size_t)y->cols, y->grad, dx, beta != 0);
}

/* A new dropout op over x, with a stream of its own and its value not yet computed. *y = x where
   nothing is dropped, NULL on failure: then there is none. */
static dropout *begin(mlce_graph *g, mlce_node *x, float probability, mlce_backward_fn *backward,
                      mlce_node **y) {
    *y = NULL;
    if (!x || mlce_graph_status(g)) return NULL;
    if (!(probability >= 0 && probability < 1)) {
        mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT, "dropout: probability %g is not in [0, 1)",
                                     (double)probability));
        return NULL;
    }
    uint32_t threshold = (uint32_t)lrintf(probability * 65536.0f);
    if (!g->training || threshold == 0) {
        *y = x;
        return NULL;
    }
    if (threshold > 65535) threshold = 65535;
    const mlce_graph_part *part = g->part.sequences ? &g->part : NULL;
    if (part && part->offsets[part->sequences] != x->rows) {
        mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                     "dropout: [%d, %d] has not a row for each of the %d tokens of "
                                     "the graph's part",
                                     x->rows, x->cols, part->offsets[part->sequences]));
        return NULL;
    }
    mlce_node *node = mlce_node_new(g, x->rows, x->cols, backward, &x, 1);
    dropout *d = mlce_arena_alloc(g->arena, 1, sizeof *d);
    if (!node || !d) {
        mlce_graph_fail(g, MLCE_E_MEMORY);
        return NULL;
    }
    *d = (dropout){.seed = g->seed,
                   .first = g->step << 32,
                   .stream = MLCE_STREAM_DROPOUT + 16 * g->dropouts++,
                   .threshold = threshold,
                   .kept = 65536.0f / (65536.0f - (float)threshold),
                   .part = part};
    node->context = d;
    *y = node;
    return d;
}

mlce_node *mlce_dropout(mlce_graph *g, mlce_node *x, float probability) {
    mlce_node *y;
    const dropout *d = begin(g, x, probability, dropout_backward, &y);
    if (d) apply_to_all(d, (size_t)y->rows, (size_t)y->cols, x->value, y->value, false);
    return y;
}

/* ---- Shared draws ---- */

static float *ones(mlce_graph *g, size_t count) {
    float *by = mlce_arena_alloc(g->arena, count, sizeof *by);
    for (size_t i = 0; by && i < count; i++) by[i] = 1.0f;
    return by;
}

/* One for each token. */
static bool draw_for_tokens(mlce_graph *g, dropout *d, size_t rows) {
    float *by = ones(g, rows);
    if (by) apply_to_all(d, rows, 1, by, by, false);
    d->by = by;
    return by != NULL;
}

/* A row of `cols` for each sequence. */
static bool draw_for_sequences(mlce_graph *g, dropout *d, size_t sequences, size_t cols) {
    float *by = ones(g, sequences * cols);
    d->by = by;
    if (!by) return false;
    if (!d->part) {
        apply_to_all(d, sequences, cols, by, by, false);
        return true;
    }
    for (size_t s = 0; s < sequences; s++)
        apply_from(d, (size_t)d->part->places[s] * cols, cols, by + s * cols, by + s * cols, false);
    return true;
}

/* to (+)= from * by, by of one number (step 0) or of one for each column (step 1) */
MLCE_KERNEL static void apply_row(const float *from, const float *by, float *to, int cols,
                                  bool shared, bool add) {
    if (shared)
        for (int c = 0; c < cols; c++) to[c] = (add ? to[c] : 0.0f) + from[c] * by[c];
    else
        for (int c = 0; c < cols; c++) to[c] = (add ? to[c] : 0.0f) + from[c] * *by;
}

static void apply_rows(const dropout *d, int rows, int cols, const float *from, float *to,
                       bool add) {
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < rows; i++) {
        size_t row = (size_t)i * (size_t)cols;
        const float *by = d->share ? d->by + (size_t)d->share[i] * (size_t)cols : d->by + i;
        apply_row(from + row, by, to + row, cols, d->share != NULL, add);
    }
}

static void shared_backward(mlce_graph *g, mlce_node *y) {
    float beta;
    float *dx = mlce_node_grad(g, y->input[0], &beta);
    if (dx) apply_rows(y->context, y->rows, y->cols, y->grad, dx, beta != 0);
}

mlce_node *mlce_dropout_tokens(mlce_graph *g, mlce_node *x, float probability) {
    mlce_node *y;
    dropout *d = begin(g, x, probability, shared_backward, &y);
    if (!d) return y;
    if (!draw_for_tokens(g, d, (size_t)x->rows)) return mlce_graph_fail(g, MLCE_E_MEMORY);
    apply_rows(d, x->rows, x->cols, x->value, y->value, false);
    return y;
}

mlce_node *mlce_dropout_sequences(mlce_graph *g, mlce_node *x, const int *offsets, int sequences,
                                  float probability) {
    mlce_node *y;
    if (x && offsets[sequences] != x->rows)
        return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                            "mlce_dropout_sequences: [%d, %d] has not the rows of "
                                            "the sequences' %d tokens",
                                            x->rows, x->cols, offsets[sequences]));
    if (g->part.sequences && g->part.sequences != sequences)
        return mlce_graph_fail(g, mlce_fail(MLCE_E_ARGUMENT,
                                            "mlce_dropout_sequences: %d sequences, but the graph's "
                                            "part has %d",
                                            sequences, g->part.sequences));
    dropout *d = begin(g, x, probability, shared_backward, &y);
    if (!d) return y;
    int *share = mlce_arena_alloc(g->arena, (size_t)x->rows, sizeof *share);
    if (!share || !draw_for_sequences(g, d, (size_t)sequences, (size_t)x->cols))
        return mlce_graph_fail(g, MLCE_E_MEMORY);
    for (int s = 0; s < sequences; s++)
        for (int i = offsets[s]; i < offsets[s + 1]; i++) share[i] = s;
    d->share = share;
    apply_rows(d, x->rows, x->cols, x->value, y->value, false);
    return y;
}
