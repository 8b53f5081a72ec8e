/* find_threshold.h - `mlce-eval --find-threshold`. */
#ifndef MLCE_TOOLS_FIND_THRESHOLD_H
#define MLCE_TOOLS_FIND_THRESHOLD_H

#include <stdbool.h>

#include "mlce/model.h"

typedef struct mlce_find_options {
    double beta;
    bool json, store, per_type; /* per_type: what is stored */
} mlce_find_options;

/* Finds the thresholds, prints them, and with `store` puts them into the model's file. */
mlce_status mlce_find_threshold(const char *run, mlce_model *model, mlce_dataset *dataset,
                                const mlce_find_options *options);

#endif
