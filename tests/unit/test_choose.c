/* Overlaps: the set that is kept is allowed, and none that is allowed has a higher sum. */
#include "mlce/random.h"
#include "mlce/span.h"
#include "unit.h"

enum { MOST = 12, TYPES = 3 };

/* Weights in eighths: sums are exact in any order. */
static const float THRESHOLDS[TYPES] = {0, -1.5f, 2};

static bool may_stand_together(mlce_overlap overlap, mlce_span a, mlce_span b) {
    bool disjoint = a.end <= b.start || b.end <= a.start;
    bool nested = (a.start <= b.start && b.end <= a.end) || (b.start <= a.start && a.end <= b.end);
    return disjoint || (nested && overlap == MLCE_OVERLAP_NESTED);
}

static double margin(const mlce_scored_span *span) {
    return (double)span->score - (double)THRESHOLDS[span->span.type];
}

/* The highest sum of any subset that is allowed. */
static double brute_force(mlce_overlap overlap, const mlce_scored_span *spans, size_t count) {
    unsigned apart[MOST] = {0};
    double best = 0;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            if (a != b && !may_stand_together(overlap, spans[a].span, spans[b].span))
                apart[a] |= 1U << b;
    for (unsigned set = 0; set < 1U << count; set++) {
        double sum = 0;
        bool allowed = true;
        for (size_t n = 0; n < count && allowed; n++) {
            if (!(set >> n & 1)) continue;
            allowed = !(apart[n] & set);
            sum += margin(&spans[n]);
        }
        if (allowed && sum > best) best = sum;
    }
    return best;
}

static bool is_before(mlce_span a, mlce_span b) {
    if (a.start != b.start) return a.start < b.start;
    if (a.end != b.end) return a.end < b.end;
    return a.type < b.type;
}

/* Adds a random sequence: different spans, sorted. */
static void add_sequence(mlce_random *random, mlce_span_list *list, int length) {
    size_t count = mlce_random_below(random, MOST + 1), first = list->count;
    for (size_t n = 0; n < count; n++) {
        int start = (int)mlce_random_below(random, (uint64_t)length);
        int end = start + 1 + (int)mlce_random_below(random, (uint64_t)(length - start));
        mlce_span span = {start, end, (int)mlce_random_below(random, TYPES)};
        float score = (float)mlce_random_below(random, 60) / 8 - 2;
        size_t at = list->count;
        bool known = false;
        for (size_t k = first; k < list->count; k++)
            known = known || !memcmp(&list->items[k].span, &span, sizeof span);
        if (known) continue;
        while (at > first && is_before(span, list->items[at - 1].span)) {
            list->items[at] = list->items[at - 1];
            at--;
        }
        list->items[at] = (mlce_scored_span){span, score};
        list->count++;
    }
    list->offsets[++list->sequences] = list->count;
}

static void check_against_brute_force(mlce_overlap overlap, uint64_t seed) {
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    mlce_scored_span before[4 * MOST], items[4 * MOST];
    size_t before_offsets[5], offsets[5] = {0};
    for (int round = 0; round < 400; round++) {
        mlce_span_list list = {.items = items, .offsets = offsets};
        for (int s = 0; s < 4; s++)
            add_sequence(&random, &list, 1 + (int)mlce_random_below(&random, 9));
        memcpy(before, items, sizeof before);
        memcpy(before_offsets, offsets, sizeof offsets);
        assert_ok(mlce_span_list_resolve(&list, THRESHOLDS, overlap));
        ck_assert_uint_eq(list.count, offsets[4]);
        for (int s = 0; s < 4; s++) {
            double sum = 0, best = brute_force(overlap, before + before_offsets[s],
                                               before_offsets[s + 1] - before_offsets[s]);
            for (size_t a = offsets[s]; a < offsets[s + 1]; a++) {
                ck_assert_double_gt(margin(&items[a]), 0);
                sum += margin(&items[a]);
                for (size_t b = a + 1; b < offsets[s + 1]; b++) {
                    ck_assert(may_stand_together(overlap, items[a].span, items[b].span));
                    ck_assert(is_before(items[a].span, items[b].span));
                }
            }
            ck_assert_double_eq(sum, best);
        }
    }
}

START_TEST(no_flat_set_is_better_than_the_one_that_is_kept) {
    check_against_brute_force(MLCE_OVERLAP_FLAT, 1);
}
END_TEST

START_TEST(no_nested_set_is_better_than_the_one_that_is_kept) {
    check_against_brute_force(MLCE_OVERLAP_NESTED, 2);
}
END_TEST

START_TEST(two_good_spans_beat_a_better_one_across_them) {
    mlce_scored_span items[] = {{{0, 2, 0}, 3}, {{1, 4, 0}, 5}, {{3, 5, 0}, 3}};
    size_t offsets[] = {0, 3};
    mlce_span_list list = {.items = items, .count = 3, .offsets = offsets, .sequences = 1};
    assert_ok(mlce_span_list_resolve(&list, NULL, MLCE_OVERLAP_FLAT));
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(items[0].span.start, 0);
    ck_assert_int_eq(items[1].span.start, 3);
}
END_TEST

START_TEST(all_keeps_all_and_an_empty_list_stays_empty) {
    mlce_scored_span items[] = {{{0, 2, 0}, -3}, {{1, 4, 0}, 5}};
    size_t offsets[] = {0, 2, 2};
    mlce_span_list list = {.items = items, .count = 2, .offsets = offsets, .sequences = 2};
    assert_ok(mlce_span_list_resolve(&list, NULL, MLCE_OVERLAP_ALL));
    ck_assert_uint_eq(list.count, 2);
    mlce_span_list empty = {0};
    assert_ok(mlce_span_list_resolve(&empty, NULL, MLCE_OVERLAP_FLAT));
    assert_ok(mlce_span_list_keep_best(&empty, NULL, 3));
    ck_assert_uint_eq(empty.count, 0);
}
END_TEST

/* Every span of a long sequence, as a model predicts that has hardly been trained. */
START_TEST(a_crowded_sequence_is_resolved) {
    enum { LENGTH = 120 };
    mlce_random random = mlce_random_new(5, MLCE_STREAM_DATA);
    mlce_span_list list = {0};
    list.items = calloc(LENGTH * LENGTH, sizeof *list.items);
    list.offsets = calloc(2, sizeof *list.offsets);
    list.sequences = 1;
    ck_assert_ptr_nonnull(list.items);
    for (int i = 0; i < LENGTH; i++)
        for (int j = i + 1; j <= LENGTH; j++)
            list.items[list.count++] =
                (mlce_scored_span){{i, j, 0}, (float)mlce_random_below(&random, 1000) / 8};
    list.offsets[1] = list.count;
    assert_ok(mlce_span_list_resolve(&list, NULL, MLCE_OVERLAP_NESTED));
    ck_assert_uint_le(list.count, 2 * LENGTH - 1); /* more ranges cannot lie in each other */
    ck_assert_uint_gt(list.count, LENGTH);
    for (size_t a = 0; a < list.count; a++)
        for (size_t b = a + 1; b < list.count; b++)
            ck_assert(
                may_stand_together(MLCE_OVERLAP_NESTED, list.items[a].span, list.items[b].span));
    mlce_span_list_free(&list);
}
END_TEST

START_TEST(the_best_are_those_the_farthest_over_their_thresholds) {
    mlce_scored_span items[] = {{{0, 1, 2}, 3}, {{0, 2, 0}, 2}, {{1, 2, 1}, 2}, {{0, 1, 0}, 9}};
    size_t offsets[] = {0, 3, 4};
    mlce_span_list list = {.items = items, .count = 4, .offsets = offsets, .sequences = 2};
    assert_ok(mlce_span_list_keep_best(&list, THRESHOLDS, 2)); /* 1, 2 and 3.5 over them */
    ck_assert_uint_eq(list.count, 3);
    ck_assert_uint_eq(offsets[1], 2);
    ck_assert_int_eq(items[0].span.end, 2);
    ck_assert_int_eq(items[1].span.start, 1);
    ck_assert_float_eq(items[2].score, 9);
    assert_ok(mlce_span_list_keep_best(&list, THRESHOLDS, 0));
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, no_flat_set_is_better_than_the_one_that_is_kept);
    tcase_add_test(cases, no_nested_set_is_better_than_the_one_that_is_kept);
    tcase_add_test(cases, two_good_spans_beat_a_better_one_across_them);
    tcase_add_test(cases, all_keeps_all_and_an_empty_list_stays_empty);
    tcase_add_test(cases, a_crowded_sequence_is_resolved);
    tcase_add_test(cases, the_best_are_those_the_farthest_over_their_thresholds);
}

int main(void) {
    return run_suite("choose", add_tests);
}
