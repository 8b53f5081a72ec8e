/* test_span.c - the span loss and decoding beside a plain sum over all pairs in double precision.
 */
#include <math.h>
#include <omp.h>

#include "mlce/random.h"
#include "mlce/span.h"
#include "unit.h"

/* A made-up batch with its factors and gold spans. */
typedef struct problem {
    mlce_span_scores scores;
    mlce_span_gold gold;
    int *offsets, *gold_offsets;
    float *qk, *terms;
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

static float draw(mlce_random *random, double size) {
    return (float)(size * (2.0 * (double)mlce_random_float(random) - 1.0));
}

static int draw_gold(mlce_random *random, const plan *p, int length, mlce_span *spans) {
    int count = 0;
    for (int a = 0; a < p->types; a++)
        for (int i = 0; i < length; i++)
            for (int j = i; j < length; j++)
                if (p->gold < 0 || mlce_random_below(random, (uint64_t)(length * (length + 1) /
                                                                        2)) < (uint64_t)p->gold)
                    spans[count++] = (mlce_span){i, j + 1, a};
    return count;
}

static problem make_problem(const plan *p, uint64_t seed) {
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
    for (int s = 0; s < p->sequences; s++)
        m.gold_offsets[s + 1] =
            m.gold_offsets[s] +
            draw_gold(&random, p, m.offsets[s + 1] - m.offsets[s], m.spans + m.gold_offsets[s]);
    m.scores = (mlce_span_scores){p->sequences, m.offsets,    p->types,
                                  p->heads,     p->head_size, 1.0f / sqrtf((float)p->head_size),
                                  p->max_width, m.qk,         p->terms ? m.terms : NULL};
    m.gold = (mlce_span_gold){m.spans, m.gold_offsets};
    return m;
}

static void free_problem(problem *m) {
    free(m->offsets);
    free(m->gold_offsets);
    free(m->qk);
    free(m->terms);
    free(m->spans);
}

static double score_of(const mlce_span_scores *f, int s, int a, int i, int j) {
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
    return sum;
}

static bool is_gold(const problem *m, int s, int a, int i, int j) {
    for (int n = m->gold_offsets[s]; n < m->gold_offsets[s + 1]; n++)
        if (m->spans[n].type == a && m->spans[n].start == i && m->spans[n].end == j + 1)
            return true;
    return false;
}

static bool exists(const mlce_span_scores *f, int i, int j) {
    return f->max_width == 0 || j - i < f->max_width;
}

/* log(1 + sum of e^x) of the pairs that are (positive) or are not (negative) gold. */
static double plain_log_z(const problem *m, int s, int a, bool positive) {
    const mlce_span_scores *f = &m->scores;
    int length = f->offsets[s + 1] - f->offsets[s];
    double top = 0, sum;
    for (int pass = 0; pass < 2; pass++) {
        sum = exp(-top);
        for (int i = 0; i < length; i++)
            for (int j = i; j < length && exists(f, i, j); j++) {
                if (is_gold(m, s, a, i, j) != positive) continue;
                double x = positive ? -score_of(f, s, a, i, j) : score_of(f, s, a, i, j);
                if (pass == 0)
                    top = fmax(top, x);
                else
                    sum += exp(x - top);
            }
    }
    return top + log(sum);
}

static void add_plain_gradient(const problem *m, int s, int a, int i, int j, double g, double *dqk,
                               double *dterms) {
    const mlce_span_scores *f = &m->scores;
    size_t d = (size_t)f->head_size, width = (size_t)f->heads * 2 * d, T = (size_t)f->types;
    size_t h = f->heads == 1 ? 0 : (size_t)a;
    size_t row_i = (size_t)(f->offsets[s] + i), row_j = (size_t)(f->offsets[s] + j);
    size_t q = row_i * width + h * 2 * d, k = row_j * width + h * 2 * d + d;
    for (size_t c = 0; c < d; c++) {
        dqk[q + c] += g * (double)f->scale * (double)f->qk[k + c];
        dqk[k + c] += g * (double)f->scale * (double)f->qk[q + c];
    }
    dterms[row_i * 2 * T + (size_t)a] += g;
    dterms[row_j * 2 * T + T + (size_t)a] += g;
}

static double plain_loss(const problem *m, double *dqk, double *dterms) {
    const mlce_span_scores *f = &m->scores;
    double loss = 0, weight = 1.0 / ((double)f->sequences * f->types);
    for (int s = 0; s < f->sequences; s++)
        for (int a = 0; a < f->types; a++) {
            double negative = plain_log_z(m, s, a, false), positive = plain_log_z(m, s, a, true);
            loss += weight * (negative + positive);
            int length = f->offsets[s + 1] - f->offsets[s];
            for (int i = 0; i < length; i++)
                for (int j = i; j < length && exists(f, i, j); j++) {
                    double x = score_of(f, s, a, i, j);
                    double g = is_gold(m, s, a, i, j) ? -exp(-x - positive) : exp(x - negative);
                    add_plain_gradient(m, s, a, i, j, weight * g, dqk, dterms);
                }
        }
    return loss;
}

/* largest |a - b| over largest |b| */
static double relative_error(const float *a, const double *b, size_t size) {
    double error = 0, largest = 1e-30;
    for (size_t i = 0; i < size; i++) {
        error = fmax(error, fabs((double)a[i] - b[i]));
        largest = fmax(largest, fabs(b[i]));
    }
    return error / largest;
}

static void check_plan(const plan *p, uint64_t seed) {
    problem m = make_problem(p, seed);
    size_t qk_size = (size_t)m.tokens * (size_t)p->heads * 2 * (size_t)p->head_size;
    size_t term_size = (size_t)m.tokens * 2 * (size_t)p->types;
    float *dqk = calloc(qk_size + 1, sizeof *dqk), *dterms = calloc(term_size + 1, sizeof *dterms);
    double *plain_dqk = calloc(qk_size + 1, sizeof *plain_dqk);
    double *plain_dterms = calloc(term_size + 1, sizeof *plain_dterms);
    double loss, expected = plain_loss(&m, plain_dqk, plain_dterms);
    assert_ok(mlce_span_loss(&m.scores, &m.gold, &loss, dqk, p->terms ? dterms : NULL));
    ck_assert_msg(fabs(loss - expected) <= 1e-5 * fmax(1, fabs(expected)), "loss %.9g, plain %.9g",
                  loss, expected);
    double error = relative_error(dqk, plain_dqk, qk_size);
    ck_assert_msg(error < 1e-4, "dqk differs by %g", error);
    if (p->terms) {
        error = relative_error(dterms, plain_dterms, term_size);
        ck_assert_msg(error < 1e-4, "dtype_terms differ by %g", error);
    }
    double only_loss;
    assert_ok(mlce_span_loss(&m.scores, &m.gold, &only_loss, NULL, NULL));
    ck_assert_double_eq(only_loss, loss);
    free(dqk);
    free(dterms);
    free(plain_dqk);
    free(plain_dterms);
    free_problem(&m);
}

static const plan plans[] = {
    /* sequences longest types heads d width size shift gold terms */
    {3, 9, 2, 1, 4, 0, 1, 0, 2, true},     {3, 9, 3, 3, 4, 0, 1, 0, 2, false},
    {4, 70, 3, 1, 8, 0, 2, -3, 3, true},   {2, 150, 2, 1, 8, 0, 1, 0, 5, true},
    {2, 150, 2, 2, 8, 17, 1, 0, 5, false}, {3, 40, 2, 1, 8, 1, 1, 0, 20, true},
    {3, 70, 2, 1, 8, 65, 1, 0, 40, true},  {5, 1, 4, 1, 2, 0, 1, 0, 1, true},
    {3, 12, 2, 1, 4, 0, 1, 0, -1, true},   {3, 12, 3, 1, 4, 0, 1, 0, 0, true},
    {3, 20, 2, 1, 4, 0, 12, 0, 3, true},   {3, 20, 2, 1, 4, 0, 1, 80, 3, true},
    {3, 20, 2, 1, 4, 0, 1, -80, 3, true},  {3, 20, 2, 1, 4, 0, 60, 0, 6, true},
    {3, 20, 2, 1, 4, 0, 1, 9000, 3, true}, {2, 20, 2, 1, 4, 0, 1, -9000, 3, true},
    {2, 65, 9, 9, 2, 0, 1, 0, 3, false},   {2, 64, 50, 1, 2, 0, 1, -1, 1, true},
};

START_TEST(loss_and_gradients_agree_with_a_plain_double_sum) {
    for (uint64_t seed = 0; seed < 4; seed++) check_plan(&plans[_i], seed);
}
END_TEST

START_TEST(decoding_finds_just_the_scores_over_the_threshold) {
    const plan *p = &plans[_i];
    problem m = make_problem(p, 5);
    mlce_span_list list = {0};
    for (int round = 0; round < 2; round++) assert_ok(mlce_span_decode(&m.scores, 0.25f, &list));
    size_t n = 0;
    for (int s = 0; s < p->sequences; s++) {
        ck_assert_uint_eq(list.offsets[s], n);
        int length = m.offsets[s + 1] - m.offsets[s];
        for (int i = 0; i < length; i++)
            for (int j = i; j < length && exists(&m.scores, i, j); j++)
                for (int a = 0; a < p->types; a++) {
                    double x = score_of(&m.scores, s, a, i, j), close = 1e-5 * fmax(1, fabs(x));
                    const mlce_scored_span *found = n < list.count ? &list.items[n] : NULL;
                    bool is_next = found && found->span.start == i && found->span.end == j + 1 &&
                                   found->span.type == a && n < list.offsets[s + 1];
                    if (fabs(x - 0.25) > close) ck_assert_int_eq(is_next, x > 0.25);
                    if (!is_next) continue;
                    ck_assert_double_eq_tol((double)found->score, x, close);
                    n++;
                }
    }
    ck_assert_uint_eq(n, list.count);
    ck_assert_uint_eq(list.offsets[p->sequences], list.count);
    mlce_span_list_free(&list);
    free_problem(&m);
}
END_TEST

START_TEST(span_gradients_have_the_same_bits_for_any_number_of_threads) {
    problem m = make_problem(&plans[3], 1);
    size_t size = (size_t)m.tokens * 2 * 8;
    float *first = calloc(size, sizeof *first), *dqk = calloc(size, sizeof *dqk);
    double loss, first_loss;
    omp_set_num_threads(1);
    assert_ok(mlce_span_loss(&m.scores, &m.gold, &first_loss, first, NULL));
    for (int threads = 2; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        assert_ok(mlce_span_loss(&m.scores, &m.gold, &loss, dqk, NULL));
        ck_assert_mem_eq(&loss, &first_loss, sizeof loss);
        ck_assert_mem_eq(dqk, first, size * sizeof *first);
    }
    free(first);
    free(dqk);
    free_problem(&m);
}
END_TEST

START_TEST(factors_of_an_impossible_shape_are_refused) {
    problem m = make_problem(&plans[0], 1);
    double loss;
    m.scores.heads = 5;
    assert_fails(mlce_span_loss(&m.scores, &m.gold, &loss, NULL, NULL), MLCE_E_ARGUMENT, "5 heads");
    mlce_span_list list = {0};
    assert_fails(mlce_span_decode(&m.scores, 0, &list), MLCE_E_ARGUMENT, "5 heads");
    free_problem(&m);
}
END_TEST

static void add_tests(TCase *cases) {
    int count = (int)(sizeof plans / sizeof plans[0]);
    tcase_add_loop_test(cases, loss_and_gradients_agree_with_a_plain_double_sum, 0, count);
    tcase_add_loop_test(cases, decoding_finds_just_the_scores_over_the_threshold, 0, count);
    tcase_add_test(cases, span_gradients_have_the_same_bits_for_any_number_of_threads);
    tcase_add_test(cases, factors_of_an_impossible_shape_are_refused);
}

int main(void) {
    return run_suite("span", add_tests);
}
