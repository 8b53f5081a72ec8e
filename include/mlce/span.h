/* span.h - scores, loss and decoding of spans from the factors that a GlobalPointer head gives.
 *
 * For type a and tokens i <= j of one sequence
 *
 *   s_a(i, j) = scale * q_h(i) . k_h(j) + u_a(i) + v_a(j) - s0_a
 *
 * with h = 0 where all types share q and k (heads = 1: Su 2022, "Efficient GlobalPointer"), and
 * h = a where each type has its own (heads = types: Su 2021, "GlobalPointer"). A type's array of
 * scores is never stored: work goes through tiles of a sequence's token pairs.
 */
#ifndef MLCE_SPAN_H
#define MLCE_SPAN_H

#include "mlce/batch.h"
#include "mlce/graph.h"
#include "mlce/loss.h"

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
    const float *type_terms; /* [tokens, 2 * types]: u_0 .. u_T-1, then v_0 .. v_T-1; NULL: none */
    const float *thresholds; /* [types]: s_0 of each type, taken off its scores; or NULL */
} mlce_span_scores;

/* Gold spans of a packed batch, as in mlce_batch. Those wider than max_width are left out. */
typedef struct mlce_span_gold {
    const mlce_span *spans;
    const int *offsets;   /* [sequences+1] */
    const float *weights; /* soft targets t of the spans, in (0, 1]; NULL: all 1 */
} mlce_span_gold;

/* The gradients of a loss, of the shapes of qk, type_terms and thresholds; overwritten. What is
   NULL is not wanted. */
typedef struct mlce_span_gradients {
    float *qk, *type_terms, *thresholds;
} mlce_span_gradients;

/* A loss of every sequence and type over its pairs, averaged over sequences and types. With N the
 * pairs that are not gold and P the gold ones:
 *
 *   multilabel_ce  log(1 + sum over N of e^s) + log(1 + sum over P of e^-s)
 *                  (Su 2020; Su et al. 2022, "ZLPR")
 *   threshold_ce   log(e^s0 + sum over N of e^t) + log(e^-s0 + sum over P of e^-t) with t = s + s0,
 *                  which is multilabel_ce of s: the thresholds make the difference
 *   topk_ce        log(1 + sum over N of e^s * sum over P of e^-s)
 *   binary_ce      mean over N and P of log(1 + e^s) on N, w log(1 + e^-s) on P
 *   focal          the same with each term times alpha (1 - p)^gamma on P, (1 - alpha) p^gamma on
 * N, p = 1 / (1 + e^-s) (Lin et al. 2017)
 *
 * A soft target t makes a gold pair's e^-s or term t times as much, and puts the pair, 1 - t times
 * as much, among N too, as in loss.h. *loss gets the average; `gradients` (NULL: none) its
 * derivatives. Scores may be as large as float32 holds: where they could be larger (head_size times
 * the largest q and k, and the terms), or one is NaN, *loss is NaN. MLCE_E_ARGUMENT: softmax_ce,
 * which wants just one positive; a soft target with topk_ce; a target outside (0, 1]; a gold span
 * that is not within its sequence and the types. */
MLCE_API mlce_status mlce_span_loss(const mlce_loss_options *options,
                                    const mlce_span_scores *scores, const mlce_span_gold *gold,
                                    double *loss, const mlce_span_gradients *gradients);

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

/* What is predicted. */
typedef struct mlce_decision {
    const float *thresholds; /* [types]: scores over these; NULL: over 0 */
    int top;                 /* over 0: instead, so many best ones of each type and sequence */
} mlce_decision;

/* Spans of one sequence that mlce_span_decode() keeps at most: 1,024 + 16 a token. */
MLCE_API size_t mlce_span_most(int length);

/* All spans that are to be predicted. Where a sequence has more than mlce_span_most() over the
   threshold, as with an untrained model, the best of them are kept, and the log gets a warning
   once. `list` starts as {0}, is reused from call to call, and is
   freed with mlce_span_list_free(). */
MLCE_API mlce_status mlce_span_decode(const mlce_span_scores *scores, const mlce_decision *decision,
                                      mlce_span_list *list);
MLCE_API void mlce_span_list_free(mlce_span_list *list);

/* Which spans of a sequence may stand together. */
typedef enum mlce_overlap {
    MLCE_OVERLAP_ALL,    /* any */
    MLCE_OVERLAP_NESTED, /* of two that share a token one lies within the other, or both have the
                            same tokens: none cross */
    MLCE_OVERLAP_FLAT    /* no two share a token */
} mlce_overlap;

/* Keeps of each sequence those spans that may stand together and whose scores over the thresholds
   ([types]; NULL: over 0) have the highest sum: found exactly, not greedily, and of equal sums
   always the same set. What does not score over its threshold goes, except with MLCE_OVERLAP_ALL,
   which keeps all. The list must be sorted as mlce_span_decode() leaves it, and stays so. On
   failure it is unchanged. Of n spans in a sequence of L tokens, FLAT takes O(n + L) steps, NESTED
   one for each pair of a start and a span behind it that a span from that start reaches: O(n^2) at
   most, near n where spans are few. */
MLCE_API mlce_status mlce_span_list_resolve(mlce_span_list *list, const float *thresholds,
                                            mlce_overlap overlap);
/* Keeps of each sequence the `most` spans that score the highest over their thresholds; of equal
   ones the first. On failure the list is unchanged. */
MLCE_API mlce_status mlce_span_list_keep_best(mlce_span_list *list, const float *thresholds,
                                              size_t most);

/* What a head gives to the loss and to decoding: the same factors as nodes of a graph. */
typedef struct mlce_span_factors {
    int types, heads, head_size;
    float scale;
    int max_width;
    mlce_node *qk;         /* [tokens, heads * 2 * head_size] */
    mlce_node *type_terms; /* [tokens, 2 * types] or NULL */
    mlce_node *thresholds; /* [1, types] or NULL */
} mlce_span_factors;

/* The factors as plain arrays over the sequences of a batch. */
MLCE_API mlce_span_scores mlce_span_factors_scores(const mlce_span_factors *factors,
                                                   const mlce_batch *batch);

/* mlce_span_loss() as an op  ->  [1, 1] */
MLCE_API mlce_node *mlce_span_loss_op(mlce_graph *g, const mlce_loss_options *options,
                                      const mlce_span_factors *factors, const mlce_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
