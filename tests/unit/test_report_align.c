/* Kinds of errors: cases made by hand, and the best of all choices found by trying each. */
#include "mlce/random.h"
#include "report/align.h"
#include "report/errors.h"
#include "unit.h"

enum { PER, LOC, ORG };

static mlce_scored_span scored(int start, int end, int type, float score) {
    return (mlce_scored_span){{start, end, type}, score};
}

/* The pair of a gold span, or of a prediction where gold is -1. */
static const mlce_pair *pair_of(const mlce_alignment *a, int gold, int predicted) {
    for (size_t n = 0; n < a->count; n++)
        if (gold >= 0 ? a->pairs[n].gold == gold
                      : a->pairs[n].gold < 0 && a->pairs[n].predicted == predicted)
            return &a->pairs[n];
    ck_abort_msg("no pair of gold %d, predicted %d", gold, predicted);
    return NULL;
}

static void assert_pair(const mlce_alignment *a, int gold, int predicted, mlce_pair_kind kind) {
    const mlce_pair *pair = pair_of(a, gold, predicted);
    ck_assert_int_eq(pair->predicted, predicted);
    ck_assert_int_eq(pair->kind, kind);
}

START_TEST(each_kind_is_told_from_the_others) {
    const mlce_span gold[] = {{0, 2, PER}, {4, 6, LOC}, {8, 10, PER}, {12, 14, ORG}, {20, 21, PER}};
    const mlce_scored_span predicted[] = {scored(0, 2, PER, 1), scored(4, 6, ORG, 1),
                                          scored(8, 11, PER, 1), scored(11, 13, LOC, 1),
                                          scored(30, 31, PER, 1)};
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, 5, predicted, 5, &a));
    ck_assert_uint_eq(a.count, 6);
    assert_pair(&a, 0, 0, MLCE_PAIR_CORRECT);
    assert_pair(&a, 1, 1, MLCE_PAIR_WRONG_TYPE);
    assert_pair(&a, 2, 2, MLCE_PAIR_WRONG_BOUNDARY);
    assert_pair(&a, 3, 3, MLCE_PAIR_WRONG_BOTH);
    assert_pair(&a, 4, -1, MLCE_PAIR_MISSED);
    assert_pair(&a, -1, 4, MLCE_PAIR_SPURIOUS);
    mlce_alignment_free(&a);
}
END_TEST

/* A greedy walk gives the outer prediction, which is first, to the inner gold span. */
START_TEST(nested_spans_find_their_own_partners) {
    const mlce_span gold[] = {{2, 3, LOC}, {0, 6, ORG}};
    const mlce_scored_span predicted[] = {scored(0, 5, ORG, 1), scored(2, 3, PER, 1)};
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, 2, predicted, 2, &a));
    ck_assert_uint_eq(a.count, 2);
    assert_pair(&a, 0, 1, MLCE_PAIR_WRONG_TYPE);
    assert_pair(&a, 1, 0, MLCE_PAIR_WRONG_BOUNDARY);
    mlce_alignment_free(&a);
}
END_TEST

START_TEST(an_exact_match_is_never_given_away) {
    const mlce_span gold[] = {{0, 4, PER}, {0, 2, PER}};
    const mlce_scored_span predicted[] = {scored(0, 4, PER, 1), scored(2, 4, PER, 1)};
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, 2, predicted, 2, &a));
    assert_pair(&a, 0, 0, MLCE_PAIR_CORRECT);
    assert_pair(&a, 1, -1, MLCE_PAIR_MISSED);
    assert_pair(&a, -1, 1, MLCE_PAIR_SPURIOUS);
    mlce_alignment_free(&a);
}
END_TEST

START_TEST(of_equal_overlaps_the_same_type_is_taken) {
    const mlce_span gold[] = {{1, 3, PER}};
    const mlce_scored_span predicted[] = {scored(0, 2, LOC, 1), scored(2, 4, PER, 1)};
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, 1, predicted, 2, &a));
    assert_pair(&a, 0, 1, MLCE_PAIR_WRONG_BOUNDARY);
    assert_pair(&a, -1, 0, MLCE_PAIR_SPURIOUS);
    mlce_alignment_free(&a);
}
END_TEST

START_TEST(neighbours_that_share_no_token_are_no_pair) {
    const mlce_span gold[] = {{0, 2, PER}};
    const mlce_scored_span predicted[] = {scored(2, 4, PER, 1)};
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, 1, predicted, 1, &a));
    assert_pair(&a, 0, -1, MLCE_PAIR_MISSED);
    assert_pair(&a, -1, 0, MLCE_PAIR_SPURIOUS);
    mlce_alignment_free(&a);
}
END_TEST

START_TEST(one_missed_and_one_spurious_label_are_a_confusion) {
    const mlce_span gold[] = {{0, 1, PER}, {0, 1, ORG}};
    const mlce_scored_span one[] = {scored(0, 1, PER, 1), scored(0, 1, LOC, 1)};
    const mlce_scored_span two[] = {scored(0, 1, LOC, 1), scored(0, 1, 7, 1)};
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_LABELS, gold, 2, one, 2, &a));
    ck_assert_uint_eq(a.count, 2);
    assert_pair(&a, 0, 0, MLCE_PAIR_CORRECT);
    assert_pair(&a, 1, 1, MLCE_PAIR_WRONG_TYPE);
    assert_ok(mlce_align(MLCE_TASK_LABELS, gold, 2, two, 2, &a));
    ck_assert_uint_eq(a.count, 4);
    assert_pair(&a, 0, -1, MLCE_PAIR_MISSED);
    assert_pair(&a, -1, 1, MLCE_PAIR_SPURIOUS);
    assert_ok(mlce_align(MLCE_TASK_LABELS, NULL, 0, NULL, 0, &a));
    ck_assert_uint_eq(a.count, 0);
    mlce_alignment_free(&a);
}
END_TEST

/* ---- Against every choice there is ---- */

enum { MOST = 6 };

typedef struct sides {
    mlce_span gold[MOST];
    mlce_scored_span predicted[MOST];
    int gold_count, predicted_count;
} sides;

static bool is_equal(mlce_span a, mlce_span b) {
    return a.start == b.start && a.end == b.end && a.type == b.type;
}

/* The highest worth of gold i, i+1, ... with the predictions not in `taken`. */
static int64_t try_all(const sides *s, int i, unsigned taken) {
    if (i == s->gold_count) return 0;
    int64_t best = try_all(s, i + 1, taken);
    for (int j = 0; j < s->predicted_count; j++) {
        int64_t worth = mlce_pair_worth(s->gold[i], s->predicted[j].span);
        if (taken >> j & 1 || !worth) continue;
        worth += try_all(s, i + 1, taken | 1u << j);
        if (worth > best) best = worth;
    }
    return best;
}

static mlce_span random_span(mlce_random *random) {
    int start = (int)mlce_random_below(random, 6);
    return (mlce_span){start, start + 1 + (int)mlce_random_below(random, 5),
                       (int)mlce_random_below(random, 3)};
}

/* Spans without doubles. */
static void make(mlce_random *random, sides *s) {
    *s = (sides){0};
    int gold = (int)mlce_random_below(random, MOST + 1);
    int predicted = (int)mlce_random_below(random, MOST + 1);
    while (s->gold_count < gold) {
        mlce_span span = random_span(random);
        bool again = false;
        for (int n = 0; n < s->gold_count; n++) again = again || is_equal(s->gold[n], span);
        if (!again) s->gold[s->gold_count++] = span;
    }
    while (s->predicted_count < predicted) {
        mlce_span span = random_span(random);
        bool again = false;
        for (int n = 0; n < s->predicted_count; n++)
            again = again || is_equal(s->predicted[n].span, span);
        if (!again) s->predicted[s->predicted_count++] = (mlce_scored_span){span, 1};
    }
}

/* The best of all choices that take equal spans first, and the overlap alone of the best of all. */
static int64_t best_worth(const sides *s, int *equal) {
    sides rest = {0};
    unsigned gold_taken = 0;
    *equal = 0;
    for (int j = 0; j < s->predicted_count; j++) {
        int found = -1;
        for (int i = 0; i < s->gold_count; i++)
            if (is_equal(s->gold[i], s->predicted[j].span)) found = i;
        if (found < 0)
            rest.predicted[rest.predicted_count++] = s->predicted[j];
        else
            gold_taken |= 1u << found;
        *equal += found >= 0;
    }
    for (int i = 0; i < s->gold_count; i++)
        if (!(gold_taken >> i & 1)) rest.gold[rest.gold_count++] = s->gold[i];
    return try_all(&rest, 0, 0) + *equal * ((2ll << 20) + 1);
}

START_TEST(no_choice_of_pairs_overlaps_more) {
    mlce_random random = mlce_random_new(5, MLCE_STREAM_DATA);
    mlce_alignment a = {0};
    for (int round = 0; round < 3000; round++) {
        sides s;
        int equal, correct = 0;
        unsigned gold_seen = 0, predicted_seen = 0;
        int64_t worth = 0;
        make(&random, &s);
        assert_ok(mlce_align(MLCE_TASK_SPANS, s.gold, s.gold_count, s.predicted,
                             (size_t)s.predicted_count, &a));
        for (size_t n = 0; n < a.count; n++) {
            mlce_pair pair = a.pairs[n];
            if (pair.gold >= 0) ck_assert(!(gold_seen >> pair.gold & 1));
            if (pair.predicted >= 0) ck_assert(!(predicted_seen >> pair.predicted & 1));
            if (pair.gold >= 0) gold_seen |= 1u << pair.gold;
            if (pair.predicted >= 0) predicted_seen |= 1u << pair.predicted;
            correct += pair.kind == MLCE_PAIR_CORRECT;
            if (pair.gold >= 0 && pair.predicted >= 0)
                worth += mlce_pair_worth(s.gold[pair.gold], s.predicted[pair.predicted].span);
        }
        ck_assert_uint_eq(gold_seen, (1u << s.gold_count) - 1);
        ck_assert_uint_eq(predicted_seen, (1u << s.predicted_count) - 1);
        ck_assert_int_eq(worth, best_worth(&s, &equal));
        ck_assert_int_eq(correct, equal);
        /* nothing of the overlap is lost by taking equal ones first */
        ck_assert_int_ge(worth / 2 + MOST, try_all(&s, 0, 0) / 2);
    }
    mlce_alignment_free(&a);
}
END_TEST

START_TEST(what_overlaps_beyond_measure_is_not_paired_and_said_so) {
    enum { MANY = 1200 };
    mlce_span *gold = calloc(MANY, sizeof *gold);
    mlce_scored_span *predicted = calloc(MANY, sizeof *predicted);
    for (int n = 0; n < MANY; n++) {
        gold[n] = (mlce_span){0, n + 2, 0};
        predicted[n] = scored(1, n + 3, 1, 1);
    }
    mlce_alignment a = {0};
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, MANY, predicted, MANY, &a));
    ck_assert(a.crowded);
    ck_assert_uint_eq(a.count, 2 * MANY);
    assert_ok(mlce_align(MLCE_TASK_SPANS, gold, 3, predicted, 3, &a));
    ck_assert(!a.crowded);
    ck_assert_uint_eq(a.count, 3);
    mlce_alignment_free(&a);
    free(gold);
    free(predicted);
}
END_TEST

/* ---- Counts and examples ---- */

START_TEST(errors_are_counted_by_kind_and_types) {
    mlce_errors errors = {.types = 3};
    const mlce_span gold[] = {{0, 2, PER}, {4, 6, LOC}};
    const mlce_scored_span predicted[] = {scored(0, 2, PER, 1), scored(4, 6, ORG, 2)};
    for (int s = 0; s < 5000; s++) assert_ok(mlce_errors_add(&errors, s, 9, gold, 2, predicted, 2));
    assert_ok(mlce_errors_add(&errors, 5000, 9, gold, 1, NULL, 0));
    mlce_errors_settle(&errors);
    ck_assert_int_eq(errors.counts[MLCE_PAIR_CORRECT], 5000);
    ck_assert_int_eq(errors.counts[MLCE_PAIR_WRONG_TYPE], 5000);
    ck_assert_int_eq(errors.counts[MLCE_PAIR_MISSED], 1);
    ck_assert_uint_eq(errors.confusion_count, 3);
    ck_assert_int_eq(errors.confusions[0].count, 5000);
    ck_assert_int_eq(errors.confusions[2].count, 1);
    ck_assert_int_eq(errors.confusions[2].predicted, -1);
    mlce_errors_free(&errors);
}
END_TEST

START_TEST(examples_are_those_with_the_highest_scores_and_few) {
    mlce_errors errors = {.types = 3};
    for (int s = 0; s < 400; s++) {
        mlce_scored_span one = scored(50, 52, PER, (float)((s * 7) % 400));
        assert_ok(mlce_errors_add(&errors, s, 100, NULL, 0, &one, 1));
    }
    mlce_errors_settle(&errors);
    ck_assert_int_eq(errors.example_count[MLCE_PAIR_SPURIOUS], MLCE_EXAMPLES);
    for (int n = 0; n < MLCE_EXAMPLES; n++) {
        const mlce_example *e = &errors.examples[MLCE_PAIR_SPURIOUS][n];
        ck_assert_float_eq(e->rank, (float)(399 - n));
        ck_assert_float_eq(e->predicted[0].score, (float)(399 - n));
        ck_assert_int_eq(e->first, 50 - MLCE_EXAMPLE_BESIDE);
        ck_assert_int_eq(e->last, 52 + MLCE_EXAMPLE_BESIDE);
    }
    mlce_errors_free(&errors);
}
END_TEST

START_TEST(an_example_holds_the_best_of_the_spans_around_it) {
    mlce_errors errors = {.types = 3};
    mlce_scored_span all[40];
    const mlce_span gold[] = {{0, 1, LOC}};
    for (int n = 0; n < 40; n++) all[n] = scored(0, 2 + n, PER, (float)n);
    assert_ok(mlce_errors_add(&errors, 0, 60, gold, 1, all, 40));
    mlce_errors_settle(&errors);
    const mlce_example *e = &errors.examples[MLCE_PAIR_WRONG_BOTH][0];
    ck_assert_int_eq(errors.example_count[MLCE_PAIR_WRONG_BOTH], 1);
    ck_assert_int_eq(e->predicted[0].span.end, 2);
    ck_assert_int_eq(e->predicted_count, MLCE_EXAMPLE_SPANS);
    ck_assert_int_eq(e->left_out, 40 - MLCE_EXAMPLE_SPANS);
    for (int n = 1; n < e->predicted_count; n++)
        ck_assert_float_ge(e->predicted[n].score, 40 - MLCE_EXAMPLE_SPANS + 1);
    mlce_errors_free(&errors);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, each_kind_is_told_from_the_others);
    tcase_add_test(cases, nested_spans_find_their_own_partners);
    tcase_add_test(cases, an_exact_match_is_never_given_away);
    tcase_add_test(cases, of_equal_overlaps_the_same_type_is_taken);
    tcase_add_test(cases, neighbours_that_share_no_token_are_no_pair);
    tcase_add_test(cases, one_missed_and_one_spurious_label_are_a_confusion);
    tcase_add_test(cases, no_choice_of_pairs_overlaps_more);
    tcase_add_test(cases, what_overlaps_beyond_measure_is_not_paired_and_said_so);
    tcase_add_test(cases, errors_are_counted_by_kind_and_types);
    tcase_add_test(cases, examples_are_those_with_the_highest_scores_and_few);
    tcase_add_test(cases, an_example_holds_the_best_of_the_spans_around_it);
}

int main(void) {
    return run_suite("report_align", add);
}
