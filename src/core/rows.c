/* rows.c - what attention and the span losses do to rows of scores. */
#include "core/rows.h"

#include "core/vector.h"

MLCE_KERNEL static float largest(const float *row, int count) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int j = 0; j < count; j++) top = row[j] > top ? row[j] : top;
    return top;
}

MLCE_KERNEL static float exponentials(float *row, float shift, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < count; j++) {
        float x = row[j] - shift;
        float e = expf(x > MLCE_LOWEST ? x : MLCE_LOWEST);
        row[j] = x > MLCE_LOWEST ? e : 0.0f;
        sum += row[j];
    }
    return sum;
}

MLCE_KERNEL static void multiply(float *row, float factor, int count) {
    for (int j = 0; j < count; j++) row[j] *= factor;
}

/* GCC exports a function of several clones whatever its visibility: the clones are static. */

float mlce_row_top(const float *row, int count) {
    return largest(row, count);
}

float mlce_row_exp(float *row, float shift, int count) {
    return exponentials(row, shift, count);
}

void mlce_row_scale(float *row, float factor, int count) {
    multiply(row, factor, count);
}
