/* align.h - which prediction is which gold span's: what kind of error each one is.
 *
 * A gold span and an equal prediction are a pair first of all. Of the others, pairs of a gold span
 * and a prediction that share tokens are chosen such that the sum over all pairs of
 *
 *   tokens shared / tokens covered by either      (intersection over union)
 *
 * is the largest that any choice gives, each span in one pair at most; of equal ones that with more
 * pairs of one type. (Taking equal spans first loses nothing of that sum: 1 - intersection over
 * union is a metric.) A greedy choice, as nervaluate's, lets an outer span take the partner of one
 * that is nested in it. The kinds are nervaluate's:
 *
 *   missed              gold without a pair
 *   spurious            predicted without a pair
 *   wrong type          a pair with the same boundaries
 *   wrong boundary      a pair with the same type
 *   wrong both          a pair with neither
 *
 * Labels of an item have no place: where just one is missed and just one spurious they are a pair
 * of wrong type; else all stay without.
 */
#ifndef MLCE_REPORT_ALIGN_H
#define MLCE_REPORT_ALIGN_H

#include "mlce/span.h"

typedef enum mlce_pair_kind {
    MLCE_PAIR_MISSED,
    MLCE_PAIR_SPURIOUS,
    MLCE_PAIR_WRONG_TYPE,
    MLCE_PAIR_WRONG_BOUNDARY,
    MLCE_PAIR_WRONG_BOTH,
    MLCE_PAIR_CORRECT,
    MLCE_PAIR_KINDS
} mlce_pair_kind;
enum { MLCE_ERROR_KINDS = MLCE_PAIR_CORRECT };

/* Places in the two lists; -1 where there is none. */
typedef struct mlce_pair {
    int gold, predicted;
    mlce_pair_kind kind;
} mlce_pair;

/* {0} at first; what it holds is of the last call. */
typedef struct mlce_alignment {
    mlce_pair *pairs;
    size_t count, capacity;
    bool crowded; /* so many spans overlap that the best choice was not looked for among them: those
                     count as missed and spurious */
} mlce_alignment;

/* Neither list holds a span twice, nor need it be sorted. */
mlce_status mlce_align(mlce_task task, const mlce_span *gold, int gold_count,
                       const mlce_scored_span *predicted, size_t predicted_count,
                       mlce_alignment *alignment);
void mlce_alignment_free(mlce_alignment *alignment);

/* What a pair is worth: 2 * floor(2^20 * intersection / union), and 1 more for the same type; 0
   where no token is shared. */
int64_t mlce_pair_worth(mlce_span gold, mlce_span predicted);

#endif
