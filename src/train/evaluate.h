/* evaluate.h - what evaluation takes for right. */
#ifndef MLCE_TRAIN_EVALUATE_H
#define MLCE_TRAIN_EVALUATE_H

#include "mlce/train.h"

/* The gold of a sequence or item: all of its spans; of labels with weights, those of 0.5 and over,
   which are the ones whose best score is over the threshold. {0} at first; free(kept) at the end.
 */
typedef struct mlce_gold {
    const mlce_span *spans;
    int count;
    mlce_span *kept;
    size_t capacity;
} mlce_gold;

mlce_status mlce_gold_of(const mlce_dataset *dataset, int64_t sequence, mlce_gold *gold);

/* Whether there is gold to evaluate against; else fails with what to do. */
mlce_status mlce_check_has_gold(const mlce_dataset *dataset);

/* mlce_evaluate() that ends with MLCE_E_STOPPED where options->stop asks for it. */
mlce_status mlce_evaluate_until(mlce_model *model, mlce_dataset *dataset, mlce_metrics *metrics,
                                double *loss, const mlce_train_options *options);

#endif
