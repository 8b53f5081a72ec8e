/* values.c - the embeddings' figures by column, which columns stand out, and odd rows. */
#include "corpus/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/moments.h"
#include "data/dataset_parts.h"

/* A column's deviation is compared with that of the median column. */
static const double FAR = 100;
/* Of a column whose numbers differ by rounding alone. */
static const double CONSTANT = 1e-7;

typedef struct pass {
    const mlce_dataset *dataset;
    mlce_values *values;
    mlce_moments moments;
    float *min, *max; /* [width] */
    int64_t sequence; /* of the row at hand */
    int64_t end;      /* the token behind that sequence */
} pass;

void mlce_values_free(mlce_values *values) {
    free(values->columns);
    *values = (mlce_values){0};
}

static void add_row(pass *p, const float *x, size_t width) {
    p->values->rows++;
    mlce_moments_add(&p->moments, x);
    for (size_t j = 0; j < width; j++) {
        p->min[j] = x[j] < p->min[j] ? x[j] : p->min[j];
        p->max[j] = x[j] > p->max[j] ? x[j] : p->max[j];
    }
}

static bool is_zero(const float *x, size_t width) {
    float largest = 0;
    for (size_t j = 0; j < width; j++) largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
    return largest == 0;
}

static mlce_status visit(int64_t first, size_t count, const float *rows, void *context) {
    pass *p = context;
    mlce_values *v = p->values;
    size_t width = (size_t)v->width;
    for (size_t i = 0; i < count; i++) {
        const float *x = rows + i * width;
        while (first + (int64_t)i >= p->end)
            p->end += mlce_dataset_length(p->dataset, ++p->sequence);
        if (mlce_find_not_finite(x, width, MLCE_FLOAT32) < width) {
            if (!v->not_finite++) v->bad_sequence = p->sequence;
            continue;
        }
        if (is_zero(x, width) && !v->zeros++) v->zeros_sequence = p->sequence;
        add_row(p, x, width);
    }
    return MLCE_OK;
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void count_column(int64_t *count, int *some, size_t column) {
    if (!(*count)++) *some = (int)column;
}

/* The columns' figures, and which stand out. The room of the means becomes that of the deviations.
 */
static void finish(pass *p) {
    mlce_values *v = p->values;
    size_t width = (size_t)v->width;
    double squares = 0, *sorted = p->moments.mean;
    for (size_t j = 0; j < width; j++) {
        double mean = p->moments.mean[j], variance = mlce_moments_variance(&p->moments, (int)j);
        v->columns[j] = (mlce_value_column){mean, sqrt(variance), p->min[j], p->max[j]};
        squares += variance + mean * mean;
        sorted[j] = v->columns[j].deviation;
    }
    v->rms = sqrt(squares / (double)width);
    qsort(sorted, width, sizeof *sorted, compare_doubles);
    double median = sorted[width / 2];
    for (size_t j = 0; j < width; j++) {
        const mlce_value_column *c = &v->columns[j];
        if (c->deviation <= CONSTANT * fabs(c->mean))
            count_column(&v->constant, &v->some_constant, j);
        else if (c->deviation > FAR * median)
            count_column(&v->huge, &v->some_huge, j);
        else if (c->deviation < median / FAR)
            count_column(&v->tiny, &v->some_tiny, j);
    }
}

mlce_status mlce_values_measure(mlce_dataset *dataset, mlce_values *values) {
    size_t width = (size_t)mlce_dataset_width(dataset);
    mlce_values v = {.width = (int)width,
                     .bad_sequence = -1,
                     .zeros_sequence = -1,
                     .some_constant = -1,
                     .some_huge = -1,
                     .some_tiny = -1};
    pass p = {.dataset = dataset, .values = &v, .sequence = -1};
    p.min = mlce_calloc(width, sizeof *p.min);
    p.max = mlce_calloc(width, sizeof *p.max);
    v.columns = mlce_calloc(width, sizeof *v.columns);
    bool failed = mlce_moments_start(&p.moments, (int)width) || !p.min || !p.max || !v.columns;
    for (size_t j = 0; j < width && !failed; j++) {
        p.min[j] = INFINITY;
        p.max[j] = -INFINITY;
    }
    mlce_status status = failed ? MLCE_E_MEMORY : mlce_rows_visit(dataset, visit, &p);
    if (!status && v.rows) finish(&p);
    mlce_moments_free(&p.moments);
    free(p.min);
    free(p.max);
    if (status) mlce_values_free(&v);
    *values = v;
    return status;
}
