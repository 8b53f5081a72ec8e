/* test_span.c - the span loss beside a plain sum over all pairs in double precision. */
#include <omp.h>

#include "span_problem.h"

/* 0 for a pair that is not gold */
static double target_of(const problem *m, int s, int a, int i, int j) {
    for (int n = m->gold_offsets[s]; n < m->gold_offsets[s + 1]; n++)
        if (m->spans[n].type == a && m->spans[n].start == i && m->spans[n].end == j + 1)
            return m->gold.weights ? (double)m->gold.weights[n] : 1;
    return 0;
}

/* log(sum of t e^-s), or (negative) of (1-t) e^s. */
static double plain_log_z(const problem *m, int s, int a, bool positive) {
    const mlce_span_scores *f = &m->scores;
    int length = f->offsets[s + 1] - f->offsets[s];
    double top = -INFINITY, sum = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < length; i++)
            for (int j = i; j < length && exists(f, i, j); j++) {
                double t = target_of(m, s, a, i, j), share = positive ? t : 1 - t;
                if (share == 0) continue;
                double x = positive ? -score_of(f, s, a, i, j) : score_of(f, s, a, i, j);
                if (pass == 0)
                    top = fmax(top, x);
                else
                    sum += share * exp(x - top);
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

/* The loss and dL/ds of every pair of one sequence and type, by the formulas of span.h. */
typedef struct plain {
    mlce_loss_options options;
    double log_negative, log_positive; /* log Z_N, log Z_P */
    double pairs;
} plain;

static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* p^gamma log(1 + e^x) and its derivative, p = 1 / (1 + e^-x) */
static double focal_term(double x, double gamma, double *derivative) {
    double p = 1 / (1 + exp(-x)), q = 1 / (1 + exp(x));
    double power = gamma > 0 ? exp(-gamma * softplus(-x)) : 1;
    *derivative = power * (gamma * q * softplus(x) + p);
    return power * softplus(x);
}

static double pair_gradient(const plain *p, double s, bool gold, double *term) {
    const mlce_loss_options *o = &p->options;
    double derivative, weight;
    *term = 0;
    switch (o->kind) {
    case MLCE_LOSS_BINARY_CE:
    case MLCE_LOSS_FOCAL:
        weight = o->kind == MLCE_LOSS_FOCAL ? (double)(gold ? o->alpha : 1 - o->alpha)
                                            : (double)(gold ? o->positive_weight : 1.0f);
        *term = weight * focal_term(gold ? -s : s,
                                    o->kind == MLCE_LOSS_FOCAL ? (double)o->gamma : 0, &derivative);
        *term /= p->pairs;
        return weight * (gold ? -derivative : derivative) / p->pairs;
    case MLCE_LOSS_TOPK_CE: {
        double both = softplus(p->log_negative + p->log_positive);
        return gold ? -exp(p->log_negative - s - both) : exp(p->log_positive + s - both);
    }
    default:
        return gold ? -exp(-s - softplus(p->log_positive)) : exp(s - softplus(p->log_negative));
    }
}

/* The scores' thresholds' gradients go into dthresholds. */
static double plain_loss(const problem *m, const mlce_loss_options *options, double *dqk,
                         double *dterms, double *dthresholds) {
    const mlce_span_scores *f = &m->scores;
    double loss = 0, weight = 1.0 / ((double)f->sequences * f->types);
    for (int s = 0; s < f->sequences; s++)
        for (int a = 0; a < f->types; a++) {
            int length = f->offsets[s + 1] - f->offsets[s];
            plain p = {*options, plain_log_z(m, s, a, false), plain_log_z(m, s, a, true), 0};
            for (int i = 0; i < length; i++)
                for (int j = i; j < length && exists(f, i, j); j++) p.pairs++;
            if (options->kind == MLCE_LOSS_TOPK_CE)
                loss += weight * softplus(p.log_negative + p.log_positive);
            else if (options->kind != MLCE_LOSS_BINARY_CE && options->kind != MLCE_LOSS_FOCAL)
                loss += weight * (softplus(p.log_negative) + softplus(p.log_positive));
            for (int i = 0; i < length; i++)
                for (int j = i; j < length && exists(f, i, j); j++) {
                    double score = score_of(f, s, a, i, j), t = target_of(m, s, a, i, j), g = 0;
                    for (int gold = 0; gold < 2; gold++) {
                        double share = gold ? t : 1 - t, term;
                        if (share == 0) continue;
                        g += share * pair_gradient(&p, score, gold, &term);
                        loss += weight * share * term;
                    }
                    add_plain_gradient(m, s, a, i, j, weight * g, dqk, dterms);
                    dthresholds[a] -= weight * g;
                }
        }
    return loss;
}

/* largest |a - b| over largest |b| */
static double relative_error(const float *a, const double *b, size_t size) {
    double error = 0, largest = 1e-9; /* less is what rounding leaves of 1 - 1 */
    for (size_t i = 0; i < size; i++) {
        error = fmax(error, fabs((double)a[i] - b[i]));
        largest = fmax(largest, fabs(b[i]));
    }
    return error / largest;
}

static void check_plan(const plan *p, const mlce_loss_options *options, uint64_t seed, bool soft) {
    problem m = make_problem(p, seed);
    if (soft) m.gold.weights = m.weights;
    size_t qk_size = (size_t)m.tokens * (size_t)p->heads * 2 * (size_t)p->head_size;
    size_t term_size = (size_t)m.tokens * 2 * (size_t)p->types, types = (size_t)p->types;
    float thresholds[64], dthresholds[64];
    for (int a = 0; a < p->types; a++) thresholds[a] = 0.3f * (float)(a % 5) - 0.5f;
    if (options->kind == MLCE_LOSS_THRESHOLD_CE) m.scores.thresholds = thresholds;
    float *dqk = calloc(qk_size + 1, sizeof *dqk), *dterms = calloc(term_size + 1, sizeof *dterms);
    double *plain_dqk = calloc(qk_size + 1, sizeof *plain_dqk), plain_dthresholds[64] = {0};
    double *plain_dterms = calloc(term_size + 1, sizeof *plain_dterms);
    mlce_span_gradients gradients = {dqk, p->terms ? dterms : NULL, dthresholds};
    double loss, error;
    double expected = plain_loss(&m, options, plain_dqk, plain_dterms, plain_dthresholds);
    assert_ok(mlce_span_loss(options, &m.scores, &m.gold, &loss, &gradients));
    ck_assert_msg(fabs(loss - expected) <= 1e-5 * fmax(1, fabs(expected)), "loss %.9g, plain %.9g",
                  loss, expected);
    error = relative_error(dqk, plain_dqk, qk_size);
    ck_assert_msg(error < 1e-4, "dqk differs by %g", error);
    error = p->terms ? relative_error(dterms, plain_dterms, term_size) : 0;
    ck_assert_msg(error < 1e-4, "dtype_terms differ by %g", error);
    if (m.scores.thresholds) {
        error = relative_error(dthresholds, plain_dthresholds, types);
        ck_assert_msg(error < 1e-4, "dthresholds differ by %g", error);
    }
    double only_loss;
    assert_ok(mlce_span_loss(options, &m.scores, &m.gold, &only_loss, NULL));
    ck_assert_double_eq(only_loss, loss);
    free(dqk);
    free(dterms);
    free(plain_dqk);
    free(plain_dterms);
    free_problem(&m);
}

START_TEST(loss_and_gradients_agree_with_a_plain_double_sum) {
    static const mlce_loss_options options[] = {
        {.kind = MLCE_LOSS_MULTILABEL_CE},
        {.kind = MLCE_LOSS_THRESHOLD_CE},
        {.kind = MLCE_LOSS_TOPK_CE},
        {.kind = MLCE_LOSS_BINARY_CE, .positive_weight = 3},
        {.kind = MLCE_LOSS_FOCAL, .alpha = 0.25f, .gamma = 2},
    };
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            bool soft = seed == 2 && options[o].kind != MLCE_LOSS_TOPK_CE;
            check_plan(&plans[_i], &options[o], seed, soft);
        }
}
END_TEST

/* The largest u stands behind the largest v, so that no pair comes near the shift that they make:
   what is left of the shifted sums is not to be trusted, and must not be. */
START_TEST(terms_whose_largest_never_meet_are_summed_exactly) {
    static const mlce_loss_options options = {.kind = MLCE_LOSS_MULTILABEL_CE};
    plan p = {2, _i ? 560 : 40, 3, 1, 4, 0, 1, 0, 3, true};
    problem m = make_problem(&p, 8);
    size_t qk_size = (size_t)m.tokens * 8, term_size = (size_t)m.tokens * 6;
    for (int s = 0; s < p.sequences; s++)
        for (int i = m.offsets[s]; i < m.offsets[s + 1]; i++)
            for (int a = 0; a < 2; a++) { /* the third type stays as it is */
                m.terms[i * 6 + a] += i + 1 == m.offsets[s + 1] ? 90 : -60;
                m.terms[i * 6 + 3 + a] += i == m.offsets[s] ? 90 : -60;
            }
    float *dqk = calloc(qk_size, sizeof *dqk), *dterms = calloc(term_size, sizeof *dterms);
    double *plain_dqk = calloc(qk_size, sizeof *plain_dqk), unused[3] = {0};
    double *plain_dterms = calloc(term_size, sizeof *plain_dterms);
    mlce_span_gradients gradients = {.qk = dqk, .type_terms = dterms};
    double loss, expected = plain_loss(&m, &options, plain_dqk, plain_dterms, unused);
    assert_ok(mlce_span_loss(&options, &m.scores, &m.gold, &loss, &gradients));
    ck_assert_double_eq_tol(loss, expected, 1e-5 * fmax(1, expected));
    ck_assert_double_lt(relative_error(dqk, plain_dqk, qk_size), 1e-4);
    ck_assert_double_lt(relative_error(dterms, plain_dterms, term_size), 1e-4);
    free(dqk);
    free(dterms);
    free(plain_dqk);
    free(plain_dterms);
    free_problem(&m);
}
END_TEST

START_TEST(span_gradients_have_the_same_bits_for_any_number_of_threads) {
    const plan *p = &plans[_i];
    problem m = make_problem(p, 1);
    mlce_loss_options options = {.kind = MLCE_LOSS_MULTILABEL_CE};
    size_t size = (size_t)m.tokens * 2 * (size_t)p->heads * (size_t)p->head_size;
    float *first = calloc(size, sizeof *first), *dqk = calloc(size, sizeof *dqk);
    double loss, first_loss;
    omp_set_num_threads(1);
    mlce_span_gradients gradients = {.qk = first};
    assert_ok(mlce_span_loss(&options, &m.scores, &m.gold, &first_loss, &gradients));
    gradients.qk = dqk;
    for (int threads = 2; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        assert_ok(mlce_span_loss(&options, &m.scores, &m.gold, &loss, &gradients));
        ck_assert_mem_eq(&loss, &first_loss, sizeof loss);
        ck_assert_mem_eq(dqk, first, size * sizeof *first);
    }
    free(first);
    free(dqk);
    free_problem(&m);
}
END_TEST

START_TEST(targets_outside_their_range_are_refused) {
    problem m = make_problem(&plans[0], 1);
    double loss;
    mlce_loss_options options = {.kind = MLCE_LOSS_TOPK_CE};
    m.gold.weights = m.weights;
    assert_fails(mlce_span_loss(&options, &m.scores, &m.gold, &loss, NULL), MLCE_E_ARGUMENT,
                 "topk_ce: the weight of gold span 1 is 0.45, must be 1");
    options.kind = MLCE_LOSS_MULTILABEL_CE;
    m.weights[1] = 1.5f;
    assert_fails(mlce_span_loss(&options, &m.scores, &m.gold, &loss, NULL), MLCE_E_ARGUMENT,
                 "gold span 1 is 1.5, must be over 0");
    free_problem(&m);
}
END_TEST

/* Of two tokens with heads of size 1, where no pair is gold: a maximum passes over NaN. */
static void assert_not_finite(mlce_loss_kind kind, int heads, const float *qk, const float *terms) {
    mlce_span_scores scores = {.sequences = 1,
                               .types = heads,
                               .heads = heads,
                               .head_size = 1,
                               .scale = 1,
                               .offsets = (const int[]){0, 2},
                               .qk = qk,
                               .type_terms = terms};
    mlce_span_gold none = {.offsets = (const int[]){0, 0}};
    mlce_loss_options options = {.kind = kind, .positive_weight = 1};
    double loss;
    assert_ok(mlce_span_loss(&options, &scores, &none, &loss, NULL));
    ck_assert(!isfinite(loss));
}

START_TEST(scores_that_are_not_finite_give_no_finite_loss) {
    static const float huge[][2] = {{1e30f, -1e30f}, {NAN, 1}, {INFINITY, 0}};
    float qk[] = {1, 2, 3, 4}, terms[] = {1, 2, 3, 4};
    memcpy(_i < 3 ? qk : terms, huge[_i < 3 ? _i : _i - 2], sizeof huge[0]);
    assert_not_finite(MLCE_LOSS_MULTILABEL_CE, 1, qk, terms);
    assert_not_finite(MLCE_LOSS_BINARY_CE, 1, qk, terms);
}
END_TEST

START_TEST(one_head_that_is_not_finite_is_enough) {
    const float qk[] = {NAN, 1, 1, 1, NAN, 1, 1, 1}; /* of 2 tokens, 2 heads: q, k */
    assert_not_finite(MLCE_LOSS_MULTILABEL_CE, 2, qk, NULL);
}
END_TEST

START_TEST(gold_outside_the_scores_is_refused_by_name) {
    problem m = make_problem(&plans[0], 1);
    int length = m.scores.offsets[1], types = m.scores.types;
    const mlce_span wrong[] = {
        {-1, 1, 0}, {0, length + 1, 0}, {1, 1, 0}, {0, 1, types}, {0, 1, -1}};
    mlce_loss_options options = {.kind = MLCE_LOSS_MULTILABEL_CE};
    double loss;
    m.scores.sequences = 1;
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        mlce_span spans[] = {{0, 1, 0}, wrong[n]};
        mlce_span_gold gold = {.spans = spans, .offsets = (const int[]){0, 2}};
        assert_fails(mlce_span_loss(&options, &m.scores, &gold, &loss, NULL), MLCE_E_ARGUMENT,
                     "sequence 0, gold span 1");
    }
    mlce_span_gold falling = {.offsets = (const int[]){1, 0}};
    assert_fails(mlce_span_loss(&options, &m.scores, &falling, &loss, NULL), MLCE_E_ARGUMENT,
                 "sequence 0 ends before");
    free_problem(&m);
}
END_TEST

START_TEST(factors_of_an_impossible_shape_are_refused) {
    problem m = make_problem(&plans[0], 1);
    double loss;
    m.scores.heads = 5;
    mlce_loss_options options = {.kind = MLCE_LOSS_MULTILABEL_CE};
    assert_fails(mlce_span_loss(&options, &m.scores, &m.gold, &loss, NULL), MLCE_E_ARGUMENT,
                 "5 heads");
    mlce_span_list list = {0};
    mlce_decision decision = {0};
    assert_fails(mlce_span_decode(&m.scores, &decision, &list), MLCE_E_ARGUMENT, "5 heads");
    options.kind = MLCE_LOSS_SOFTMAX_CE;
    m.scores.heads = 2, m.scores.types = 2;
    assert_fails(mlce_span_loss(&options, &m.scores, &m.gold, &loss, NULL), MLCE_E_ARGUMENT,
                 "softmax_ce");
    free_problem(&m);
}
END_TEST

static void add_tests(TCase *cases) {
    int count = (int)(sizeof plans / sizeof plans[0]);
    tcase_add_loop_test(cases, loss_and_gradients_agree_with_a_plain_double_sum, 0, count);
    tcase_add_loop_test(cases, terms_whose_largest_never_meet_are_summed_exactly, 0, 2);
    tcase_add_loop_test(cases, span_gradients_have_the_same_bits_for_any_number_of_threads, 0,
                        count);
    tcase_add_test(cases, targets_outside_their_range_are_refused);
    tcase_add_loop_test(cases, scores_that_are_not_finite_give_no_finite_loss, 0, 5);
    tcase_add_test(cases, one_head_that_is_not_finite_is_enough);
    tcase_add_test(cases, gold_outside_the_scores_is_refused_by_name);
    tcase_add_test(cases, factors_of_an_impossible_shape_are_refused);
}

int main(void) {
    return run_suite("span", add_tests);
}
