/* private.h - what the files of the span engine share. */
#ifndef MLCE_SPAN_PRIVATE_H
#define MLCE_SPAN_PRIVATE_H

#include "mlce/memory.h"
#include "span/scores.h"

/* A gold pair of tokens (i, j) and one of its types, with the product A_ij of its head. */
typedef struct mlce_gold_pair {
    int i, j, type;
    float product;
    float target; /* t in (0, 1] */
} mlce_gold_pair;

/* The work is cut into units: one sequence with one head and the types that use it. */
typedef struct mlce_span_unit {
    const mlce_span_scores *scores;
    const mlce_loss_options *options;
    int sequence;
    int first_type, types;
    mlce_span_view view;
    const float *u, *v;   /* of the sequence's first token and first type, or NULL */
    size_t step;          /* floats from one token's u to the next one's */
    mlce_gold_pair *gold; /* of these types and within the width, by i, j, type */
    int gold_count;
    float weight; /* 1 / (sequences * types of all heads) */
    bool split;   /* its tiles are shared out among the threads */

    /* Gradients, at the same places as q, k, u, v; NULL where not wanted. */
    float *dq, *dk, *du, *dv;
    double *dthreshold; /* [types], added to; or NULL */
    double loss;
} mlce_span_unit;

/* s_0 of a type of the unit (counted from its first). */
static inline double mlce_span_threshold(const mlce_span_unit *unit, int a) {
    return unit->scores->thresholds ? (double)unit->scores->thresholds[unit->first_type + a] : 0.0;
}

static inline float mlce_span_u(const mlce_span_unit *unit, int i, int a) {
    return unit->u ? unit->u[(size_t)i * unit->step + (size_t)a] : 0.0f;
}

static inline float mlce_span_v(const mlce_span_unit *unit, int j, int a) {
    return unit->v ? unit->v[(size_t)j * unit->step + (size_t)a] : 0.0f;
}

/* The score of a gold pair for a type of the unit. */
static inline double mlce_span_pair_score(const mlce_span_unit *unit, const mlce_gold_pair *pair,
                                          int a) {
    return (double)pair->product + (double)mlce_span_u(unit, pair->i, a) +
           (double)mlce_span_v(unit, pair->j, a) - mlce_span_threshold(unit, a);
}

/* ---- What losses of the sums Z_N and Z_P come to ---- */

/* A type's part of the loss, and dL/ds = e^(s + log_c) on N, -e^(log_d - s) on P; the share 1 - t
   of a gold pair is on N, and t on P. */
typedef struct mlce_span_coefficients {
    double loss, log_c, log_d;
} mlce_span_coefficients;

mlce_span_coefficients mlce_span_coefficients_of(const mlce_span_unit *unit, double log_negatives,
                                                 double log_positives);

/* What the gold pairs of a type of the unit add to the sums: log of sum t e^-s, which is Z_P, and
   of sum (1-t) e^s, a part of Z_N. -infinity for an empty sum. */
typedef struct mlce_gold_sums {
    double log_positives, log_negatives;
} mlce_gold_sums;

mlce_gold_sums mlce_span_gold_sums(const mlce_span_unit *unit, int type);

/* dL/ds of a gold pair of score s. */
double mlce_span_gold_gradient(const mlce_gold_pair *pair, double s, double log_c, double log_d);

/* ---- streamed.c: any loss, type by type through the tiles ---- */

/* Scratch of one thread for sequences of up to `longest` tokens. */
typedef struct mlce_streamed_scratch {
    float *A, *dA;                /* [MLCE_TILE_ROWS, longest] */
    float *row, *u, *v, *du, *dv; /* [longest] */
} mlce_streamed_scratch;

bool mlce_streamed_scratch_new(mlce_arena *arena, int longest, mlce_streamed_scratch *scratch);

/* multilabel_ce, threshold_ce or topk_ce of one type of the unit (counted from its first): added to
   unit->loss; gradients are added. */
void mlce_span_streamed_sums(mlce_span_unit *unit, int type, mlce_streamed_scratch *scratch);

/* binary_ce or focal of all the unit's types, in the same way. */
void mlce_span_streamed_terms(mlce_span_unit *unit, mlce_streamed_scratch *scratch);

/* ---- factored.c: multilabel_ce, threshold_ce and topk_ce, all types of a head at once ---- */

/* Scratch of one thread, and of one unit. */
typedef struct mlce_factored_scratch mlce_factored_scratch;

/* For `threads` threads and the units given; NULL (message set) on failure. */
mlce_factored_scratch *mlce_factored_scratch_new(mlce_arena *arena, const mlce_span_unit *units,
                                                 int count, int threads);

/* The unit's loss, into unit->loss; its gradients are written. A split unit is to be called from
   outside a parallel region, with thread = 0; any other with the calling thread's number. */
void mlce_span_factored(mlce_span_unit *unit, mlce_factored_scratch *scratch, int thread);

/* ---- loss.c ---- */

/* mlce_span_loss() with its scratch memory from `arena`. */
mlce_status mlce_span_loss_in(mlce_arena *arena, const mlce_loss_options *options,
                              const mlce_span_scores *scores, const mlce_span_gold *gold,
                              double *loss, const mlce_span_gradients *gradients);

#endif
