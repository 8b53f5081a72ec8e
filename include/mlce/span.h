/* span.h - scores, loss and decoding of spans from the factors that a GlobalPointer head gives.
 *
 * For type a and tokens i <= j of one sequence
 *
 *   s_a(i, j) = scale * q_h(i) . k_h(j) + u_a(i) + v_a(j)
 *
 * with h = 0 where all types share q and k (heads = 1: Su 2022, "Efficient GlobalPointer"), and
 * h = a where each type has its own (heads = types: Su 2021, "GlobalPointer"). A type's array of
 * scores is never stored: work goes through tiles of a sequence's token pairs.
 */
#ifndef MLCE_SPAN_H
#define MLCE_SPAN_H

#include "mlce/batch.h"
#include "mlce/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_span_scores {
    int sequences;
    const int *offsets; /* [sequences+1] into the rows of qk and type_terms */
    int types, heads, head_size;
    float scale;
    int max_width;           /* pairs with j - i >= max_width do not exist; 0 = no limit */
    const float *qk;         /* [tokens, heads * 2 * head_size]: for each head q, then k */
    const float *type_terms; /* [tokens, 2 * types]: u_0 .. u_T-1, then v_0 .. v_T-1; or NULL */
} mlce_span_scores;

/* Gold spans of a packed batch, as in mlce_batch. Those wider than max_width are left out. */
typedef struct mlce_span_gold {
    const mlce_span *spans;
    const int *offsets; /* [sequences+1] */
} mlce_span_gold;

/* The multi-label cross-entropy (Su 2020; Su et al. 2022, "ZLPR") of every sequence and type
 * over its pairs, averaged over sequences and types:
 *
 *   L = mean of  log(1 + sum over pairs that are not gold of e^s) + log(1 + sum over gold of e^-s)
 *
 * *loss gets L; dqk and dtype_terms (of the shapes of qk and type_terms) get dL/d.. where not
 * NULL. Scores may be as large as float32 holds. */
MLCE_API mlce_status mlce_span_loss(const mlce_span_scores *scores, const mlce_span_gold *gold,
                                    double *loss, float *dqk, float *dtype_terms);

/* A span with its score. */
typedef struct mlce_scored_span {
    mlce_span span;
    float score;
} mlce_scored_span;

/* Spans of a packed batch by sequence, each sequence's sorted by start, end, type. */
typedef struct mlce_span_list {
    mlce_scored_span *items;
    size_t count, capacity;
    size_t *offsets; /* [sequences+1] into items */
    size_t sequences, offsets_capacity;
} mlce_span_list;

/* All spans that score over `threshold`. `list` starts as {0}, is reused from call to call, and is
   freed with mlce_span_list_free(). */
MLCE_API mlce_status mlce_span_decode(const mlce_span_scores *scores, float threshold,
                                      mlce_span_list *list);
MLCE_API void mlce_span_list_free(mlce_span_list *list);

/* What a head gives to the loss and to decoding: the same factors as nodes of a graph. */
typedef struct mlce_span_factors {
    int types, heads, head_size;
    float scale;
    int max_width;
    mlce_node *qk;         /* [tokens, heads * 2 * head_size] */
    mlce_node *type_terms; /* [tokens, 2 * types] or NULL */
} mlce_span_factors;

/* The factors as plain arrays over the sequences of a batch. */
MLCE_API mlce_span_scores mlce_span_factors_scores(const mlce_span_factors *factors,
                                                   const mlce_batch *batch);

/* mlce_span_loss() as an op  ->  [1, 1] */
MLCE_API mlce_node *mlce_span_loss_op(mlce_graph *g, const mlce_span_factors *factors,
                                      const mlce_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
