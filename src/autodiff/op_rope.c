/* op_rope.c - rotary position embedding.
 *
 *   y_2m   = x_2m cos - x_2m+1 sin
 *   y_2m+1 = x_2m sin + x_2m+1 cos        at the angle p * 10000^(-2m / head_size)
 *
 * for the token at position p of its sequence. The turn back, by -angle, is the gradient.
 */
#include <limits.h>
#include <math.h>

#include "autodiff/graph_private.h"
#include "core/vector.h"

typedef struct rope {
    const float *turn;   /* (cos, sin) by position and m */
    const int *position; /* [tokens] */
    int head_size;
} rope;

/* Tables belong to the graph and live as long: a node may still point into a shorter one, so a
   longer one stands in front of it. Each is twice as long as the last, so few are made. */
static const mlce_rope_table *rope_table(mlce_graph *g, int head_size, int length) {
    mlce_rope_table *found = g->rope_tables;
    while (found && found->head_size != head_size) found = found->next;
    if (found && found->length >= length) return found;
    int grown = found && found->length <= INT_MAX / 2 && 2 * found->length > length
                    ? 2 * found->length
                    : length;
    size_t size = (size_t)grown * (size_t)head_size;
    mlce_rope_table *table = mlce_calloc(1, sizeof *table + size * sizeof table->turn[0]);
    if (!table) return NULL;
    *table = (mlce_rope_table){g->rope_tables, head_size, grown};
    for (int p = 0; p < grown; p++)
        for (int m = 0; m < head_size / 2; m++) {
            double angle = p * pow(10000.0, -2.0 * m / head_size);
            float *turn = &table->turn[(size_t)p * (size_t)head_size + 2 * (size_t)m];
            turn[0] = (float)cos(angle);
            turn[1] = (float)sin(angle);
        }
    g->rope_tables = table;
    return table;
}

/* to (+)= from, turned by sign * angle */
static void turn_all(const rope *r, int tokens, int cols, float sign, const float *from, float *to,
                     bool add) {
    int d = r->head_size;
    float beta = add ? 1.0f : 0.0f;
#pragma omp parallel for if ((double)tokens * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < tokens; i++) {
        const float *turn = r->turn + (size_t)r->position[i] * (size_t)d;
        for (int start = 0; start < cols; start += d) {
            const float *x = from + (size_t)i * (size_t)cols + start;
            float *y = to + (size_t)i * (size_t)cols + start;
            for (int c = 0; c < d; c += 2) {
                float cosine = turn[c], sine = sign * turn[c + 1];
                float even = x[c] * cosine - x[c + 1] * sine;
                float odd = x[c] * sine + x[c + 1] * cosine;
                y[c] = beta != 0 ? y[c] + even : even;
                y[c + 1] = beta != 0 ? y[c + 1] + odd : odd;
            }
        }
    }
}

static void rope_backward(mlce_graph *g, mlce_node *y) {
    float beta;
    float *dx = mlce_node_grad(g, y->input[0], &beta);
    if (dx) turn_all(y->context, y->rows, y->cols, -1.0f, y->grad, dx, beta != 0);
}

static const int *token_positions(mlce_graph *g, const int *offsets, int sequences, int tokens) {
    int *position = mlce_arena_alloc(g->arena, (size_t)tokens, sizeof *position);
    if (!position) return NULL;
    for (int s = 0; s < sequences; s++)
        for (int i = offsets[s]; i < offsets[s + 1]; i++) position[i] = i - offsets[s];
    return position;
}

static int longest(const int *offsets, int sequences) {
    int length = 1;
    for (int s = 0; s < sequences; s++)
        if (offsets[s + 1] - offsets[s] > length) length = offsets[s + 1] - offsets[s];
    return length;
}

mlce_node *mlce_rope(mlce_graph *g, mlce_node *x, const int *offsets, int sequences,
                     int head_size) {
    if (!x || mlce_graph_status(g)) return NULL;
    if (head_size < 2 || head_size % 2 || x->cols % head_size || offsets[sequences] != x->rows)
        return mlce_graph_fail(
            g,
            mlce_fail(MLCE_E_ARGUMENT,
                      "mlce_rope: [%d, %d] has no whole chunks of %d columns (an even number), or "
                      "its rows are not the sequences' %d tokens",
                      x->rows, x->cols, head_size, offsets[sequences]));
    mlce_node *y = mlce_node_new(g, x->rows, x->cols, rope_backward, &x, 1);
    rope *r = mlce_arena_alloc(g->arena, 1, sizeof *r);
    const mlce_rope_table *table = rope_table(g, head_size, longest(offsets, sequences));
    const int *position = token_positions(g, offsets, sequences, x->rows);
    if (!y || !r || !table || !position) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *r = (rope){table->turn, position, head_size};
    y->context = r;
    turn_all(r, y->rows, y->cols, 1.0f, x->value, y->value, false);
    return y;
}
