/* op_windows.c - each token beside its neighbours: what a convolution multiplies.
 *
 * The rows of a window lie end to end in x already, so a window is one copy of those that are in
 * the sequence; and its gradient is added to them in one go.
 */
#include <limits.h>
#include <string.h>

#include "autodiff/graph_private.h"
#include "core/vector.h"

typedef struct windows {
    const int *offsets;
    int sequences, reach; /* tokens on each side */
} windows;

/* The part of token i's window that is in its sequence [begin, end): `count` rows of x from `from`
   on, with `before` rows of zeros in front of them. */
typedef struct part {
    int from, count, before;
} part;

static part part_of(int i, int begin, int end, int reach) {
    int from = i - begin < reach ? begin : i - reach;
    int to = end - 1 - i < reach ? end : i + reach + 1;
    return (part){from, to - from, from - (i - reach)};
}

static void copy_windows(const windows *w, int sequence, const mlce_node *x, float *to) {
    int begin = w->offsets[sequence], end = w->offsets[sequence + 1];
    size_t cols = (size_t)x->cols, width = 2 * (size_t)w->reach + 1;
    for (int i = begin; i < end; i++) {
        part p = part_of(i, begin, end, w->reach);
        size_t before = (size_t)p.before * cols, count = (size_t)p.count * cols;
        float *row = to + (size_t)i * width * cols;
        memset(row, 0, before * sizeof *row);
        memcpy(row + before, x->value + (size_t)p.from * cols, count * sizeof *row);
        memset(row + before + count, 0, (width * cols - before - count) * sizeof *row);
    }
}

MLCE_KERNEL static void add(float *to, const float *from, size_t count) {
    for (size_t n = 0; n < count; n++) to[n] += from[n];
}

static void windows_backward(mlce_graph *g, mlce_node *y) {
    const windows *w = y->context;
    mlce_node *x = y->input[0];
    size_t cols = (size_t)x->cols;
    float *dx = mlce_node_grad(g, x, NULL);
    if (!dx) return;
#pragma omp parallel for if ((double)y->rows * y->cols > MLCE_PARALLEL_SIZE) schedule(dynamic, 1)
    for (int s = 0; s < w->sequences; s++) {
        int begin = w->offsets[s], end = w->offsets[s + 1];
        for (int i = begin; i < end; i++) {
            part p = part_of(i, begin, end, w->reach);
            add(dx + (size_t)p.from * cols,
                y->grad + (size_t)i * (size_t)y->cols + (size_t)p.before * cols,
                (size_t)p.count * cols);
        }
    }
}

mlce_node *mlce_windows(mlce_graph *g, mlce_node *x, const int *offsets, int sequences, int width) {
    if (!x || mlce_graph_status(g)) return NULL;
    if (width < 1 || width % 2 == 0 || width > INT_MAX / x->cols || offsets[sequences] != x->rows)
        return mlce_graph_fail(
            g, mlce_fail(MLCE_E_ARGUMENT,
                         "mlce_windows: windows of %d tokens (an odd number) over [%d, %d], the "
                         "sequences' %d tokens",
                         width, x->rows, x->cols, offsets[sequences]));
    mlce_node *y = mlce_node_new(g, x->rows, width * x->cols, windows_backward, &x, 1);
    windows *w = mlce_arena_alloc(g->arena, 1, sizeof *w);
    if (!y || !w) return mlce_graph_fail(g, MLCE_E_MEMORY);
    *w = (windows){offsets, sequences, width / 2};
    y->context = w;
#pragma omp parallel for if ((double)y->rows * y->cols > MLCE_PARALLEL_SIZE) schedule(dynamic, 1)
    for (int s = 0; s < sequences; s++) copy_windows(w, s, x, y->value);
    return y;
}
