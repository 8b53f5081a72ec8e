/* standardise.h - embeddings brought to mean 0 and deviation 1, column by column. */
#ifndef MLCE_MODEL_STANDARDISE_H
#define MLCE_MODEL_STANDARDISE_H

#include "mlce/dataset.h"
#include "mlce/graph.h"

/* y = (x - mean) * scale, with numbers that belong to the model but are not trained: "input.mean"
   and "input.scale" [1, width], at first 0 and 1. */
typedef struct mlce_standardise {
    mlce_parameter *mean, *scale;
} mlce_standardise;

/* Declares them; false (message set) on failure. */
bool mlce_standardise_add(mlce_parameters *parameters, int width, mlce_standardise *s);

/* Sets them for the columns of the dataset, the first ones of the rows; the others stay. */
mlce_status mlce_standardise_fit(const mlce_standardise *s, mlce_dataset *dataset);

/* The rows, standardised, in the graph's memory; NULL (recorded) on failure. */
float *mlce_standardise_rows(mlce_graph *graph, const mlce_standardise *s, const float *rows,
                             int count);

#endif
