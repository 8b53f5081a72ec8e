/* stream.h - the rows of a dataset that is not in memory, read block by block.
 *
 * A block is a run of sequences of one file that begin within the same 2 to 4 MiB, a whole number
 * of chunks where the file is chunked; a longer sequence is a block of its own. An epoch reads a
 * block when the first of its sequences is wanted, or a few blocks earlier, and forgets it with the
 * last.
 */
#ifndef MLCE_DATA_STREAM_H
#define MLCE_DATA_STREAM_H

#include "data/batch_plan.h"
#include "data/dataset_parts.h"

/* The part of a block that an epoch uses. */
typedef struct mlce_stream_block {
    int64_t low, high; /* the first and the last sequence that is used */
    int64_t uses;      /* sequences still to be read */
    void *rows;        /* as stored, from sequence low on; NULL: not in memory */
} mlce_stream_block;

enum { MLCE_STREAM_SPARES = 4 };

typedef struct mlce_stream {
    mlce_dataset *dataset;
    int64_t count;         /* blocks; 0: all rows are in memory, nothing is to be streamed */
    int64_t *first;        /* [count+1] block b is the sequences first[b] .. first[b+1] - 1 */
    size_t memory;         /* bytes that blocks may take while they are read ahead */
    int64_t mixed, window; /* for mlce_batch_plan_set_blocks() */

    mlce_stream_block *blocks; /* [count] */
    int64_t *queue;            /* [count] the epoch's blocks in the order of their first use */
    int64_t queued;            /* of them: all, */
    int64_t read;              /* read so far, */
    int64_t reached;           /* and used so far; reached <= read */
    bool failed;               /* reading ahead has: whoever needs the block will be told */
    size_t bytes, most_bytes;  /* of blocks in memory, now and at most */
    struct {
        void *rows;
        size_t size;
    } spares[MLCE_STREAM_SPARES]; /* memory of blocks that were forgotten */
} mlce_stream;

/* `memory`: bytes for the blocks; 0: 256 MiB. `batches` says how they are mixed. */
mlce_status mlce_stream_init(mlce_stream *stream, mlce_dataset *dataset,
                             const mlce_batch_options *batches);
void mlce_stream_free(mlce_stream *stream);

/* Begins to read the batches of a plan, from batch `first` on. */
void mlce_stream_start(mlce_stream *stream, const mlce_batch_plan *plan, int64_t first);

/* mlce_rows_read() of the next sequence of the plan. */
mlce_status mlce_stream_read(mlce_stream *stream, int64_t sequence, float *rows, size_t stride);

/* Whether there is a block to be read ahead, and room for it; reads it. A failure is left to the
   mlce_stream_read() that needs the block. */
bool mlce_stream_has_ahead(const mlce_stream *stream);
void mlce_stream_read_ahead(mlce_stream *stream);

#endif
