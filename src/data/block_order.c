/* block_order.c - a random order of sequences whose rows are read in blocks. */
#include "data/block_order.h"

#include <stdlib.h>
#include <string.h>

#include "mlce/memory.h"

mlce_status mlce_block_order_init(mlce_block_order *blocks, const int64_t *first, int64_t count,
                                  int64_t window) {
    *blocks = (mlce_block_order){.first = first, .blocks = count, .window = window};
    int64_t **arrays[] = {&blocks->order, &blocks->position, &blocks->ends};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        if (!(*arrays[i] = mlce_calloc((size_t)count + 2, sizeof(int64_t)))) {
            mlce_block_order_free(blocks);
            return MLCE_E_MEMORY;
        }
    return MLCE_OK;
}

void mlce_block_order_free(mlce_block_order *blocks) {
    free(blocks->order);
    free(blocks->position);
    free(blocks->ends);
    *blocks = (mlce_block_order){0};
}

int64_t mlce_block_of(const int64_t *first, int64_t blocks, int64_t sequence) {
    int64_t low = 0, high = blocks - 1; /* the answer is low .. high */
    while (low < high) {
        int64_t middle = high - (high - low) / 2;
        if (first[middle] <= sequence)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* A block at place p has its sequences in the slots p .. p + window - 1; those below window - 1,
   where the window fills, and those from `blocks` on, where it drains, count as one slot each. */
static int64_t draw_slot(const mlce_block_order *blocks, mlce_random *random, int64_t place) {
    int64_t slot = place + (int64_t)mlce_random_below(random, (uint64_t)blocks->window);
    if (slot < blocks->window - 1) slot = blocks->window - 1;
    return slot < blocks->blocks ? slot : blocks->blocks;
}

void mlce_block_order_make(mlce_block_order *blocks, mlce_random *random, int64_t *order,
                           int64_t *slots) {
    const int64_t *first = blocks->first;
    int64_t *ends = blocks->ends, begin = 0;
    for (int64_t b = 0; b < blocks->blocks; b++) blocks->order[b] = b;
    mlce_random_shuffle(random, blocks->order, blocks->blocks);
    memset(ends, 0, (size_t)(blocks->blocks + 2) * sizeof *ends);
    for (int64_t p = 0; p < blocks->blocks; p++) {
        int64_t b = blocks->order[p];
        blocks->position[b] = p;
        for (int64_t s = first[b]; s < first[b + 1]; s++) {
            slots[s] = draw_slot(blocks, random, p);
            ends[slots[s] + 1]++;
        }
    }
    /* ends[n] is where slot n begins, and in the end where it ends. */
    for (int64_t n = 0; n <= blocks->blocks; n++) ends[n + 1] += ends[n];
    for (int64_t p = 0; p < blocks->blocks; p++) {
        int64_t b = blocks->order[p];
        for (int64_t s = first[b]; s < first[b + 1]; s++) order[ends[slots[s]]++] = s;
    }
    for (int64_t n = 0; n <= blocks->blocks; begin = ends[n++])
        mlce_random_shuffle(random, order + begin, ends[n] - begin);
}

static int compare_keys(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The blocks at the positions r, r + window, r + 2 window, ... follow one another in lane r: a key
   is (lane, turn in the lane, place in the block). */
void mlce_block_order_sort(const mlce_block_order *blocks, int64_t *batch, int64_t count,
                           int64_t *keys) {
    int64_t lanes = blocks->window, turns = blocks->blocks / lanes + 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t b = mlce_block_of(blocks->first, blocks->blocks, batch[i]);
        int64_t position = blocks->position[b];
        int64_t turn = position % lanes * turns + position / lanes;
        keys[i] = turn << 32 | (batch[i] - blocks->first[b]);
    }
    qsort(keys, (size_t)count, sizeof *keys, compare_keys);
    for (int64_t i = 0; i < count; i++) {
        int64_t turn = keys[i] >> 32, position = turn % turns * lanes + turn / turns;
        batch[i] = blocks->first[blocks->order[position]] + (keys[i] & UINT32_MAX);
    }
}
