/* factored.h - the inside of the factored span loss: what factored.c, factored_types.c and
 * factored_memory.c share.
 */
#ifndef MLCE_SPAN_FACTORED_H
#define MLCE_SPAN_FACTORED_H

#include "span/private.h"

enum {
    MLCE_SPLIT_LENGTH = 512,  /* longer sequences are cut up among threads */
    MLCE_KEEP_LENGTH = 8192,  /* longer sequences compute E twice */
    MLCE_COLUMN_BLOCK = 1024, /* columns of a tile that are worked on at once, at most */
    MLCE_TYPE_BLOCK = 64      /* types that one thread takes at once */
};

/* e^-87 is about the smallest that float32 holds in full */
static const float MLCE_LOWEST = -87.0f;

/* What one thread works with. */
typedef struct mlce_tile_scratch {
    float *E, *P; /* [MLCE_TILE_ROWS, longest block] */
    float *cx;    /* [MLCE_TILE_ROWS, types] c x of a tile's rows */
} mlce_tile_scratch;

/* What belongs to a unit while it is worked on. T = types. */
typedef struct mlce_factored_state {
    float *row_top;   /* [length] r_i; -infinity where a row has no pair */
    float *x, *y, *g; /* [length, T]; without terms: x, g [length], y NULL */
    float *h;         /* [groups, length, T] E^T (c x) of each group of tiles */
    float *dk;        /* [groups, length, d], long units only */
    float *block_top; /* [blocks, length] r_i as it was when that block of a tile was finished */
    float *kept;      /* tiles of E, one after the other; NULL: computed again */
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
    mlce_factored_state *states;     /* [threads] for units that are not long */
    mlce_factored_state long_state;  /* for one long unit after the other */
    mlce_streamed_scratch *streamed; /* [threads] */
};

/* Whether tiles of E are kept for the second pass. */
static inline bool mlce_span_keeps_tiles(const mlce_span_unit *unit) {
    return unit->view.length <= MLCE_KEEP_LENGTH;
}

/* Columns of a tile that are worked on at once. */
static inline int mlce_span_block_of(const mlce_span_unit *unit) {
    return unit->view.length < MLCE_COLUMN_BLOCK ? unit->view.length : MLCE_COLUMN_BLOCK;
}

/* ---- factored_types.c: what happens type by type, before and between the passes ---- */

/* Largest u and v and y = e^(v - top_v) of the types first .. first+count-1, count <=
   MLCE_TYPE_BLOCK. */
void mlce_factored_prepare(const mlce_span_unit *unit, mlce_factored_state *s, int first,
                           int count);

/* x and z of the types first .. first+count-1, after all tiles' r and G. */
void mlce_factored_sum(const mlce_span_unit *unit, mlce_factored_state *s, int first, int count);

/* Z_N with what the gold pairs add, the loss, and the coefficients of each type. */
void mlce_factored_finish(mlce_span_unit *unit, mlce_factored_state *s);

/* Gradients of the gold pairs: all types' du and dv, and s->gold_dA. */
void mlce_factored_gold_gradients(const mlce_span_unit *unit, mlce_factored_state *s);

/* Gold spans first .. result-1 are of one pair of tokens. */
int mlce_factored_end_of_pair(const mlce_span_unit *unit, int first);

#endif
