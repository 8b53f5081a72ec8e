/* bench.h - what the measuring programs share. Time is omp_get_wtime(), in seconds. */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlce/memory.h"
#include "mlce/random.h"
#include "mlce/status.h"

/* Ends the program with the last error of the library. */
static inline void bench_fail(void) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, mlce_last_error());
    exit(1);
}

/* Zeroed; freed by the caller. */
static inline void *bench_allocate(size_t count, size_t size) {
    void *memory = mlce_calloc(count, size);
    if (!memory) bench_fail();
    return memory;
}

/* The same numbers each time, evenly from -size to size; freed by the caller. */
static inline float *bench_random_floats(size_t count, float size) {
    mlce_random random = mlce_random_new(1, MLCE_STREAM_DATA);
    float *values = bench_allocate(count, sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = size * (2 * mlce_random_float(&random) - 1);
    return values;
}

static inline int bench_by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double bench_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, bench_by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

#endif
