/* batch_split.h - a batch that several ranks work on together: who takes which sequence. */
#ifndef MLCE_DATA_BATCH_SPLIT_H
#define MLCE_DATA_BATCH_SPLIT_H

#include <stdint.h>

/* owners[i] = the rank, 0 .. ranks-1, that takes sequences[i] of a batch: the longest first, each
 * to the rank that has the fewest tokens so far, of several the first one. Ranks may get none.
 *
 *   lengths    of all sequences, by number
 *   sequences  [count] the batch; count <= INT_MAX
 *   keys       [count] and
 *   loads      [ranks]: memory to work in
 *   owners     [count] */
void mlce_batch_split(const int *lengths, const int64_t *sequences, int64_t count, int ranks,
                      int64_t *keys, int64_t *loads, int *owners);

/* The same in runs, one a rank, in the order of the batch: a sequence is of the rank in whose share
   of the tokens its middle lies. */
void mlce_batch_split_runs(const int *lengths, const int64_t *sequences, int64_t count, int ranks,
                           int *owners);

#endif
