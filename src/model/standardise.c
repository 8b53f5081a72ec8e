/* standardise.c - embeddings brought to mean 0 and deviation 1, column by column. */
#include "model/standardise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/moments.h"
#include "core/vector.h"

/* So many tokens, of sequences spread over the data, say enough: beyond them large data would be
   read for nothing. */
enum { ENOUGH_TOKENS = 1 << 18 };

bool mlce_standardise_add(mlce_parameters *parameters, int width, mlce_standardise *s) {
    s->mean = mlce_parameters_add(parameters, "input.mean", 1, width, MLCE_INIT_ZERO, 0);
    s->scale = mlce_parameters_add(parameters, "input.scale", 1, width, MLCE_INIT_ONE, 0);
    if (!s->mean || !s->scale) return false;
    s->mean->fixed = s->scale->fixed = true;
    return true;
}

/* Every step-th sequence. */
static mlce_status add_sequences(mlce_moments *m, mlce_dataset *dataset, int64_t step) {
    size_t width = (size_t)m->width;
    float *rows = NULL;
    size_t capacity = 0;
    mlce_status status = MLCE_OK;
    for (int64_t s = 0; s < mlce_dataset_sequences(dataset) && !status; s += step) {
        size_t length = (size_t)mlce_dataset_length(dataset, s);
        status = mlce_grow((void **)&rows, &capacity, length * width, sizeof *rows);
        if (!status) status = mlce_dataset_read(dataset, s, rows);
        for (size_t i = 0; i < length && !status; i++) mlce_moments_add(m, rows + i * width);
    }
    free(rows);
    return status;
}

mlce_status mlce_standardise_fit(const mlce_standardise *s, mlce_dataset *dataset) {
    int64_t step = mlce_dataset_tokens(dataset) / ENOUGH_TOKENS + 1;
    mlce_moments m;
    mlce_status status = mlce_moments_start(&m, mlce_dataset_width(dataset));
    if (!status) status = add_sequences(&m, dataset, step);
    for (int c = 0; c < m.width && !status && m.count > 0; c++) {
        double deviation = sqrt(mlce_moments_variance(&m, c));
        s->mean->value[c] = (float)m.mean[c];
        s->scale->value[c] = deviation > 1e-6 ? (float)(1 / deviation) : 1.0f;
    }
    mlce_moments_free(&m);
    return status;
}

MLCE_KERNEL static void standardise(float *to, const float *x, const float *mean,
                                    const float *scale, int count) {
    for (int c = 0; c < count; c++) to[c] = (x[c] - mean[c]) * scale[c];
}

float *mlce_standardise_rows(mlce_graph *graph, const mlce_standardise *s, const float *rows,
                             int count) {
    int width = s->mean->cols;
    float *to =
        mlce_arena_alloc(mlce_graph_arena(graph), (size_t)count * (size_t)width, sizeof *to);
    if (!to) {
        mlce_graph_fail(graph, MLCE_E_MEMORY);
        return NULL;
    }
#pragma omp parallel for if ((double)count * width > MLCE_PARALLEL_SIZE) schedule(static)
    for (int i = 0; i < count; i++) {
        size_t at = (size_t)i * (size_t)width;
        standardise(to + at, rows + at, s->mean->value, s->scale->value, width);
    }
    return to;
}
