/* blocks.c - some classes of a row, ready for loops without a branch. */
#include <string.h>

#include "core/vector.h"
#include "loss/rows.h"

MLCE_KERNEL static bool any_positive(const float *t, int count) {
    float top = 0;
#pragma omp simd reduction(max : top)
    for (int i = 0; i < count; i++) top = t[i] > top ? t[i] : top;
    return top > 0;
}

MLCE_KERNEL static void copy_unmasked(const float *s, const unsigned char *mask, float *to,
                                      int count) {
    for (int i = 0; i < count; i++) to[i] = mask[i] ? -INFINITY : s[i];
}

/* The first positive at or after class i. */
static int find_positive(const mlce_loss_row *row, int i) {
    int low = 0, high = row->positive_count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (row->positives[middle] < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool mlce_loss_block_is_dense(const mlce_loss_row *row, int first, int count, int *begin,
                              int *end) {
    *begin = *end = 0;
    if (row->dense) return any_positive(row->dense + first, count);
    if (row->positive_count == 0) return false;
    *begin = find_positive(row, first);
    *end = find_positive(row, first + count);
    return *end - *begin > MLCE_LOSS_SINGLES;
}

void mlce_loss_block_view(const mlce_loss_row *row, int first, int count, mlce_loss_block *block) {
    block->first = first;
    block->count = count;
    bool dense = mlce_loss_block_is_dense(row, first, count, &block->begin, &block->end);
    bool singles = !dense && block->begin < block->end;
    block->s = row->scores + first;
    if (row->mask) {
        copy_unmasked(block->s, row->mask + first, block->s_copy, count);
        block->s = block->s_copy;
    } else if (singles) {
        memcpy(block->s_copy, block->s, (size_t)count * sizeof(float));
        block->s = block->s_copy;
    }
    block->t = !dense ? NULL : row->dense ? row->dense + first : block->t_copy;
    if (block->t == block->t_copy) memset(block->t_copy, 0, (size_t)count * sizeof(float));
    for (int k = block->begin; k < block->end; k++) {
        int i = row->positives[k] - first;
        if (singles)
            block->s_copy[i] = -INFINITY;
        else
            block->t_copy[i] = (float)mlce_loss_weight(row, k);
    }
    if (dense) block->begin = block->end;
}
