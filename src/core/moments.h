/* moments.h - the mean and the deviation of each column of rows that come one after the other. */
#ifndef MLCE_CORE_MOMENTS_H
#define MLCE_CORE_MOMENTS_H

#include "mlce/status.h"

/* Of the rows so far: how many, their mean, and the sum of squared distances from it. */
typedef struct mlce_moments {
    int width;
    double count, *mean, *squares; /* [width] */
} mlce_moments;

/* Freed with mlce_moments_free(), also after an error. */
mlce_status mlce_moments_start(mlce_moments *m, int width);
void mlce_moments_free(mlce_moments *m);

void mlce_moments_add(mlce_moments *m, const float *row);

/* Over at least one row; the deviation is its root. */
double mlce_moments_variance(const mlce_moments *m, int column);

#endif
