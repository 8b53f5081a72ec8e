/* candidates.h - what a model scores over low thresholds, and whether it is right. */
#ifndef MLCE_TRAIN_CANDIDATES_H
#define MLCE_TRAIN_CANDIDATES_H

#include "train/cuts.h"
#include "train/evaluate.h"

/* {0} at first; reused from call to call. */
typedef struct mlce_candidates {
    mlce_candidate *items;
    size_t count, capacity;
    int64_t *gold; /* [types] */
    int64_t all_gold;
    /* Decoding keeps the best spans of a sequence. Where that left some out, what scores over this
       is complete; else -INFINITY. */
    float floor;
    mlce_gold sequence_gold;
} mlce_candidates;

/* All that scores over low[types]. The model's own thresholds are as before at the end. */
mlce_status mlce_candidates_collect(mlce_model *model, mlce_dataset *dataset, const float *low,
                                    mlce_candidates *candidates);
void mlce_candidates_free(mlce_candidates *candidates);

#endif
