/* scores.h - tiles of the scores that a head's factors stand for. */
#ifndef MLCE_SPAN_SCORES_H
#define MLCE_SPAN_SCORES_H

#include <stdbool.h>

#include "mlce/span.h"

/* Rows of token pairs (i, j) that are worked on at once. */
enum { MLCE_TILE_ROWS = 64 };

/* One sequence's factors for one head. */
typedef struct mlce_span_view {
    int length;    /* L */
    int width;     /* pairs have j - i < width <= L */
    int tile_rows; /* rows of a tile: fewer where rows are short, as a tile is a rectangle */
    int head_size, stride; /* d, and floats from one token's q to the next one's */
    float scale;
    const float *q, *k; /* of the sequence's first token, for this head */
} mlce_span_view;

/* The first sequence with a score that is not finite, or may not be, by a bound from the largest
   of its factors; -1 where there is none. */
int mlce_span_find_not_finite(const mlce_span_scores *scores);

mlce_span_view mlce_span_view_of(const mlce_span_scores *scores, int sequence, int head);

/* A tile: pairs i in [first, last), j in [first, end) with i <= j < i + width. */
typedef struct mlce_span_tile {
    int first, last, end;
} mlce_span_tile;

mlce_span_tile mlce_span_tile_at(const mlce_span_view *view, int first);

/* The last j of row i, plus one. */
static inline int mlce_span_row_end(const mlce_span_view *view, int i) {
    return view->length - i < view->width ? view->length : i + view->width;
}

/* A[i - first, j - first] = scale * q_i . k_j over the whole rectangle of the tile; rows of `ld`
   floats. */
void mlce_span_tile_products(const mlce_span_view *view, mlce_span_tile tile, float *A, int ld);

/* Types that use head h: [*first, *last). All of them where the head is shared. */
static inline void mlce_span_types_of(const mlce_span_scores *scores, int head, int *first,
                                      int *last) {
    *first = scores->heads == 1 ? 0 : head;
    *last = scores->heads == 1 ? scores->types : head + 1;
}

/* u_a(i) and v_a(j) for tokens counted from the sequence's first, or NULL where there are none;
   2 * types floats from one token to the next. */
static inline const float *mlce_span_start_terms(const mlce_span_scores *scores, int sequence,
                                                 int type) {
    if (!scores->type_terms) return NULL;
    size_t row = (size_t)scores->offsets[sequence];
    return scores->type_terms + row * 2 * (size_t)scores->types + type;
}

static inline const float *mlce_span_end_terms(const mlce_span_scores *scores, int sequence,
                                               int type) {
    const float *start = mlce_span_start_terms(scores, sequence, type);
    return start ? start + scores->types : NULL;
}

/* MLCE_E_ARGUMENT where the numbers cannot be a batch's factors. */
mlce_status mlce_span_scores_check(const mlce_span_scores *scores);

/* Tokens of the longest sequence. */
int mlce_span_longest(const mlce_span_scores *scores);

#endif
