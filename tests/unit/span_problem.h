/* span_problem.h - made-up batches for the tests of the span loss and of decoding, and the score of
 * a pair in double precision.
 */
#ifndef SPAN_PROBLEM_H
#define SPAN_PROBLEM_H

#include <math.h>

#include "mlce/random.h"
#include "mlce/span.h"
#include "unit.h"

/* A made-up batch with its factors and gold spans. */
typedef struct problem {
    mlce_span_scores scores;
    mlce_span_gold gold;
    int *offsets, *gold_offsets;
    float *qk, *terms;
    float *weights; /* soft targets, for a test to put into gold */
    mlce_span *spans;
    int tokens;
} problem;

typedef struct plan {
    int sequences, longest, types, heads, head_size, max_width;
    double size;  /* of q and k */
    double shift; /* added to all scores through the terms */
    int gold;     /* spans a sequence; -1: all pairs */
    bool terms;
} plan;

static inline float draw(mlce_random *random, double size) {
    return (float)(size * (2.0 * (double)mlce_random_float(random) - 1.0));
}

static inline int draw_gold(mlce_random *random, const plan *p, int length, mlce_span *spans) {
    int count = 0;
    for (int a = 0; a < p->types; a++)
        for (int i = 0; i < length; i++)
            for (int j = i; j < length; j++)
                if (p->gold < 0 || mlce_random_below(random, (uint64_t)(length * (length + 1) /
                                                                        2)) < (uint64_t)p->gold)
                    spans[count++] = (mlce_span){i, j + 1, a};
    return count;
}

static inline problem make_problem(const plan *p, uint64_t seed) {
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    problem m = {0};
    m.offsets = calloc((size_t)p->sequences + 1, sizeof *m.offsets);
    m.gold_offsets = calloc((size_t)p->sequences + 1, sizeof *m.gold_offsets);
    for (int s = 0; s < p->sequences; s++) {
        int length =
            s == 0 ? p->longest : (int)mlce_random_below(&random, (uint64_t)p->longest + 1);
        m.offsets[s + 1] = m.offsets[s] + length;
    }
    m.tokens = m.offsets[p->sequences];
    size_t width = (size_t)p->heads * 2 * (size_t)p->head_size;
    m.qk = calloc((size_t)m.tokens * width + 1, sizeof *m.qk);
    m.terms = calloc((size_t)m.tokens * 2 * (size_t)p->types + 1, sizeof *m.terms);
    for (size_t i = 0; i < (size_t)m.tokens * width; i++) m.qk[i] = draw(&random, p->size);
    for (size_t i = 0; i < (size_t)m.tokens * 2 * (size_t)p->types; i++)
        m.terms[i] = draw(&random, p->size) + (float)p->shift / 2;
    size_t most = (size_t)p->sequences * (size_t)p->types * (size_t)p->longest * (size_t)p->longest;
    m.spans = calloc(most + 1, sizeof *m.spans);
    m.weights = calloc(most + 1, sizeof *m.weights);
    for (size_t n = 0; n < most; n++) m.weights[n] = n % 3 == 0 ? 1.0f : 0.9f / (float)(n % 7 + 1);
    for (int s = 0; s < p->sequences; s++)
        m.gold_offsets[s + 1] =
            m.gold_offsets[s] +
            draw_gold(&random, p, m.offsets[s + 1] - m.offsets[s], m.spans + m.gold_offsets[s]);
    m.scores = (mlce_span_scores){
        .sequences = p->sequences,
        .offsets = m.offsets,
        .types = p->types,
        .heads = p->heads,
        .head_size = p->head_size,
        .scale = 1.0f / sqrtf((float)p->head_size),
        .max_width = p->max_width,
        .qk = m.qk,
        .type_terms = p->terms ? m.terms : NULL,
    };
    m.gold = (mlce_span_gold){.spans = m.spans, .offsets = m.gold_offsets};
    return m;
}

static inline void free_problem(problem *m) {
    free(m->offsets);
    free(m->gold_offsets);
    free(m->qk);
    free(m->terms);
    free(m->spans);
    free(m->weights);
}

static inline double score_of(const mlce_span_scores *f, int s, int a, int i, int j) {
    size_t d = (size_t)f->head_size, width = (size_t)f->heads * 2 * d;
    size_t h = f->heads == 1 ? 0 : (size_t)a, start = (size_t)f->offsets[s];
    const float *q = f->qk + (start + (size_t)i) * width + h * 2 * d;
    const float *k = f->qk + (start + (size_t)j) * width + h * 2 * d + d;
    double sum = 0;
    for (size_t c = 0; c < d; c++) sum += (double)q[c] * (double)k[c];
    sum *= (double)f->scale;
    if (f->type_terms) {
        const float *terms = f->type_terms + start * 2 * (size_t)f->types;
        sum += (double)terms[(size_t)i * 2 * (size_t)f->types + (size_t)a];
        sum += (double)terms[(size_t)j * 2 * (size_t)f->types + (size_t)(f->types + a)];
    }
    if (f->thresholds) sum -= (double)f->thresholds[a];
    return sum;
}

static inline bool exists(const mlce_span_scores *f, int i, int j) {
    return f->max_width == 0 || j - i < f->max_width;
}

/* What a loop test is run with, one after the other. */
static const plan plans[] = {
    /* sequences longest types heads d width size shift gold terms */
    {3, 9, 2, 1, 4, 0, 1, 0, 2, true},      {3, 9, 3, 3, 4, 0, 1, 0, 2, false},
    {4, 70, 3, 1, 8, 0, 2, -3, 3, true},    {2, 150, 2, 1, 8, 0, 1, 0, 5, true},
    {3, 30, 4, 1, 8, 0, 1, 0, 4, false},    {2, 150, 2, 2, 8, 17, 1, 0, 5, false},
    {3, 40, 2, 1, 8, 1, 1, 0, 20, true},    {3, 70, 2, 1, 8, 65, 1, 0, 40, true},
    {5, 1, 4, 1, 2, 0, 1, 0, 1, true},      {3, 12, 2, 1, 4, 0, 1, 0, -1, true},
    {3, 12, 3, 1, 4, 0, 1, 0, 0, true},     {3, 20, 2, 1, 4, 0, 12, 0, 3, true},
    {3, 20, 2, 1, 4, 0, 1, 80, 3, true},    {3, 20, 2, 1, 4, 0, 1, -80, 3, true},
    {3, 20, 2, 1, 4, 0, 60, 0, 6, true},    {3, 20, 2, 1, 4, 0, 1, 9000, 3, true},
    {2, 20, 2, 1, 4, 0, 1, -9000, 3, true}, {2, 65, 9, 9, 2, 0, 1, 0, 3, false},
    {1, 600, 2, 1, 4, 0, 1, -4, 9, true},   {1, 530, 2, 2, 4, 0, 2, 0, 9, false},
    {1, 1000, 2, 1, 4, 30, 2, -2, 9, true}, {1, 1100, 1, 1, 4, 40, 1, -2, 0, true},
    {1, 1200, 1, 1, 2, 0, 6, -4, 2, true},  {1, 1200, 1, 1, 2, 0, 6, 0, 2, false},
    {2, 64, 50, 1, 2, 0, 1, -1, 1, true},
};

#endif
