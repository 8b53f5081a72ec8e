/* Decision thresholds: the best of a sweep is the best that there is. */
#include <math.h>

#include "mlce/random.h"
#include "train/cuts.h"
#include "unit.h"

enum { MOST = 40 };
static const float LOW = -9;

/* Scores on a few levels, some right. */
static size_t make(mlce_random *random, mlce_candidate items[MOST], int64_t *gold) {
    size_t count = mlce_random_below(random, MOST);
    uint64_t levels = 1 + mlce_random_below(random, 30);
    *gold = (int64_t)mlce_random_below(random, 4);
    for (size_t i = 0; i < count; i++) {
        items[i] = (mlce_candidate){.score = (float)mlce_random_below(random, levels) / 3 - 4,
                                    .right = mlce_random_below(random, 3) == 0};
        *gold += items[i].right;
    }
    mlce_candidates_sort(items, count, false);
    return count;
}

static mlce_cut plain_cut(const mlce_candidate *items, size_t count, float threshold, int64_t gold,
                          double beta) {
    mlce_counts counts = {.gold = gold};
    for (size_t i = 0; i < count; i++) {
        counts.predicted += items[i].score > threshold;
        counts.correct += items[i].score > threshold && items[i].right;
    }
    return mlce_cut_of(threshold, counts, beta);
}

START_TEST(no_threshold_is_better_than_the_best) {
    mlce_random random = mlce_random_new(3, MLCE_STREAM_DATA);
    for (int round = 0; round < 3000; round++) {
        mlce_candidate items[MOST];
        int64_t gold, correct;
        size_t count = make(&random, items, &gold);
        double beta = (double[]){0.5, 1, 2}[round % 3];
        mlce_cut best = mlce_cuts_best(items, count, gold, LOW, beta, &correct), plain;
        for (size_t i = 0; i <= count; i++) {
            float threshold = i < count ? items[i].score : LOW;
            plain = plain_cut(items, count, threshold, gold, beta);
            ck_assert_double_le(plain.f, best.f);
        }
        if (!best.counts.correct) continue;
        plain = plain_cut(items, count, best.threshold, gold, beta);
        ck_assert_double_eq(plain.f, best.f); /* the threshold does what it says */
        ck_assert_int_eq(plain.counts.predicted, best.counts.predicted);
    }
}
END_TEST

START_TEST(f_beta_is_that_of_precision_and_recall) {
    mlce_cut cut = mlce_cut_of(0, (mlce_counts){.correct = 3, .predicted = 4, .gold = 10}, 2);
    double p = 3.0 / 4, r = 3.0 / 10;
    ck_assert_double_eq_tol(cut.f, 5 * p * r / (4 * p + r), 1e-15);
    ck_assert_double_eq(mlce_cut_of(0, (mlce_counts){0}, 1).f, 0);
}
END_TEST

START_TEST(a_threshold_fits_between_neighbouring_floats) {
    float above = nextafterf(0.3f, 1);
    mlce_candidate items[] = {{above, 0, true}, {0.3f, 0, false}};
    int64_t correct;
    mlce_cut best = mlce_cuts_best(items, 2, 1, LOW, 1, &correct);
    ck_assert_double_eq(best.f, 1);
    ck_assert_float_eq(best.threshold, 0.3f); /* what scores over it: the first alone */
}
END_TEST

/* When the search stops, no further candidate below can raise F, right or not. */
START_TEST(what_is_settled_stays_the_best_with_more_below) {
    mlce_random random = mlce_random_new(5, MLCE_STREAM_DATA);
    int settled = 0;
    for (int round = 0; round < 5000; round++) {
        mlce_candidate items[MOST];
        int64_t gold, correct, all;
        size_t count = make(&random, items, &gold), shown = mlce_random_below(&random, count + 1);
        while (shown > 0 && shown < count && items[shown].score == items[shown - 1].score) shown++;
        mlce_cut best = mlce_cuts_best(items, shown, gold, LOW, 1, &correct);
        if (!mlce_cuts_are_settled(best.f, shown, correct, gold, 1)) continue;
        settled += shown < count;
        ck_assert_double_le(mlce_cuts_best(items, count, gold, LOW, 1, &all).f, best.f);
    }
    ck_assert_int_gt(settled, 100);
}
END_TEST

START_TEST(rows_around_the_best_hold_it_and_fall) {
    mlce_random random = mlce_random_new(9, MLCE_STREAM_DATA);
    for (int round = 0; round < 500; round++) {
        mlce_candidate items[MOST];
        mlce_cut rows[MLCE_CUT_ROWS];
        int64_t gold, correct;
        size_t count = make(&random, items, &gold);
        mlce_cut best = mlce_cuts_best(items, count, gold, LOW, 1, &correct);
        if (!best.counts.correct) continue;
        int made = mlce_cuts_around(items, count, gold, LOW, 1, &best, rows), found = 0;
        for (int n = 0; n < made; n++) {
            found += rows[n].counts.predicted == best.counts.predicted;
            ck_assert(n == 0 || rows[n].threshold < rows[n - 1].threshold);
            ck_assert_double_eq(rows[n].f, plain_cut(items, count, rows[n].threshold, gold, 1).f);
        }
        ck_assert_int_eq(found, 1);
    }
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, no_threshold_is_better_than_the_best);
    tcase_add_test(cases, f_beta_is_that_of_precision_and_recall);
    tcase_add_test(cases, a_threshold_fits_between_neighbouring_floats);
    tcase_add_test(cases, what_is_settled_stays_the_best_with_more_below);
    tcase_add_test(cases, rows_around_the_best_hold_it_and_fall);
}

int main(void) {
    return run_suite("cuts", add);
}
