/* batch_plan.h - the order of an epoch: which sequences make up which batch. */
#ifndef MLCE_DATA_BATCH_PLAN_H
#define MLCE_DATA_BATCH_PLAN_H

#include "data/block_order.h"
#include "mlce/batch.h"

/* Of all ranks' parts together. */
typedef struct mlce_batch_size {
    int sequences, tokens;
} mlce_batch_size;

/* Batch b, or this rank's part of it, is the sequences order[starts[b]] .. order[starts[b+1] - 1].
 */
typedef struct mlce_batch_plan {
    int64_t batches;
    int64_t *order;  /* [sequences] */
    int64_t *starts; /* [batches+1] */
    /* Where ranks have parts, else NULL. */
    mlce_batch_size *whole; /* [batches] */
    int *places, *rows;     /* beside `order`: as in mlce_batch_part */

    int64_t sequences;
    const int *lengths;      /* [sequences], the caller's */
    int64_t window;          /* batches that are sorted by length together */
    mlce_block_order blocks; /* {0}: rows that are in memory have none */
    mlce_batch_options options;
    int64_t *spare_order, *spare_starts, *keys; /* as long as their likes */
    int64_t *loads;                             /* [ranks] */
    int *owners;                                /* as long as `order` */
} mlce_batch_plan;

/* Takes all the memory that any epoch's plan needs. `lengths` must outlive the plan. */
mlce_status mlce_batch_plan_init(mlce_batch_plan *plan, const int *lengths, int64_t sequences,
                                 const mlce_batch_options *options);
void mlce_batch_plan_free(mlce_batch_plan *plan);

/* For rows that are read in blocks: epochs come block by block (block_order.h), `mixed` of them at
   a time, and batches of like length are sorted in windows of `window` batches, 1 .. 64. Within a
   batch the sequences stand in the order of their blocks, of which each of several ranks gets a
   run: it reads few blocks that another one reads. `first` as in mlce_block_order_init(). */
mlce_status mlce_batch_plan_set_blocks(mlce_batch_plan *plan, const int64_t *first, int64_t count,
                                       int64_t mixed, int64_t window);

/* Plans an epoch, 0 .. MLCE_BATCH_PLAN_EPOCHS - 1, from the lengths, the options and its number
   alone; with several ranks, this rank's parts of the same batches, or those of them that are its.
   Every sequence stands in one batch; no batch is without sequences, nor passes options.sequences
   and options.tokens (INT_MAX where 0) unless it is one sequence alone. */
void mlce_batch_plan_make(mlce_batch_plan *plan, int64_t epoch);

#define MLCE_BATCH_PLAN_EPOCHS ((int64_t)1 << 27) /* as many as there are streams to draw from */

#endif
