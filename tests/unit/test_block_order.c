/* test_block_order.c - the order of an epoch whose rows are read in blocks. */
#include "unit.h"

#include <stdint.h>

#include "data/batch_plan.h"

enum { COUNT = 6000, BLOCKS = 150, WINDOW = 40 };

static int lengths[COUNT]; /* 0 .. 60, by a fixed rule */
static int64_t first[BLOCKS + 1];

/* Blocks of 20 to 60 sequences. */
static mlce_batch_plan planned(mlce_batch_options options, int64_t window, int64_t epoch) {
    mlce_batch_plan plan;
    for (int i = 0; i < COUNT; i++) lengths[i] = (int)((unsigned)i * 2654435761u >> 7) % 61;
    for (int b = 0; b <= BLOCKS; b++)
        first[b] = b * 40 + (b > 0 && b < BLOCKS ? b % 3 * 10 - 10 : 0);
    assert_ok(mlce_batch_plan_init(&plan, lengths, COUNT, &options));
    assert_ok(mlce_batch_plan_set_blocks(&plan, first, BLOCKS, window, 8));
    mlce_batch_plan_make(&plan, epoch);
    return plan;
}

static const mlce_batch_options every_kind[] = {
    {.sequences = 16, .shuffle = true, .seed = 3},
    {.sequences = 16, .shuffle = true, .bucket = true, .seed = 3},
    {.tokens = 500, .shuffle = true, .seed = 3},
    {.tokens = 500, .shuffle = true, .bucket = true, .seed = 3},
    {.sequences = 3000, .shuffle = true, .seed = 3},
    {.sequences = 1, .shuffle = true},
    {.sequences = 16},
};
enum { KINDS = sizeof every_kind / sizeof every_kind[0] };

static const int64_t windows[] = {WINDOW, 1, 2, BLOCKS - 1, BLOCKS};
enum { WINDOWS = sizeof windows / sizeof windows[0] };

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

START_TEST(every_sequence_stands_in_one_batch) {
    mlce_batch_plan plan = planned(every_kind[_i / WINDOWS], windows[_i % WINDOWS], 0);
    check_complete(&plan);
    mlce_batch_plan_make(&plan, 5);
    check_complete(&plan);
    mlce_batch_plan_free(&plan);
}
END_TEST

static bool same_order(const mlce_batch_plan *a, const mlce_batch_plan *b) {
    return a->batches == b->batches && !memcmp(a->order, b->order, COUNT * sizeof *a->order) &&
           !memcmp(a->starts, b->starts, (size_t)(a->batches + 1) * sizeof *a->starts);
}

START_TEST(the_order_depends_on_seed_and_epoch_and_nothing_else) {
    mlce_batch_options options = every_kind[_i];
    mlce_batch_plan plan = planned(options, WINDOW, 4), again = planned(options, WINDOW, 0);
    for (int64_t epoch = 1; epoch <= 4; epoch++) {
        ck_assert(!same_order(&plan, &again));
        mlce_batch_plan_make(&again, epoch);
    }
    ck_assert(same_order(&plan, &again));
    options.seed++;
    mlce_batch_plan other = planned(options, WINDOW, 4);
    ck_assert(!same_order(&plan, &other));
    mlce_batch_plan_free(&plan);
    mlce_batch_plan_free(&again);
    mlce_batch_plan_free(&other);
}
END_TEST

/* Blocks between the first and the last use of their sequences, at most at any time; a batch uses
   them one after the other. */
static int most_live(const mlce_batch_plan *plan) {
    int left[BLOCKS] = {0}, live = 0, most = 0;
    bool begun[BLOCKS] = {false};
    for (int64_t i = 0; i < plan->starts[plan->batches]; i++)
        left[mlce_block_of(first, BLOCKS, plan->order[i])]++;
    for (int64_t i = 0; i < plan->starts[plan->batches]; i++) {
        int64_t b = mlce_block_of(first, BLOCKS, plan->order[i]);
        if (!begun[b]) live++;
        begun[b] = true;
        if (live > most) most = live;
        if (--left[b] == 0) live--;
    }
    return most;
}

START_TEST(no_more_blocks_are_needed_at_a_time_than_are_mixed) {
    for (int w = 0; w < WINDOWS; w++) {
        mlce_batch_plan plan = planned(every_kind[0], windows[w], 1);
        ck_assert_int_le(most_live(&plan), windows[w] + 2); /* a batch may pass the end of a slot */
        mlce_batch_plan_free(&plan);
        plan = planned(every_kind[4], windows[w], 1); /* a batch of 75 blocks' worth */
        ck_assert_int_le(most_live(&plan), windows[w] + 2);
        mlce_batch_plan_free(&plan);
        plan =
            planned(every_kind[1], windows[w], 1); /* 8 batches of like length: 3 blocks' worth */
        ck_assert_int_le(most_live(&plan), windows[w] + 8);
        mlce_batch_plan_free(&plan);
    }
}
END_TEST

/* What stands side by side in the file is spread over the epoch, and no batch is of few blocks. */
START_TEST(sequences_are_mixed_across_the_window) {
    mlce_batch_plan plan = planned(every_kind[0], WINDOW, 2);
    double displaced = 0, blocks = 0;
    int64_t least = COUNT;
    for (int i = 0; i < COUNT; i++) displaced += (double)llabs(plan.order[i] - i) / COUNT;
    for (int64_t b = 0; b + 1 < plan.batches; b++) {
        bool seen[BLOCKS] = {false};
        int64_t distinct = 0;
        for (int64_t i = plan.starts[b]; i < plan.starts[b + 1]; i++) {
            int64_t block = mlce_block_of(first, BLOCKS, plan.order[i]);
            distinct += !seen[block];
            seen[block] = true;
        }
        blocks += (double)distinct / (double)(plan.batches - 1);
        if (distinct < least) least = distinct;
    }
    /* A full shuffle has 1/3 and, of 16 sequences, 15.2 blocks; with 40 blocks to draw from it is
       13.3. */
    ck_assert_double_eq_tol(displaced / COUNT, 1.0 / 3, 0.04);
    ck_assert_double_gt(blocks, 12.5);
    ck_assert_int_ge(least, 8);
    mlce_batch_plan_free(&plan);
}
END_TEST

/* Where in the epoch the sequences of a block come. */
START_TEST(the_sequences_of_a_block_are_spread_over_the_window) {
    mlce_batch_plan plan = planned(every_kind[0], WINDOW, 2);
    double spread = 0;
    int64_t low[BLOCKS], high[BLOCKS] = {0};
    for (int b = 0; b < BLOCKS; b++) low[b] = COUNT;
    for (int i = 0; i < COUNT; i++) {
        int64_t b = mlce_block_of(first, BLOCKS, plan.order[i]);
        if (i < low[b]) low[b] = i;
        if (i > high[b]) high[b] = i;
    }
    for (int b = 0; b < BLOCKS; b++) spread += (double)(high[b] - low[b]) / BLOCKS;
    ck_assert_double_gt(spread, 0.8 * WINDOW * COUNT / BLOCKS);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(a_window_of_all_blocks_is_a_full_shuffle) {
    mlce_batch_plan plan = planned(every_kind[0], BLOCKS, 0);
    int64_t early = 0; /* of the first half of the order, from the first half of the file */
    for (int i = 0; i < COUNT / 2; i++) early += plan.order[i] < COUNT / 2;
    ck_assert_double_eq_tol((double)early / (COUNT / 2), 0.5, 0.05);
    mlce_batch_plan_free(&plan);
}
END_TEST

START_TEST(parts_of_all_ranks_make_up_the_batches_of_one) {
    enum { RANKS = 3 };
    mlce_batch_options options = every_kind[_i];
    mlce_batch_plan whole = planned(options, WINDOW, 4), parts[RANKS];
    options.ranks = RANKS;
    for (options.rank = 0; options.rank < RANKS; options.rank++) {
        parts[options.rank] = planned(options, WINDOW, 4);
        ck_assert_int_eq(parts[options.rank].batches, whole.batches);
    }
    for (int64_t b = 0; b < whole.batches; b++) {
        int64_t at = whole.starts[b]; /* the parts are runs, one behind the other */
        for (int r = 0; r < RANKS; r++)
            for (int64_t i = parts[r].starts[b]; i < parts[r].starts[b + 1]; i++) {
                ck_assert_int_eq(parts[r].places[i], at - whole.starts[b]);
                ck_assert_int_eq(parts[r].order[i], whole.order[at++]);
            }
        ck_assert_int_eq(at, whole.starts[b + 1]);
    }
    for (int r = 0; r < RANKS; r++) mlce_batch_plan_free(&parts[r]);
    mlce_batch_plan_free(&whole);
}
END_TEST

START_TEST(a_rank_reads_few_blocks_that_another_one_reads) {
    enum { RANKS = 2 };
    int used[RANKS] = {0};
    int64_t tokens[RANKS] = {0};
    mlce_batch_options options = {.sequences = 64, .shuffle = true, .ranks = RANKS};
    for (options.rank = 0; options.rank < RANKS; options.rank++) {
        mlce_batch_plan plan = planned(options, WINDOW, 0);
        bool seen[BLOCKS] = {false};
        for (int64_t i = 0; i < plan.starts[plan.batches]; i++) {
            int64_t b = mlce_block_of(first, BLOCKS, plan.order[i]);
            used[options.rank] += !seen[b];
            seen[b] = true;
            tokens[options.rank] += lengths[plan.order[i]];
        }
        mlce_batch_plan_free(&plan);
    }
    /* Half of them, and those at the border between the parts. */
    for (int r = 0; r < RANKS; r++) ck_assert_int_lt(used[r], BLOCKS * 3 / 4);
    ck_assert_double_eq_tol((double)tokens[0] / (double)(tokens[0] + tokens[1]), 0.5, 0.02);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, every_sequence_stands_in_one_batch, 0, KINDS * WINDOWS);
    tcase_add_loop_test(cases, the_order_depends_on_seed_and_epoch_and_nothing_else, 0, KINDS - 1);
    tcase_add_test(cases, no_more_blocks_are_needed_at_a_time_than_are_mixed);
    tcase_add_test(cases, sequences_are_mixed_across_the_window);
    tcase_add_test(cases, the_sequences_of_a_block_are_spread_over_the_window);
    tcase_add_test(cases, a_window_of_all_blocks_is_a_full_shuffle);
    tcase_add_loop_test(cases, parts_of_all_ranks_make_up_the_batches_of_one, 0, KINDS);
    tcase_add_test(cases, a_rank_reads_few_blocks_that_another_one_reads);
}

int main(void) {
    return run_suite("block_order", add);
}
