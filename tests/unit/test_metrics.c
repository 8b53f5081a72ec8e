/* Exact-span precision, recall and F1: figures worked out by hand. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "mlce/metrics.h"
#include "unit.h"

static mlce_scored_span scored(int start, int end, int type) {
    return (mlce_scored_span){.span = {start, end, type}, .score = 1};
}

/* Type 0: 2 of 3 predicted are right, of 4 gold. Type 1: 1 of 2, of 1. Type 2: nowhere. Type 3:
   predicted once, never gold. */
static void fill(mlce_metrics *metrics) {
    const mlce_span gold[] = {{4, 5, 0}, {0, 2, 0}, {0, 2, 1}, {7, 9, 0}};
    const mlce_scored_span predicted[] = {scored(0, 2, 1), scored(7, 9, 0), scored(0, 2, 0),
                                          scored(4, 6, 0), scored(4, 5, 1)};
    const mlce_span more_gold[] = {{0, 1, 0}};
    const mlce_scored_span more[] = {scored(1, 2, 3)};
    assert_ok(mlce_metrics_init(metrics, MLCE_TASK_SPANS, 4));
    assert_ok(mlce_metrics_add(metrics, gold, 4, predicted, 5, NULL));
    assert_ok(mlce_metrics_add(metrics, more_gold, 1, more, 1, NULL));
    assert_ok(mlce_metrics_add(metrics, NULL, 0, NULL, 0, NULL));
}

static void assert_score(mlce_score score, double precision, double recall, double f1,
                         int support) {
    ck_assert_double_eq_tol(score.precision, precision, 1e-15);
    ck_assert_double_eq_tol(score.recall, recall, 1e-15);
    ck_assert_double_eq_tol(score.f1, f1, 1e-15);
    ck_assert_int_eq(score.support, support);
}

START_TEST(each_type_has_its_own_figures) {
    mlce_metrics metrics;
    fill(&metrics);
    assert_score(mlce_score_of(metrics.counts[0]), 2.0 / 3, 2.0 / 4, 4.0 / 7, 4);
    assert_score(mlce_score_of(metrics.counts[1]), 1.0 / 2, 1, 2.0 / 3, 1);
    assert_score(mlce_score_of(metrics.counts[2]), 0, 0, 0, 0);
    assert_score(mlce_score_of(metrics.counts[3]), 0, 0, 0, 0);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(micro_sums_the_counts) {
    mlce_metrics metrics;
    fill(&metrics);
    assert_score(mlce_metrics_micro(&metrics), 3.0 / 6, 3.0 / 5, 6.0 / 11, 5);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(macro_is_the_mean_over_types_that_occur) {
    mlce_metrics metrics;
    fill(&metrics);
    assert_score(mlce_metrics_macro(&metrics), (2.0 / 3 + 1.0 / 2) / 3, (1.0 / 2 + 1) / 3,
                 (4.0 / 7 + 2.0 / 3) / 3, 5);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(a_span_counts_only_in_its_own_sequence) {
    mlce_metrics metrics;
    const mlce_span gold[] = {{0, 1, 0}};
    const mlce_scored_span predicted[] = {scored(0, 1, 0)};
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, 1));
    assert_ok(mlce_metrics_add(&metrics, gold, 1, NULL, 0, NULL));
    assert_ok(mlce_metrics_add(&metrics, NULL, 0, predicted, 1, NULL));
    assert_score(mlce_metrics_micro(&metrics), 0, 0, 0, 1);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(start_end_and_type_must_all_agree) {
    mlce_metrics metrics;
    const mlce_span gold[] = {{1, 3, 0}};
    const mlce_scored_span predicted[] = {scored(0, 3, 0), scored(1, 4, 0), scored(1, 3, 1)};
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, 2));
    assert_ok(mlce_metrics_add(&metrics, gold, 1, predicted, 3, NULL));
    assert_score(mlce_metrics_micro(&metrics), 0, 0, 0, 1);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(nothing_at_all_is_zero_and_the_table_says_so) {
    mlce_metrics metrics;
    const char *const names[] = {"person"};
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, 1));
    assert_score(mlce_metrics_micro(&metrics), 0, 0, 0, 0);
    assert_score(mlce_metrics_macro(&metrics), 0, 0, 0, 0);
    char *table = mlce_metrics_table(&metrics, names);
    ck_assert_ptr_nonnull(strstr(table, "no spans in gold or prediction"));
    free(table);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(a_type_out_of_range_is_refused_and_counts_nothing) {
    mlce_metrics metrics;
    const mlce_span gold[] = {{0, 1, 0}, {0, 1, 2}};
    const mlce_span negative[] = {{0, 1, -1}};
    const mlce_scored_span predicted[] = {scored(0, 1, 7)};
    assert_fails(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, 0), MLCE_E_ARGUMENT, "0 types");
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_SPANS, 2));
    assert_fails(mlce_metrics_add(&metrics, gold, 2, NULL, 0, NULL), MLCE_E_ARGUMENT, "type 2");
    assert_fails(mlce_metrics_add(&metrics, negative, 1, NULL, 0, NULL), MLCE_E_ARGUMENT,
                 "type -1");
    assert_fails(mlce_metrics_add(&metrics, NULL, 0, predicted, 1, NULL), MLCE_E_ARGUMENT,
                 "type 7");
    ck_assert_int_eq(metrics.counts[0].gold, 0);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(the_table_is_aligned_for_wide_and_combining_characters) {
    mlce_metrics metrics;
    const char *const names[] = {"a-name-of-20-columns", "Straße", "人名",
                                 "e\xcc\x81t\n\xff\u202e"};
    fill(&metrics);
    char *table = mlce_metrics_table(&metrics, names);
    ck_assert_str_eq(table,
                     "type                  precision  recall      f1  support\n"
                     "a-name-of-20-columns     0.6667  0.5000  0.5714        4\n"
                     "Straße                   0.5000  1.0000  0.6667        1\n"
                     "人名                     0.0000  0.0000  0.0000        0\n"
                     "e\xcc\x81t???                    0.0000  0.0000  0.0000        0\n"
                     "\n"
                     "micro average            0.5000  0.6000  0.5455        5\n"
                     "macro average            0.3889  0.5000  0.4127        5\n");
    free(table);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(json_gives_the_same_doubles_again) {
    mlce_metrics metrics;
    const char *const names[] = {"PER", "Straße", "C", "D"};
    fill(&metrics);
    char *text = mlce_metrics_json(&metrics, names);
    ck_assert_ptr_nonnull(text);
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    mlce_score micro = mlce_metrics_micro(&metrics), macro = mlce_metrics_macro(&metrics);
    json_t *read = json_object_get(root, "micro");
    ck_assert_double_eq(json_real_value(json_object_get(read, "precision")), micro.precision);
    ck_assert_double_eq(json_real_value(json_object_get(read, "recall")), micro.recall);
    ck_assert_double_eq(json_real_value(json_object_get(read, "f1")), micro.f1);
    ck_assert_int_eq(json_integer_value(json_object_get(read, "support")), 5);
    read = json_object_get(root, "macro");
    ck_assert_double_eq(json_real_value(json_object_get(read, "f1")), macro.f1);
    read = json_object_get(json_object_get(root, "types"), "Straße");
    ck_assert_double_eq(json_real_value(json_object_get(read, "f1")), 2.0 * 0.5 / 1.5);
    ck_assert_uint_eq(json_object_size(json_object_get(root, "types")), 4);
    json_decref(root);
    free(text);
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(a_name_that_is_not_utf8_has_no_json) {
    mlce_metrics metrics;
    const char *const names[] = {"PER", "\xff", "C", "D"};
    fill(&metrics);
    ck_assert_ptr_null(mlce_metrics_json(&metrics, names));
    ck_assert_ptr_nonnull(strstr(mlce_last_error(), "type 1"));
    mlce_metrics_free(&metrics);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, each_type_has_its_own_figures);
    tcase_add_test(cases, micro_sums_the_counts);
    tcase_add_test(cases, macro_is_the_mean_over_types_that_occur);
    tcase_add_test(cases, a_span_counts_only_in_its_own_sequence);
    tcase_add_test(cases, start_end_and_type_must_all_agree);
    tcase_add_test(cases, nothing_at_all_is_zero_and_the_table_says_so);
    tcase_add_test(cases, a_type_out_of_range_is_refused_and_counts_nothing);
    tcase_add_test(cases, the_table_is_aligned_for_wide_and_combining_characters);
    tcase_add_test(cases, json_gives_the_same_doubles_again);
    tcase_add_test(cases, a_name_that_is_not_utf8_has_no_json);
}

int main(void) {
    return run_suite("metrics", add);
}
