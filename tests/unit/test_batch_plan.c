/* test_batch_plan.c - the order of an epoch. */
#include <stdio.h>

#include "unit.h"

#include <stdint.h>

#include "data/batch_plan.h"

enum { COUNT = 1000 };

static int lengths[COUNT]; /* 0 .. 60, by a fixed rule */

static void make_lengths(void) {
    for (int i = 0; i < COUNT; i++) lengths[i] = (int)((unsigned)i * 2654435761u >> 7) % 61;
}

static mlce_batch_plan planned(mlce_batch_options options, int64_t epoch) {
    mlce_batch_plan plan;
    make_lengths();
    assert_ok(mlce_batch_plan_init(&plan, lengths, COUNT, &options));
    mlce_batch_plan_make(&plan, epoch);
    return plan;
}

static bool same_order(const mlce_batch_plan *a, const mlce_batch_plan *b) {
    return a->batches == b->batches && !memcmp(a->order, b->order, COUNT * sizeof *a->order) &&
           !memcmp(a->starts, b->starts, (size_t)(a->batches + 1) * sizeof *a->starts);
}

static void check_complete(const mlce_batch_plan *plan) {
    bool seen[COUNT] = {false};
    for (int i = 0; i < COUNT; i++) {
        ck_assert(plan->order[i] >= 0 && plan->order[i] < COUNT);
        ck_assert_msg(!seen[plan->order[i]], "sequence %d stands twice", (int)plan->order[i]);
        seen[plan->order[i]] = true;
    }
    ck_assert_int_eq(plan->starts[0], 0);
    ck_assert_int_eq(plan->starts[plan->batches], COUNT);
    for (int64_t b = 0; b < plan->batches; b++) ck_assert(plan->starts[b] < plan->starts[b + 1]);
}

static int tokens_of(const mlce_batch_plan *plan, int64_t b) {
    int sum = 0;
    for (int64_t i = plan->starts[b]; i < plan->starts[b + 1]; i++) sum += lengths[plan->order[i]];
    return sum;
}

static const mlce_batch_options every_kind[] = {
    {.sequences = 16},
    {.sequences = 7, .shuffle = true, .seed = 3},
    {.tokens = 100, .shuffle = true, .seed = 3},
    {.tokens = 50, .sequences = 3, .shuffle = true, .bucket = true, .seed = 3},
    {.sequences = 4, .shuffle = true, .bucket = true, .seed = 3},
    {.tokens = 200, .shuffle = true, .bucket = true, .seed = 3},
    {.sequences = 1, .shuffle = true, .bucket = true},
    {.sequences = 5000, .shuffle = true, .bucket = true},
    {.shuffle = true, .bucket = true},
    {.tokens = 1},
    {0},
};
enum { KINDS = sizeof every_kind / sizeof every_kind[0] };

START_TEST(every_sequence_stands_in_one_batch) {
    mlce_batch_plan plan = planned(every_kind[_i], 5);
    check_complete(&plan);
    mlce_batch_plan_make(&plan, 6);
    check_complete(&plan);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(limits_of_sequences_and_tokens_hold) {
    mlce_batch_options options = every_kind[_i];
    mlce_batch_plan plan = planned(options, 1);
    for (int64_t b = 0; b < plan.batches; b++) {
        int64_t sequences = plan.starts[b + 1] - plan.starts[b];
        if (options.sequences) ck_assert_int_le(sequences, options.sequences);
        if (options.tokens && sequences > 1) ck_assert_int_le(tokens_of(&plan, b), options.tokens);
    }
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(a_batch_ends_only_where_the_next_sequence_would_pass_a_limit) {
    mlce_batch_plan plan =
        planned((mlce_batch_options){.tokens = 128, .sequences = 6, .shuffle = true}, 0);
    for (int64_t b = 0; b + 1 < plan.batches; b++) {
        int next = lengths[plan.order[plan.starts[b + 1]]];
        ck_assert(plan.starts[b + 1] - plan.starts[b] == 6 || tokens_of(&plan, b) + next > 128);
    }
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(the_order_is_that_of_the_file_without_shuffling) {
    mlce_batch_plan plan = planned((mlce_batch_options){.sequences = 8, .seed = 4}, 2);
    for (int i = 0; i < COUNT; i++) ck_assert_int_eq(plan.order[i], i);
    ck_assert_int_eq(plan.batches, COUNT / 8);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(buckets_without_shuffling_keep_the_order_of_the_file) {
    mlce_batch_plan plan = planned((mlce_batch_options){.sequences = 8, .bucket = true}, 2);
    for (int i = 0; i < COUNT; i++) ck_assert_int_eq(plan.order[i], i);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(the_order_depends_on_seed_and_epoch_and_nothing_else) {
    mlce_batch_options options = {
        .sequences = 4, .shuffle = true, .bucket = _i == 1, .seed = 1u << 20};
    mlce_batch_plan plan = planned(options, 7), again = planned(options, 0);
    for (int64_t epoch = 1; epoch <= 7; epoch++) {
        ck_assert(!same_order(&plan, &again));
        mlce_batch_plan_make(&again, epoch);
    }
    ck_assert(same_order(&plan, &again));
    options.seed++;
    mlce_batch_plan other = planned(options, 7);
    ck_assert(!same_order(&plan, &other));
    mlce_batch_plan_free(&plan);
    mlce_batch_plan_free(&again);
    mlce_batch_plan_free(&other);
}
END_TEST

/* Tokens that padding each batch to its longest sequence would add. */
static int padding(const mlce_batch_plan *plan) {
    int sum = 0;
    for (int64_t b = 0; b < plan->batches; b++) {
        int longest = 0;
        for (int64_t i = plan->starts[b]; i < plan->starts[b + 1]; i++)
            if (lengths[plan->order[i]] > longest) longest = lengths[plan->order[i]];
        sum += longest * (int)(plan->starts[b + 1] - plan->starts[b]) - tokens_of(plan, b);
    }
    return sum;
}

START_TEST(buckets_make_like_lengths_meet) {
    mlce_batch_options options = {.sequences = 8, .shuffle = true, .seed = 9};
    mlce_batch_plan mixed = planned(options, 0);
    options.bucket = true;
    mlce_batch_plan bucketed = planned(options, 0);
    ck_assert_int_eq(mixed.batches, bucketed.batches);
    ck_assert_int_lt(padding(&bucketed) * 10, padding(&mixed));
    mlce_batch_plan_free(&mixed);
    mlce_batch_plan_free(&bucketed);
}
END_TEST

START_TEST(bucketed_batches_do_not_come_by_length) {
    mlce_batch_options options = {.sequences = 8, .shuffle = true, .bucket = true, .seed = 9};
    mlce_batch_plan plan = planned(options, 0);
    int falls = 0;
    for (int64_t b = 0; b + 1 < plan.batches; b++)
        falls += tokens_of(&plan, b) > tokens_of(&plan, b + 1);
    ck_assert_int_gt(falls, (int)plan.batches / 4);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(tokens_of_a_batch_stay_within_int) {
    static const int huge[] = {INT32_MAX, INT32_MAX - 1, 1, 1, INT32_MAX};
    mlce_batch_plan plan;
    assert_ok(mlce_batch_plan_init(&plan, huge, 5, &(mlce_batch_options){0}));
    mlce_batch_plan_make(&plan, 0);
    static const int64_t expected[] = {0, 1, 3, 4, 5};
    ck_assert_int_eq(plan.batches, 4);
    ck_assert_mem_eq(plan.starts, expected, sizeof expected);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(an_empty_dataset_has_no_batch) {
    mlce_batch_plan plan;
    mlce_batch_options options = {.sequences = 4, .shuffle = true, .bucket = true};
    assert_ok(mlce_batch_plan_init(&plan, lengths, 0, &options));
    mlce_batch_plan_make(&plan, 0);
    ck_assert_int_eq(plan.batches, 0);
    mlce_batch_plan_free(&plan);
}
END_TEST

/* ---- Parts ---- */

START_TEST(parts_of_all_ranks_make_up_the_batches_of_one) {
    enum { RANKS = 3 };
    mlce_batch_options options = every_kind[_i];
    mlce_batch_plan whole = planned(options, 4), parts[RANKS];
    for (int r = 0; r < RANKS; r++) {
        options.rank = r;
        options.ranks = RANKS;
        parts[r] = planned(options, 4);
        ck_assert_int_eq(parts[r].batches, whole.batches);
    }
    for (int64_t b = 0; b < whole.batches; b++) {
        int64_t taken = 0;
        for (int r = 0; r < RANKS; r++) {
            const mlce_batch_plan *p = &parts[r];
            ck_assert_int_eq(p->whole[b].sequences, whole.starts[b + 1] - whole.starts[b]);
            ck_assert_int_eq(p->whole[b].tokens, tokens_of(&whole, b));
            taken += p->starts[b + 1] - p->starts[b];
            for (int64_t i = p->starts[b]; i < p->starts[b + 1]; i++) {
                int64_t at = whole.starts[b] + p->places[i];
                int row = 0;
                for (int64_t j = whole.starts[b]; j < at; j++) row += lengths[whole.order[j]];
                ck_assert_int_eq(p->order[i], whole.order[at]);
                ck_assert_int_eq(p->rows[i], row);
                ck_assert(i == p->starts[b] || p->places[i] > p->places[i - 1]);
            }
        }
        ck_assert_int_eq(taken, whole.starts[b + 1] - whole.starts[b]);
    }
    for (int r = 0; r < RANKS; r++) mlce_batch_plan_free(&parts[r]);
    mlce_batch_plan_free(&whole);
}
END_TEST

START_TEST(parts_have_nearly_the_same_tokens) {
    enum { RANKS = 4 };
    int tokens[RANKS][COUNT / 32 + 1];
    mlce_batch_options options = {.sequences = 32, .shuffle = true, .seed = 2, .ranks = RANKS};
    int64_t batches = 0;
    for (options.rank = 0; options.rank < RANKS; options.rank++) {
        mlce_batch_plan plan = planned(options, 0);
        batches = plan.batches;
        for (int64_t b = 0; b < batches; b++) tokens[options.rank][b] = tokens_of(&plan, b);
        mlce_batch_plan_free(&plan);
    }
    for (int64_t b = 0; b + 1 < batches; b++) { /* the last one is small */
        int least = INT32_MAX, most = 0;
        for (int r = 0; r < RANKS; r++) {
            if (tokens[r][b] < least) least = tokens[r][b];
            if (tokens[r][b] > most) most = tokens[r][b];
        }
        ck_assert_int_le(most - least, 20); /* of some 240 each */
    }
}
END_TEST

START_TEST(a_rank_may_have_no_part_of_a_batch) {
    mlce_batch_options options = {.sequences = 2, .rank = 2, .ranks = 3};
    mlce_batch_plan plan = planned(options, 0);
    ck_assert_int_eq(plan.batches, COUNT / 2);
    ck_assert_int_eq(plan.starts[plan.batches], 0);
    ck_assert_int_eq(plan.whole[0].sequences, 2);
    mlce_batch_plan_free(&plan);
}
END_TEST

/* Rounds of RUN batches a rank, and a last one of as many as are left. */
START_TEST(whole_batches_are_dealt_to_the_ranks_in_runs) {
    enum { RANKS = 3, RUN = 4 };
    mlce_batch_options options = every_kind[_i];
    mlce_batch_plan whole = planned(options, 4), dealt[RANKS];
    int64_t taken[RANKS] = {0}, b = 0;
    options.ranks = RANKS;
    options.deal = RUN;
    for (options.rank = 0; options.rank < RANKS; options.rank++)
        dealt[options.rank] = planned(options, 4);
    while (b < whole.batches) {
        int64_t left = whole.batches - b;
        int64_t run = left < RUN * RANKS ? (left + RANKS - 1) / RANKS : RUN;
        for (int r = 0; r < RANKS; r++)
            for (int64_t n = 0; n < run && b < whole.batches; n++, b++) {
                const mlce_batch_plan *plan = &dealt[r];
                int64_t count = whole.starts[b + 1] - whole.starts[b], at = taken[r]++;
                ck_assert_int_lt(at, plan->batches);
                ck_assert_int_eq(plan->starts[at + 1] - plan->starts[at], count);
                ck_assert_mem_eq(plan->order + plan->starts[at], whole.order + whole.starts[b],
                                 (size_t)count * sizeof *plan->order);
            }
    }
    for (int r = 0; r < RANKS; r++) {
        ck_assert_int_eq(dealt[r].batches, taken[r]);
        ck_assert_ptr_null(dealt[r].whole);
        mlce_batch_plan_free(&dealt[r]);
    }
    mlce_batch_plan_free(&whole);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, every_sequence_stands_in_one_batch, 0, KINDS);
    tcase_add_loop_test(cases, limits_of_sequences_and_tokens_hold, 0, KINDS);
    tcase_add_test(cases, a_batch_ends_only_where_the_next_sequence_would_pass_a_limit);
    tcase_add_test(cases, the_order_is_that_of_the_file_without_shuffling);
    tcase_add_test(cases, buckets_without_shuffling_keep_the_order_of_the_file);
    tcase_add_loop_test(cases, the_order_depends_on_seed_and_epoch_and_nothing_else, 0, 2);
    tcase_add_test(cases, buckets_make_like_lengths_meet);
    tcase_add_test(cases, bucketed_batches_do_not_come_by_length);
    tcase_add_test(cases, tokens_of_a_batch_stay_within_int);
    tcase_add_test(cases, an_empty_dataset_has_no_batch);
    tcase_add_loop_test(cases, parts_of_all_ranks_make_up_the_batches_of_one, 0, KINDS);
    tcase_add_loop_test(cases, whole_batches_are_dealt_to_the_ranks_in_runs, 0, KINDS);
    tcase_add_test(cases, parts_have_nearly_the_same_tokens);
    tcase_add_test(cases, a_rank_may_have_no_part_of_a_batch);
}

int main(void) {
    return run_suite("batch_plan", add);
}
