/* test_span_decode.c - decoding beside the scores of all pairs in double precision. */
#include "span_problem.h"

/* Thresholds lift some types and lower others; a model that predicts too much is another test's. */
START_TEST(decoding_finds_just_the_scores_over_the_threshold) {
    const plan *p = &plans[_i];
    if (p->shift > 0 || (p->longest > 200 && p->longest != 1100) || p->types > 9) return;
    problem m = make_problem(p, 5);
    float learned[64], thresholds[64], over = 1.5f * (float)p->size;
    for (int a = 0; a < p->types; a++) learned[a] = 0.2f * (float)(a % 3), thresholds[a] = over;
    m.scores.thresholds = learned;
    mlce_decision decision = {.thresholds = thresholds};
    mlce_span_list list = {0};
    for (int round = 0; round < 2; round++)
        assert_ok(mlce_span_decode(&m.scores, &decision, &list));
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
                    if (fabs(x - (double)over) > close) ck_assert_int_eq(is_next, x > (double)over);
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

START_TEST(a_model_that_predicts_everything_keeps_its_best_spans) {
    plan p = {1, 120, 3, 1, 4, 0, 1, 9, 0, true};
    problem m = make_problem(&p, 5);
    mlce_decision decision = {0};
    mlce_span_list list = {0};
    assert_ok(mlce_span_decode(&m.scores, &decision, &list));
    ck_assert_uint_eq(list.count, mlce_span_most(120));
    double lowest = INFINITY, better = 0;
    for (size_t n = 0; n < list.count; n++) lowest = fmin(lowest, (double)list.items[n].score);
    for (int a = 0; a < 3; a++)
        for (int i = 0; i < 120; i++)
            for (int j = i; j < 120; j++) better += score_of(&m.scores, 0, a, i, j) > lowest + 1e-4;
    ck_assert_double_le(better, (double)list.count);
    mlce_span_list_free(&list);
    free_problem(&m);
}
END_TEST

START_TEST(the_best_k_of_each_type_are_found_whatever_their_scores) {
    const plan *p = &plans[_i];
    if (p->longest > 200) return;
    enum { K = 3 };
    problem m = make_problem(p, 6);
    mlce_decision decision = {.top = K};
    mlce_span_list list = {0};
    assert_ok(mlce_span_decode(&m.scores, &decision, &list));
    for (int s = 0; s < p->sequences; s++)
        for (int a = 0; a < p->types; a++) {
            int length = m.offsets[s + 1] - m.offsets[s], found = 0, pairs = 0;
            double lowest = INFINITY, better = 0;
            for (size_t n = list.offsets[s]; n < list.offsets[s + 1]; n++) {
                if (list.items[n].span.type != a) continue;
                lowest = fmin(lowest, (double)list.items[n].score);
                found++;
            }
            for (int i = 0; i < length; i++)
                for (int j = i; j < length && exists(&m.scores, i, j); j++, pairs++) {
                    double x = score_of(&m.scores, s, a, i, j);
                    better += x > lowest + 1e-5 * fmax(1, fabs(x));
                }
            ck_assert_int_eq(found, pairs < K ? pairs : K);
            ck_assert_double_lt(better, K);
        }
    mlce_span_list_free(&list);
    free_problem(&m);
}
END_TEST

static void add_tests(TCase *cases) {
    int count = (int)(sizeof plans / sizeof plans[0]);
    tcase_add_loop_test(cases, decoding_finds_just_the_scores_over_the_threshold, 0, count);
    tcase_add_test(cases, a_model_that_predicts_everything_keeps_its_best_spans);
    tcase_add_loop_test(cases, the_best_k_of_each_type_are_found_whatever_their_scores, 0, count);
}

int main(void) {
    return run_suite("span_decode", add_tests);
}
