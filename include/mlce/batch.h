/* batch.h - packed batches: the tokens of several sequences end to end, no padding, no mask. */
#ifndef MLCE_BATCH_H
#define MLCE_BATCH_H

#include "mlce/dataset.h"
#include "mlce/shape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a rank that has a part of a batch knows of the whole one. */
typedef struct mlce_batch_part {
    int sequences, tokens; /* of the whole batch */
    const int *places;     /* [sequences of the part] which of the whole batch's they are, rising */
    const int *rows;       /* [sequences of the part] where their rows begin in the whole batch */
} mlce_batch_part;

typedef struct mlce_batch {
    int sequences;
    int tokens;
    int width;               /* features a token: the dataset's, and behind them those of
                                mlce_batch_options.shape */
    const int64_t *ids;      /* [sequences] their numbers in the dataset */
    const int *offsets;      /* [sequences+1]; sequence b is the rows offsets[b] .. offsets[b+1] */
    const float *embeddings; /* [tokens, width] */
    const mlce_span *spans;  /* gold, all sequences end to end */
    const int *span_offsets; /* [sequences+1] */
    const float *span_weights;   /* soft targets of the gold spans; NULL: all are 1 */
    const mlce_batch_part *part; /* with ranks over 1, unless they are dealt whole batches: then
                                    the rest is that of the rank's part, which may have no sequence.
                                    NULL: the batch is whole */
} mlce_batch;

typedef struct mlce_batch_options {
    int sequences; /* a batch ends at so many sequences; 0 = no such limit */
    int tokens;    /* ... or before so many tokens would be passed; 0 = no such limit. A longer
                      sequence is a batch of its own */
    bool shuffle;  /* the order of an epoch depends on seed and epoch, and where the embeddings are
                      not in memory, on how they are stored and on `memory` */
    bool bucket;   /* with shuffle: sequences of like length share a batch. Windows of 64 batches
                      (fewer, where `memory` holds fewer) are sorted by length, and the batches
                      then shuffled */
    uint64_t seed;
    /* Several processes that work on each batch together, rank 0 .. ranks-1 (ranks 0 is 1): all
       plan the same batches, whatever their number, and each gets its own part of each, so that all
       have about as many tokens. A rank reads its own rows only, but of files in whole blocks
       (`memory`), at most from the first to the last of its rows in each. */
    int rank, ranks;
    int deal; /* with ranks, over 0: instead of a part of each they get whole batches, so many in a
                 row that rank 0 has the first, rank 1 the next, and so on, round after round; what
                 is left for the last round is cut evenly */
    /* Bytes of memory for embeddings on their way from the file, where they are not in memory;
       0: 256 MiB. Rows are read in blocks of 2 to 4 MiB, each chunk of a file once or twice an
       epoch. With shuffle the blocks of all files come in random order, and the sequences of those
       that three quarters of this memory hold (half with bucket) are mixed; see README.md, "Data
       larger than memory". A single sequence that is larger takes what it needs. */
    size_t memory;
    mlce_shape_options shape; /* features of the tokens' text beside each embedding; {0}: none */
} mlce_batch_options;

typedef struct mlce_batcher mlce_batcher;

/* Batches over a dataset, which must outlive the batcher. A thread of its own reads the next
   batch while the caller works on this one. With shape features the dataset's text is loaded
   (mlce_dataset_load_text()); MLCE_E_DATA where it has none. Free with mlce_batcher_free(). */
MLCE_API mlce_status mlce_batcher_new(mlce_dataset *dataset, const mlce_batch_options *options,
                                      mlce_batcher **batcher);
MLCE_API void mlce_batcher_free(mlce_batcher *batcher);

/* Plans the batches of an epoch (0, 1, ...) and starts to read. Drops what is left of another. */
MLCE_API mlce_status mlce_batcher_start(mlce_batcher *batcher, int64_t epoch);
/* The same from batch `first` (0 .. the number of them) on: where a run was interrupted. */
MLCE_API mlce_status mlce_batcher_start_at(mlce_batcher *batcher, int64_t epoch, int64_t first);
/* Batches of the planned epoch, with those before the first. */
MLCE_API int64_t mlce_batcher_count(const mlce_batcher *batcher);
/* The next batch, valid until the next call, or *batch = NULL after the last. */
MLCE_API mlce_status mlce_batcher_next(mlce_batcher *batcher, const mlce_batch **batch);

#ifdef __cplusplus
}
#endif
#endif
