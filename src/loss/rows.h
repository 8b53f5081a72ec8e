/* rows.h - how a row of scores is gone through, for all losses.
 *
 * A row is cut into at most MLCE_LOSS_PARTS parts, which threads may share, and a part into blocks
 * that stay in the nearest cache while several loops go over them. Both depend on the number of
 * classes alone, so results do not depend on the number of threads.
 */
#ifndef MLCE_LOSS_ROWS_H
#define MLCE_LOSS_ROWS_H

#include <math.h>
#include <stdbool.h>

#include "loss/log_sum.h"
#include "mlce/loss.h"

enum {
    MLCE_LOSS_BLOCK = 1024,
    MLCE_LOSS_PARTS = 64,
    MLCE_LOSS_PART_BLOCKS = 4, /* at least */
    MLCE_LOSS_SINGLES = 16     /* more listed positives in a block are scattered into an array */
};

typedef struct mlce_loss_row {
    const mlce_loss_options *options;
    int classes;
    const float *scores;
    float *grad;               /* or NULL */
    float threshold;           /* 0 where the loss has none */
    const unsigned char *mask; /* or NULL */
    const float *dense;        /* targets; or, where NULL, */
    const int *positives;      /* their classes and */
    const float *weights;      /* or NULL */
    int positive_count;
} mlce_loss_row;

/* What a part gives to its row. */
typedef struct mlce_loss_part {
    mlce_log_sum negatives, positives; /* of (1-t) e^s and of t e^-s */
    float shift;                       /* grad holds e^(s - shift) after the first pass */
    double sum;                        /* of terms, where the loss is a sum of terms */
    bool bad;                          /* a score is NaN or +inf */
} mlce_loss_part;

/* Scores and targets of some classes. */
typedef struct mlce_loss_block {
    int first, count;
    const float *s; /* [count]; -inf for what is left out, and for listed positives */
    const float *t; /* [count] targets; NULL where all are 0 */
    int begin, end; /* positives of the row's list that are to be added one by one */
    float s_copy[MLCE_LOSS_BLOCK], t_copy[MLCE_LOSS_BLOCK];
} mlce_loss_block;

void mlce_loss_block_view(const mlce_loss_row *row, int first, int count, mlce_loss_block *block);
/* The same, but finds only begin, end and whether t would be given. */
bool mlce_loss_block_is_dense(const mlce_loss_row *row, int first, int count, int *begin, int *end);

static inline bool mlce_loss_left_out(const mlce_loss_row *row, int i) {
    return (row->mask && row->mask[i]) || row->scores[i] == -INFINITY;
}

static inline double mlce_loss_weight(const mlce_loss_row *row, int positive) {
    return row->weights ? (double)row->weights[positive] : 1.0;
}

/* softmax_ce to multilabel_ce: sums of exponentials. The first pass leaves e^(s - shift) in grad,
   the second scales it. A side's gradient is factor * e^(x - top), x = s or -s. */
typedef struct mlce_loss_side {
    double top, factor;
} mlce_loss_side;

typedef struct mlce_loss_sides {
    mlce_loss_side negative, positive;
    double loss, threshold_grad;
} mlce_loss_sides;

void mlce_exponentials_add(const mlce_loss_row *row, int first, int end, mlce_loss_part *part);
mlce_loss_sides mlce_exponentials_solve(const mlce_loss_row *row, const mlce_loss_part *all);
void mlce_exponentials_grad(const mlce_loss_row *row, int first, int end,
                            const mlce_loss_part *part, const mlce_loss_sides *sides);

/* binary_ce and focal: sums of terms, one a class. One pass does it all. */
void mlce_terms_add(const mlce_loss_row *row, int first, int end, mlce_loss_part *part);

/* Targets and options against the rules in mlce/loss.h. */
mlce_status mlce_loss_check(const mlce_loss_options *options, int rows, int classes,
                            const mlce_loss_targets *targets);

#endif
