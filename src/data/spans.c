/* spans.c - how the spans of a sequence lie to each other. */
#include "data/spans.h"

#include <string.h>

int mlce_spans_outer_first(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end > b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* ---- A Fenwick tree over positions ---- */

static void tree_add(int *tree, int size, int position) {
    for (int i = position; i <= size; i += i & -i) tree[i]++;
}

/* How many were added at 1 .. position. */
static int tree_sum(const int *tree, int position) {
    int sum = 0;
    for (int i = position; i > 0; i -= i & -i) sum += tree[i];
    return sum;
}

/* The tree has the ends of all spans that begin before the one at hand: it crosses those that end
   inside it. */
void mlce_spans_cross(const mlce_span *spans, int count, int length, int *ends, bool *crosses) {
    int entered = 0;
    memset(ends, 0, ((size_t)length + 1) * sizeof *ends);
    for (int i = 0; i < count; i++) {
        int start = spans[i].start, end = spans[i].end;
        while (spans[entered].start < start) tree_add(ends, length, spans[entered++].end);
        crosses[i] = tree_sum(ends, end - 1) > tree_sum(ends, start);
    }
}
