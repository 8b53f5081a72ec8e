/* cuts.h - a decision threshold moved over scored predictions.
 *
 * With a threshold t what scores over t is predicted. Between two neighbouring scores all t give
 * the same figures, so there are as many cuts as different scores, and each is tried.
 *
 *   F = (1 + beta^2) P R / (beta^2 P + R) = (1 + beta^2) correct / (predicted + beta^2 gold)
 *
 * beta over 1 favours recall, under 1 precision (van Rijsbergen 1979).
 */
#ifndef MLCE_TRAIN_CUTS_H
#define MLCE_TRAIN_CUTS_H

#include "mlce/metrics.h"

typedef struct mlce_candidate {
    float score;
    int type;
    bool right; /* it is gold */
} mlce_candidate;

/* What a threshold gives. */
typedef struct mlce_cut {
    float threshold;
    mlce_counts counts;
    double precision, recall, f;
} mlce_cut;

mlce_cut mlce_cut_of(float threshold, mlce_counts counts, double beta);

/* By type, then by falling score; or by falling score alone. */
void mlce_candidates_sort(mlce_candidate *items, size_t count, bool by_type);

/* The cut behind items[i], whose score is the last of those equal to it; items are sorted, and are
   all that score over `low`. `correct` of items[0..i] are right. */
mlce_cut mlce_cut_behind(const mlce_candidate *items, size_t count, size_t i, int64_t correct,
                         int64_t gold, float low, double beta);

/* The cut with the highest F over sorted items, with the highest threshold of equal ones. With no
   item right its F is 0, and its threshold means nothing. *correct gets how many items are right.
 */
mlce_cut mlce_cuts_best(const mlce_candidate *items, size_t count, int64_t gold, float low,
                        double beta, int64_t *correct);

/* Cuts around the best one, by falling threshold, of the numbers of predictions that lie at some
   shares of its: the best itself among them. Returns how many, MLCE_CUT_ROWS at most. */
enum { MLCE_CUT_ROWS = 11 };
int mlce_cuts_around(const mlce_candidate *items, size_t count, int64_t gold, float low,
                     double beta, const mlce_cut *best, mlce_cut rows[MLCE_CUT_ROWS]);

/* Whether no cut below these `count` items, of which `correct` are right, can have a higher F than
   `best`: since F <= (1 + beta^2) gold / (count + beta^2 gold) there. */
bool mlce_cuts_are_settled(double best, size_t count, int64_t correct, int64_t gold, double beta);

#endif
