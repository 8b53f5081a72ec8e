/* The figures of items with labels: worked out by hand, and beside plain definitions. */
#include <jansson.h>
#include <math.h>

#include "mlce/random.h"
#include "train/metrics_items.h"
#include "unit.h"

enum { MOST = 12 };

/* Adds an item from indicators. */
static void add_item(mlce_metrics *metrics, int types, const int *gold, const int *predicted,
                     const float *scores) {
    mlce_span spans[MOST];
    mlce_scored_span found[MOST];
    int n = 0;
    size_t m = 0;
    for (int a = types - 1; a >= 0; a--) { /* in no order that helps */
        if (gold[a]) spans[n++] = (mlce_span){0, 1, a};
        if (predicted[a]) found[m++] = (mlce_scored_span){{0, 1, a}, scores[a]};
    }
    assert_ok(mlce_metrics_add(metrics, spans, n, found, m, scores));
}

static void near(double got, double want) {
    ck_assert_double_eq_tol(got, want, 1e-14);
}

/* Item 1: right but for one; item 2: all right; item 3: no labels, none predicted; item 4: no
   labels, one predicted. Label 3 never occurs. */
START_TEST(figures_of_four_items_by_hand) {
    const int gold[4][4] = {{1, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    const int predicted[4][4] = {{1, 0, 1, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}};
    const float scores[4][4] = {{3, -2, 1, -1}, {-1, -2, 2, -3}, {-1, -1, -1, -1}, {1, 0, -1, -1}};
    mlce_metrics metrics;
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_LABELS, 4));
    for (int i = 0; i < 4; i++) add_item(&metrics, 4, gold[i], predicted[i], scores[i]);
    mlce_item_metrics items = mlce_metrics_items(&metrics);
    near(items.samples.precision, (0.5 + 1) / 4);
    near(items.samples.recall, (0.5 + 1) / 4);
    near(items.samples.f1, (0.5 + 1) / 4);
    ck_assert_int_eq(items.samples.support, 3);
    near(items.exact_match, 2.0 / 4);
    near(items.hamming_loss, 3.0 / 16);
    near(items.ranking, ((1 + 2.0 / 4) / 2 + 1 + 1 + 1) / 4);
    near(items.precision_at[0], (1 + 1 + 0 + 0) / 4.0);
    near(items.precision_at[1], (1 + 1 + 0 + 0) / 3.0 / 4);
    near(items.precision_at[2], (2 + 1 + 0 + 0) / 5.0 / 4);
    near(mlce_metrics_micro(&metrics).f1, 2 * 2.0 / (4 + 3));
    near(mlce_metrics_macro(&metrics).f1, (2 * 1.0 / (2 + 1) + 0 + 2 * 1.0 / (2 + 1)) / 3);
    mlce_metrics_free(&metrics);
}
END_TEST

/* The definitions as they are written down: each label's rank is how many score at least as high.
 */
static double plain_ranking(int types, const int *gold, const float *scores) {
    double sum = 0;
    int count = 0;
    for (int a = 0; a < types; a++) {
        int rank = 0, among_gold = 0;
        if (!gold[a]) continue;
        for (int b = 0; b < types; b++) {
            rank += scores[b] >= scores[a];
            among_gold += gold[b] && scores[b] >= scores[a];
        }
        sum += (double)among_gold / rank;
        count++;
    }
    return count == 0 || count == types ? 1 : sum / count;
}

static double plain_precision_at(int k, int types, const int *gold, const float *scores) {
    int right = 0;
    for (int a = 0; a < types; a++) {
        int better = 0;
        for (int b = 0; b < types; b++)
            better += scores[b] > scores[a] || (scores[b] == scores[a] && b < a);
        right += gold[a] && better < k;
    }
    return (double)right / k;
}

START_TEST(rankings_with_ties_are_those_of_the_plain_definitions) {
    mlce_random random = mlce_random_new(7, MLCE_STREAM_DATA);
    for (int round = 0; round < 3000; round++) {
        int types = 1 + (int)mlce_random_below(&random, MOST), gold[MOST], none[MOST] = {0};
        float scores[MOST];
        uint64_t levels = 1 + mlce_random_below(&random, 6); /* few: many ties */
        for (int a = 0; a < types; a++) {
            scores[a] = (float)mlce_random_below(&random, levels) - 2.5f;
            gold[a] = mlce_random_below(&random, 3) == 0;
        }
        mlce_metrics metrics;
        assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_LABELS, types));
        add_item(&metrics, types, gold, none, scores);
        mlce_item_metrics items = mlce_metrics_items(&metrics);
        near(items.ranking, plain_ranking(types, gold, scores));
        for (int k = 0; k < MLCE_PRECISIONS_AT; k++)
            near(items.precision_at[k],
                 plain_precision_at(mlce_precision_at[k], types, gold, scores));
        mlce_metrics_free(&metrics);
    }
}
END_TEST

START_TEST(an_item_without_scores_is_refused) {
    mlce_metrics metrics;
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_LABELS, 2));
    assert_fails(mlce_metrics_add(&metrics, NULL, 0, NULL, 0, NULL), MLCE_E_ARGUMENT,
                 "without the scores");
    mlce_metrics_free(&metrics);
}
END_TEST

START_TEST(table_and_json_show_what_only_items_have) {
    const int gold[] = {1, 0}, predicted[] = {1, 1};
    const char *const names[] = {"tax", "war"};
    mlce_metrics metrics;
    assert_ok(mlce_metrics_init(&metrics, MLCE_TASK_LABELS, 2));
    add_item(&metrics, 2, gold, predicted, (const float[]){2, 1});
    char *table = mlce_metrics_table(&metrics, names);
    ck_assert_str_eq(table,
                     "label            precision  recall      f1  support\n"
                     "tax                 1.0000  1.0000  1.0000        1\n"
                     "war                 0.0000  0.0000  0.0000        0\n"
                     "\n"
                     "micro average       0.5000  1.0000  0.6667        1\n"
                     "macro average       0.5000  0.5000  0.5000        1\n"
                     "samples average     0.5000  1.0000  0.6667        1\n"
                     "\n"
                     "exact match   0.0000\n"
                     "Hamming loss  0.500000\n"
                     "ranking       1.0000\n"
                     "precision@1   1.0000\n"
                     "precision@3   0.3333\n"
                     "precision@5   0.2000\n");
    free(table);
    char *text = mlce_metrics_json(&metrics, names);
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_double_eq(json_real_value(json_object_get(root, "hamming_loss")), 0.5);
    ck_assert_double_eq(json_real_value(json_object_get(root, "exact_match")), 0);
    ck_assert_double_eq(json_real_value(json_object_get(root, "ranking_average_precision")), 1);
    const json_t *at = json_object_get(root, "precision_at");
    ck_assert_double_eq(json_real_value(json_object_get(at, "3")), 1.0 / 3);
    const json_t *samples = json_object_get(root, "samples");
    ck_assert_double_eq(json_real_value(json_object_get(samples, "precision")), 0.5);
    json_decref(root);
    free(text);
    mlce_metrics_free(&metrics);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, figures_of_four_items_by_hand);
    tcase_add_test(cases, rankings_with_ties_are_those_of_the_plain_definitions);
    tcase_add_test(cases, an_item_without_scores_is_refused);
    tcase_add_test(cases, table_and_json_show_what_only_items_have);
}

int main(void) {
    return run_suite("metrics_items", add);
}
