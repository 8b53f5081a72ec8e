/* Calibration: the fit is the best there is, and says so where there is none. */
#include <math.h>

#include "mlce/random.h"
#include "train/calibration.h"
#include "unit.h"

enum { MANY = 20000 };

/* Scores of which 1 / (1 + e^-(slope s + intercept)) are right. */
static mlce_candidate *draw(size_t count, double slope, double intercept, double size) {
    mlce_random random = mlce_random_new(7, MLCE_STREAM_DATA);
    mlce_candidate *items = calloc(count, sizeof *items);
    ck_assert_ptr_nonnull(items);
    for (size_t n = 0; n < count; n++) {
        double s = (double)mlce_random_below(&random, 80001) / 10000 - 4;
        double p = 1 / (1 + exp(-(slope * s + intercept)));
        bool right = (double)mlce_random_below(&random, 1000000) / 1e6 < p;
        items[n] = (mlce_candidate){.score = (float)(s * size), .right = right};
    }
    return items;
}

START_TEST(what_the_data_was_drawn_by_is_found) {
    mlce_candidate *items = draw(MANY, 0.7, -0.5, 1);
    mlce_calibration c;
    assert_ok(mlce_calibration_fit(items, MANY, &c));
    ck_assert_double_eq_tol((double)c.slope, 0.7, 0.03);
    ck_assert_double_eq_tol((double)c.intercept, -0.5, 0.05);
    mlce_reliability plain = mlce_reliability_of(items, MANY, (mlce_calibration){1, 0});
    mlce_reliability fitted = mlce_reliability_of(items, MANY, c);
    ck_assert_double_gt(plain.error, 0.05);
    ck_assert_double_lt(fitted.error, 0.02);
    ck_assert_double_lt(fitted.log_loss, plain.log_loss);
    free(items);
}
END_TEST

/* Of the loss with Platt's targets. */
static double loss_of(const mlce_candidate *items, size_t count, double a, double b) {
    double right = 0, loss = 0;
    for (size_t n = 0; n < count; n++) right += items[n].right;
    for (size_t n = 0; n < count; n++) {
        double t = items[n].right ? (right + 1) / (right + 2) : 1 / ((double)count - right + 2);
        double p = 1 / (1 + exp(-(a * (double)items[n].score + b)));
        loss -= t * log(p) + (1 - t) * log(1 - p);
    }
    return loss;
}

START_TEST(no_numbers_beside_the_fitted_ones_have_a_lower_loss) {
    mlce_candidate *items = draw(40, 1, 0, 1);
    mlce_calibration c;
    assert_ok(mlce_calibration_fit(items, 40, &c));
    double best = loss_of(items, 40, (double)c.slope, (double)c.intercept);
    for (int n = 0; n < 8; n++) {
        double angle = n * acos(-1) / 4;
        ck_assert_double_gt(loss_of(items, 40, (double)c.slope + 1e-3 * cos(angle),
                                    (double)c.intercept + 1e-3 * sin(angle)),
                            best);
    }
    free(items);
}
END_TEST

START_TEST(the_size_of_scores_does_not_matter) {
    mlce_candidate *items = draw(500, 1, 0.5, 1), *large = draw(500, 1, 0.5, 1e9);
    mlce_calibration c, of_large;
    assert_ok(mlce_calibration_fit(items, 500, &c));
    assert_ok(mlce_calibration_fit(large, 500, &of_large));
    ck_assert_double_eq_tol((double)of_large.slope * 1e9, (double)c.slope, 1e-4);
    ck_assert_double_eq_tol((double)of_large.intercept, (double)c.intercept, 1e-4);
    free(items);
    free(large);
}
END_TEST

START_TEST(scores_that_part_right_from_wrong_stay_finite) {
    mlce_candidate items[] = {{3, 0, true}, {2, 0, true}, {-2, 0, false}, {-3, 0, false}};
    mlce_calibration c;
    assert_ok(mlce_calibration_fit(items, 4, &c));
    ck_assert(isfinite(c.slope) && c.slope > 0 && c.slope < 10);
    ck_assert_double_gt(mlce_probability(c, 3), 0.7);
    ck_assert_double_lt(mlce_probability(c, 3), 1);
}
END_TEST

START_TEST(what_says_nothing_is_refused) {
    mlce_candidate right[] = {{3, 0, true}, {2, 0, true}};
    mlce_candidate turned[] = {{3, 0, false}, {2, 0, false}, {1, 0, true}, {0, 0, true}};
    mlce_candidate level[] = {{3, 0, false}, {3, 0, true}};
    mlce_calibration c;
    assert_fails(mlce_calibration_fit(right, 2, &c), MLCE_E_DATA, "every one is right");
    assert_fails(mlce_calibration_fit(right, 0, &c), MLCE_E_DATA, "none is right");
    assert_fails(mlce_calibration_fit(turned, 4, &c), MLCE_E_DATA, "not right more often");
    assert_fails(mlce_calibration_fit(level, 2, &c), MLCE_E_DATA, "not right more often");
}
END_TEST

START_TEST(the_error_is_the_mean_distance_of_the_bins) {
    /* probabilities 0.5 (one of two is right) and 0.95 (one of two is right) */
    float high = (float)log(0.95 / 0.05);
    mlce_candidate items[] = {{0, 0, true}, {0, 0, false}, {high, 0, true}, {high, 0, false}};
    mlce_reliability r = mlce_reliability_of(items, 4, (mlce_calibration){1, 0});
    ck_assert_double_eq_tol(r.error, 0.5 * 0 + 0.5 * 0.45, 1e-6);
    ck_assert_double_eq_tol(r.log_loss, (2 * log(2) - log(0.95) - log(0.05)) / 4, 1e-6);
    ck_assert_int_eq(r.bins[5].count, 2);
    ck_assert_int_eq(r.bins[9].right, 1);
    r = mlce_reliability_of(items, 0, (mlce_calibration){1, 0});
    ck_assert_double_eq(r.error + r.log_loss, 0);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, what_the_data_was_drawn_by_is_found);
    tcase_add_test(cases, no_numbers_beside_the_fitted_ones_have_a_lower_loss);
    tcase_add_test(cases, the_size_of_scores_does_not_matter);
    tcase_add_test(cases, scores_that_part_right_from_wrong_stay_finite);
    tcase_add_test(cases, what_says_nothing_is_refused);
    tcase_add_test(cases, the_error_is_the_mean_distance_of_the_bins);
}

int main(void) {
    return run_suite("calibration", add_tests);
}
