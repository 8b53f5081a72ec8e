/* batch_plan.c - the order of an epoch.
 *
 * Sequences are shuffled and cut into batches in that order. With buckets, the shuffled order is
 * cut into windows of 64 batches' worth, each window sorted by length before it is cut into
 * batches, and at last the batches are shuffled. Where rows are read in blocks, the order is that
 * of block_order.h, and the batches of one window are shuffled among themselves. What several ranks
 * do together is cut into their parts after that.
 */
#include "data/batch_plan.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data/batch_split.h"
#include "mlce/memory.h"
#include "mlce/random.h"

enum { WINDOW = 64 };

/* What only the parts of several ranks need. */
static mlce_status init_parts(mlce_batch_plan *plan, size_t size) {
    plan->whole = mlce_calloc(size, sizeof *plan->whole);
    plan->places = mlce_calloc(size, sizeof *plan->places);
    plan->rows = mlce_calloc(size, sizeof *plan->rows);
    plan->owners = mlce_calloc(size, sizeof *plan->owners);
    plan->loads = mlce_calloc((size_t)plan->options.ranks, sizeof *plan->loads);
    bool good = plan->whole && plan->places && plan->rows && plan->owners && plan->loads;
    return good ? MLCE_OK : MLCE_E_MEMORY;
}

mlce_status mlce_batch_plan_init(mlce_batch_plan *plan, const int *lengths, int64_t sequences,
                                 const mlce_batch_options *options) {
    size_t size = (size_t)sequences + 1;
    *plan = (mlce_batch_plan){
        .sequences = sequences, .lengths = lengths, .options = *options, .window = WINDOW};
    if (!plan->options.sequences) plan->options.sequences = INT_MAX;
    if (!plan->options.tokens) plan->options.tokens = INT_MAX;
    int64_t **arrays[] = {&plan->order, &plan->starts, &plan->spare_order, &plan->spare_starts,
                          &plan->keys};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        if (!(*arrays[i] = mlce_calloc(size, sizeof(int64_t)))) {
            mlce_batch_plan_free(plan);
            return MLCE_E_MEMORY;
        }
    mlce_status status =
        options->ranks > 1 && options->deal <= 0 ? init_parts(plan, size) : MLCE_OK;
    if (status) mlce_batch_plan_free(plan);
    return status;
}

mlce_status mlce_batch_plan_set_blocks(mlce_batch_plan *plan, const int64_t *first, int64_t count,
                                       int64_t mixed, int64_t window) {
    plan->window = window;
    return mlce_block_order_init(&plan->blocks, first, count, mixed);
}

void mlce_batch_plan_free(mlce_batch_plan *plan) {
    mlce_block_order_free(&plan->blocks);
    free(plan->order);
    free(plan->starts);
    free(plan->spare_order);
    free(plan->spare_starts);
    free(plan->keys);
    free(plan->whole);
    free(plan->places);
    free(plan->rows);
    free(plan->owners);
    free(plan->loads);
    *plan = (mlce_batch_plan){0};
}

/* The end of the run of sequences from order[begin] on that holds at most so many sequences and
   tokens, but at least one sequence. */
static int64_t run_end(const mlce_batch_plan *plan, int64_t begin, int64_t end, int64_t sequences,
                       int64_t tokens) {
    int64_t i = begin, total = 0;
    while (i < end && i - begin < sequences) {
        total += plan->lengths[plan->order[i]];
        if (total > tokens && i > begin) break;
        i++;
    }
    return i;
}

/* Cuts order[begin..end) into batches behind those that there are. */
static void cut(mlce_batch_plan *plan, int64_t begin, int64_t end) {
    while (begin < end) {
        begin = run_end(plan, begin, end, plan->options.sequences, plan->options.tokens);
        plan->starts[++plan->batches] = begin;
    }
}

static int compare_keys(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Sorts order[begin..end) by length. A key is (length, place), so that equals keep their order
   whatever qsort() does. */
static void sort_by_length(mlce_batch_plan *plan, int64_t begin, int64_t end) {
    int64_t count = end - begin, *window = plan->order + begin;
    for (int64_t i = 0; i < count; i++) {
        plan->spare_order[i] = window[i];
        plan->keys[i] = (int64_t)plan->lengths[window[i]] << 32 | i;
    }
    qsort(plan->keys, (size_t)count, sizeof(int64_t), compare_keys);
    for (int64_t i = 0; i < count; i++) window[i] = plan->spare_order[plan->keys[i] & UINT32_MAX];
}

/* Shuffles the batches from `first` on. */
static void shuffle_batches(mlce_batch_plan *plan, mlce_random *random, int64_t first) {
    int64_t *order = plan->spare_order, *starts = plan->spare_starts, begin = plan->starts[first];
    int64_t count = plan->batches - first, filled = begin;
    for (int64_t n = 0; n < count; n++) plan->keys[n] = first + n;
    mlce_random_shuffle(random, plan->keys, count);
    for (int64_t n = 0; n < count; n++) {
        int64_t from = plan->starts[plan->keys[n]];
        int64_t sequences = plan->starts[plan->keys[n] + 1] - from;
        memcpy(order + filled, plan->order + from, (size_t)sequences * sizeof *order);
        starts[n] = filled;
        filled += sequences;
    }
    memcpy(plan->order + begin, order + begin, (size_t)(filled - begin) * sizeof *order);
    memcpy(plan->starts + first, starts, (size_t)count * sizeof *starts);
}

static void cut_by_length(mlce_batch_plan *plan, mlce_random *random) {
    int64_t sequences = plan->window * plan->options.sequences;
    int64_t tokens = plan->window * plan->options.tokens;
    if (sequences > UINT32_MAX) sequences = UINT32_MAX;
    for (int64_t begin = 0, end; begin < plan->sequences; begin = end) {
        int64_t first = plan->batches;
        end = run_end(plan, begin, plan->sequences, sequences, tokens);
        sort_by_length(plan, begin, end);
        cut(plan, begin, end);
        if (plan->blocks.blocks) shuffle_batches(plan, random, first);
    }
    if (!plan->blocks.blocks) shuffle_batches(plan, random, 0);
}

/* A random order, that of block_order.h where there are blocks. */
static void shuffle(mlce_batch_plan *plan, mlce_random *random) {
    if (plan->blocks.blocks)
        mlce_block_order_make(&plan->blocks, random, plan->order, plan->keys);
    else
        mlce_random_shuffle(random, plan->order, plan->sequences);
}

/* Puts the sequences of each batch into the order of their blocks. */
static void sort_by_block(mlce_batch_plan *plan) {
    for (int64_t b = 0; b < plan->batches; b++)
        mlce_block_order_sort(&plan->blocks, plan->order + plan->starts[b],
                              plan->starts[b + 1] - plan->starts[b], plan->keys);
}

/* This rank's part of a whole batch, behind those before it in spare_order; returns its end. */
static int64_t take_part(mlce_batch_plan *plan, int64_t b, int64_t filled) {
    const int64_t *sequences = plan->order + plan->starts[b];
    int64_t count = plan->starts[b + 1] - plan->starts[b];
    int ranks = plan->options.ranks;
    if (plan->blocks.blocks)
        mlce_batch_split_runs(plan->lengths, sequences, count, ranks, plan->owners);
    else
        mlce_batch_split(plan->lengths, sequences, count, ranks, plan->keys, plan->loads,
                         plan->owners);
    int row = 0;
    for (int i = 0; i < count; i++) {
        if (plan->owners[i] == plan->options.rank) {
            plan->spare_order[filled] = sequences[i];
            plan->places[filled] = i;
            plan->rows[filled++] = row;
        }
        row += plan->lengths[sequences[i]];
    }
    plan->whole[b] = (mlce_batch_size){(int)count, row};
    return filled;
}

/* From whole batches to this rank's parts. */
static void take_parts(mlce_batch_plan *plan) {
    int64_t *order = plan->spare_order, *starts = plan->spare_starts;
    starts[0] = 0;
    for (int64_t b = 0; b < plan->batches; b++) starts[b + 1] = take_part(plan, b, starts[b]);
    plan->spare_order = plan->order;
    plan->spare_starts = plan->starts;
    plan->order = order;
    plan->starts = starts;
}

/* From all batches to those that are dealt to this rank: one run of each round. */
static void take_batches(mlce_batch_plan *plan) {
    int64_t ranks = plan->options.ranks, taken = 0;
    int64_t *starts = plan->starts;
    for (int64_t first = 0, run; first < plan->batches; first += run * ranks) {
        int64_t even = (plan->batches - first + ranks - 1) / ranks;
        run = even < plan->options.deal ? even : plan->options.deal;
        int64_t b = first + run * plan->options.rank;
        for (int64_t n = 0; n < run && b < plan->batches; n++, b++) {
            int64_t from = starts[b], count = starts[b + 1] - from;
            memmove(plan->order + starts[taken], plan->order + from,
                    (size_t)count * sizeof *plan->order);
            starts[taken + 1] = starts[taken] + count;
            taken++;
        }
    }
    plan->batches = taken;
}

void mlce_batch_plan_make(mlce_batch_plan *plan, int64_t epoch) {
    mlce_random random =
        mlce_random_new(plan->options.seed, MLCE_STREAM_SHUFFLE + 16 * (uint32_t)epoch);
    for (int64_t i = 0; i < plan->sequences; i++) plan->order[i] = i;
    plan->batches = 0;
    plan->starts[0] = 0;
    if (plan->options.shuffle) shuffle(plan, &random);
    if (plan->options.shuffle && plan->options.bucket)
        cut_by_length(plan, &random);
    else
        cut(plan, 0, plan->sequences);
    if (plan->options.shuffle && plan->blocks.blocks) sort_by_block(plan);
    if (plan->whole)
        take_parts(plan);
    else if (plan->options.ranks > 1)
        take_batches(plan);
}
