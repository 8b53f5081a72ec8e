/* batch_split.c - a batch dealt out to ranks, by tokens. */
#include "data/batch_split.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int least_loaded(const int64_t *loads, int ranks) {
    int least = 0;
    for (int r = 1; r < ranks; r++)
        if (loads[r] < loads[least]) least = r;
    return least;
}

void mlce_batch_split(const int *lengths, const int64_t *sequences, int64_t count, int ranks,
                      int64_t *keys, int64_t *loads, int *owners) {
    memset(loads, 0, (size_t)ranks * sizeof *loads);
    /* Falling length, then rising place. */
    for (int64_t i = 0; i < count; i++)
        keys[i] = (int64_t)(INT_MAX - lengths[sequences[i]]) << 32 | i;
    qsort(keys, (size_t)count, sizeof *keys, compare_keys);
    for (int64_t n = 0; n < count; n++) {
        int64_t i = keys[n] & UINT32_MAX;
        int owner = least_loaded(loads, ranks);
        owners[i] = owner;
        loads[owner] += lengths[sequences[i]];
    }
}

void mlce_batch_split_runs(const int *lengths, const int64_t *sequences, int64_t count, int ranks,
                           int *owners) {
    int64_t tokens = 0, before = 0;
    for (int64_t i = 0; i < count; i++) tokens += lengths[sequences[i]];
    if (tokens == 0) tokens = 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t length = lengths[sequences[i]];
        int64_t twice_middle = 2 * before + (length ? length - 1 : 0);
        int64_t owner = twice_middle * ranks / (2 * tokens);
        owners[i] = (int)(owner < ranks ? owner : ranks - 1);
        before += length;
    }
}
