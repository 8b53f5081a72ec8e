/* threshold.h - the decision thresholds that suit a dataset best. */
#ifndef MLCE_TRAIN_THRESHOLD_H
#define MLCE_TRAIN_THRESHOLD_H

#include "mlce/model.h"
#include "train/cuts.h"

typedef struct mlce_thresholds {
    double beta;
    mlce_cut in_use; /* with the model's own thresholds; its member threshold means nothing */
    mlce_cut best;   /* one threshold for all types */
    int row_count;
    mlce_cut rows[MLCE_CUT_ROWS]; /* around the best */
    mlce_cut *types;              /* [types] each with its own */
    mlce_cut each;                /* all types together, each with its own */
} mlce_thresholds;

/* Predicts the dataset, which mlce_model_accepts() must have accepted, and finds the thresholds
   with the highest F, exactly: first with a low threshold, and with lower ones until no threshold
   below can be better; or, where a sequence then has more spans than decoding keeps, down to where
   all are known. A type without gold, or none of whose predictions is right, gets the best for all.
   The model's own thresholds are as before at the end. Free with mlce_thresholds_free().
 */
mlce_status mlce_thresholds_find(mlce_model *model, mlce_dataset *dataset, double beta,
                                 mlce_thresholds *found);
void mlce_thresholds_free(mlce_thresholds *found);

#endif
