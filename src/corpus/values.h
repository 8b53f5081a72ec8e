/* values.h - what the numbers of the embeddings look like. */
#ifndef MLCE_CORPUS_VALUES_H
#define MLCE_CORPUS_VALUES_H

#include "mlce/dataset.h"

typedef struct mlce_value_column {
    double mean, deviation; /* over all rows that are finite */
    float min, max;
} mlce_value_column;

/* {0} is empty. Free with mlce_values_free(). */
typedef struct mlce_values {
    int width;
    int64_t rows;               /* that are finite: those that the columns are of */
    mlce_value_column *columns; /* [width] */
    int64_t not_finite;         /* rows with NaN or infinity */
    int64_t bad_sequence;       /* the first of their sequences, or -1 */
    int64_t zeros;              /* rows of zeros alone */
    int64_t zeros_sequence;
    double rms; /* root of the mean square of all numbers */

    /* Columns that differ from the others: constant; deviations of over 100 times, or under a
       hundredth of the median column's. `some` is the first of each, or -1. */
    int64_t constant, huge, tiny;
    int some_constant, some_huge, some_tiny;
} mlce_values;

/* Reads all rows block by block; the memory is that of a block and a few numbers a column. */
mlce_status mlce_values_measure(mlce_dataset *dataset, mlce_values *values);
void mlce_values_free(mlce_values *values);

#endif
