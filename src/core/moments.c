/* moments.c - Welford's update (1962, "Note on a Method for Calculating Corrected Sums of Squares
 * and Products"), which loses no digits where the mean is large beside the deviation:
 *
 *   d = x - mean,  mean += d / n,  squares += d (x - mean),  variance = squares / n
 */
#include "core/moments.h"

#include <stdlib.h>

#include "mlce/memory.h"

mlce_status mlce_moments_start(mlce_moments *m, int width) {
    *m = (mlce_moments){.width = width, .mean = mlce_calloc(2 * (size_t)width, sizeof *m->mean)};
    if (!m->mean) return MLCE_E_MEMORY;
    m->squares = m->mean + width;
    return MLCE_OK;
}

void mlce_moments_free(mlce_moments *m) {
    free(m->mean);
    *m = (mlce_moments){0};
}

void mlce_moments_add(mlce_moments *m, const float *row) {
    m->count++;
    for (int j = 0; j < m->width; j++) {
        double d = (double)row[j] - m->mean[j];
        m->mean[j] += d / m->count;
        m->squares[j] += d * ((double)row[j] - m->mean[j]);
    }
}

double mlce_moments_variance(const mlce_moments *m, int column) {
    return m->squares[column] / m->count;
}
