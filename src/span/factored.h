/* factored.h - the inside of the factored span loss: what factored.c, factored_tile.c,
 * factored_types.c and factored_memory.c share.
 *
 * Panels are of MLCE_PANEL (16) columns, see autodiff/panels.h. Arrays by type have whole panels of
 * types, and zeros where there is no type.
 */
#ifndef MLCE_SPAN_FACTORED_H
#define MLCE_SPAN_FACTORED_H

#include "autodiff/panels.h"
#include "core/rows.h"
#include "span/private.h"

enum {
    MLCE_KEEP_LENGTH = 8192, /* longer sequences compute E twice */
    MLCE_COLUMN_BLOCK = 256, /* columns of a tile that are worked on at once: whole panels */
    MLCE_TYPE_BLOCK = 64     /* types that one thread takes at once: whole panels */
};

/* What one thread works with. */
typedef struct mlce_tile_scratch {
    float *E;  /* [MLCE_TILE_ROWS, MLCE_COLUMN_BLOCK] */
    float *cx; /* panels of types: c x of a tile's rows */
    float *q;  /* panels of features: scale q of a tile's rows */
    float *dq; /* [MLCE_TILE_ROWS, features] dA k of a tile's rows */
} mlce_tile_scratch;

/* What belongs to a unit while it is worked on. T = types and d = features in whole panels, without
   terms T = 1; length in whole panels where panels are of tokens. */
typedef struct mlce_factored_state {
    int T, d;
    float *keys;         /* panels of features: scale k */
    float *keys_across;  /* panels of tokens: scale k^T */
    float *row_top;      /* [length] r_i; -infinity where a row has no pair */
    float *x, *g;        /* [length, T]; x becomes c x between the passes */
    float *y, *y_across; /* panels of types: y; panels of tokens: y^T; without terms NULL */
    float *h;            /* [groups, length, T] E^T (c x) of each group of tiles */
    float *dk;           /* [groups, length, d] */
    float *block_top;    /* [blocks, length] r_i as it was when that block of a tile was finished */
    float *kept;         /* tiles of E, one after the other; NULL: computed again */
    float *top_u, *top_v; /* [T] */
    float *top_x;         /* [T] M - top_u: the largest u - top_u + r */
    float *c;  /* [T] weight * c_a, scaled for x, y, E; 0 where the direct way is taken */
    double *z; /* [T] Z_a in that scale */
    double *log_c, *log_d; /* [T] */
    bool *direct;          /* [T] */
    float *gold_dA;        /* [gold spans] the pair's dA, at its first type */
    int groups;
} mlce_factored_state;

struct mlce_factored_scratch {
    mlce_tile_scratch *tiles;        /* [threads] */
    mlce_factored_state *states;     /* [threads] for units that are not split */
    mlce_factored_state split_state; /* for one split unit after the other */
    mlce_streamed_scratch *streamed; /* [threads] */
};

/* Whether tiles of E are kept for the second pass. */
static inline bool mlce_span_keeps_tiles(const mlce_span_unit *unit) {
    return unit->view.length <= MLCE_KEEP_LENGTH;
}

/* ---- factored_tile.c: the two passes over a tile of pairs ---- */

/* scale k of the tokens first .. first+15, into the two kinds of panels. */
void mlce_factored_fill_keys(const mlce_span_unit *unit, const mlce_factored_state *s, int first);

/* E, r and G of the tile that begins at row `first`. */
void mlce_factored_sum_tile(const mlce_span_unit *unit, const mlce_factored_state *s, int first,
                            const mlce_tile_scratch *scratch);

/* dA of the tile; adds to h and dk of its group, and writes dq. */
void mlce_factored_differentiate_tile(const mlce_span_unit *unit, const mlce_factored_state *s,
                                      int first, float *h, float *dk,
                                      const mlce_tile_scratch *scratch);

/* ---- factored_types.c: what happens type by type, before and between the passes ---- */

/* Largest u and v and y = e^(v - top_v) of the types first .. first+count-1, count <=
   MLCE_TYPE_BLOCK. */
void mlce_factored_prepare(const mlce_span_unit *unit, mlce_factored_state *s, int first,
                           int count);

/* x and z of the types first .. first+count-1, after all tiles' r and G. */
void mlce_factored_sum(const mlce_span_unit *unit, mlce_factored_state *s, int first, int count);

/* Z_N with what the gold pairs add, the loss, and the coefficients of each type. */
void mlce_factored_finish(mlce_span_unit *unit, mlce_factored_state *s);

/* dA of the gold pairs, into s->gold_dA. */
void mlce_factored_gold_products(const mlce_span_unit *unit, mlce_factored_state *s);

/* Adds the gold pairs' part of du and dv. */
void mlce_factored_gold_terms(const mlce_span_unit *unit, const mlce_factored_state *s);

/* Gold spans first .. result-1 are of one pair of tokens. */
int mlce_factored_end_of_pair(const mlce_span_unit *unit, int first);

#endif
