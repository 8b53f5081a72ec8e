/* block_order.h - a random order of sequences whose rows are read in blocks.
 *
 * A block is a run of sequences that is read at once. The blocks come in random order, and at any
 * moment the sequences of the last `window` of them are mixed: a sequence's slot is the place of
 * its block plus a random number below the window, and the sequences of a slot are shuffled. The
 * slots in which the window would be filling or draining, at both ends of the epoch, are one slot
 * each; so where the window holds all blocks, the order is a full shuffle.
 */
#ifndef MLCE_DATA_BLOCK_ORDER_H
#define MLCE_DATA_BLOCK_ORDER_H

#include "mlce/random.h"

typedef struct mlce_block_order {
    const int64_t *first; /* [blocks+1] block b is the sequences first[b] .. first[b+1] - 1 */
    int64_t blocks;
    int64_t window;    /* blocks that are mixed, 1 .. blocks */
    int64_t *order;    /* [blocks] of the epoch */
    int64_t *position; /* [blocks] of each block in `order` */
    int64_t *ends;     /* [blocks+2] of the slots, in sequences */
} mlce_block_order;

/* `first` must outlive the order. */
mlce_status mlce_block_order_init(mlce_block_order *blocks, const int64_t *first, int64_t count,
                                  int64_t window);
void mlce_block_order_free(mlce_block_order *blocks);

/* The block of a sequence. */
int64_t mlce_block_of(const int64_t *first, int64_t blocks, int64_t sequence);

/* Puts all sequences into an epoch's order; `slots` is room for as many numbers. */
void mlce_block_order_make(mlce_block_order *blocks, mlce_random *random, int64_t *order,
                           int64_t *slots);

/* Puts the sequences of a batch into the order of their blocks' lanes, of which there are as many
   as blocks in the window: a lane has one block at a time, each the successor of the one before. So
   a run of lanes, which is what a rank gets of a batch, is of the same blocks in the next batch.
   `keys` is room for as many numbers. */
void mlce_block_order_sort(const mlce_block_order *blocks, int64_t *batch, int64_t count,
                           int64_t *keys);

#endif
