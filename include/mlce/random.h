/* random.h - random numbers by counter: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel
 * Random Numbers: As Easy as 1, 2, 3", SC 2011).
 *
 * A draw is a function of (seed, stream, position) and of nothing else, so any thread can make
 * any part of a sequence, and the state of a run is a handful of integers.
 */
#ifndef MLCE_RANDOM_H
#define MLCE_RANDOM_H

#include <stdint.h>

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The four words of block `position` of a stream. */
MLCE_API void mlce_philox(uint64_t seed, uint32_t stream, uint64_t position, uint32_t word[4]);

/* The words of blocks position .. position+blocks-1, four a block, into words[4 * blocks]. */
MLCE_API void mlce_philox_fill(uint64_t seed, uint32_t stream, uint64_t position, int blocks,
                               uint32_t *words);

/* A generator that walks a stream from its start. A plain value: copy it to fork it. */
typedef struct mlce_random {
    uint64_t seed;
    uint64_t position; /* the next block that is not in `word` */
    uint32_t stream;
    uint32_t word[64]; /* the current blocks */
    int used;          /* words of them already given out */
} mlce_random;

MLCE_API mlce_random mlce_random_new(uint64_t seed, uint32_t stream);
MLCE_API uint32_t mlce_random_u32(mlce_random *random);
/* Uniform over 0 .. bound-1, without bias; bound >= 1. */
MLCE_API uint64_t mlce_random_below(mlce_random *random, uint64_t bound);
/* Uniform over [0, 1), 24 bits. */
MLCE_API float mlce_random_float(mlce_random *random);
/* A random order of items[0..count-1] (Fisher-Yates). */
MLCE_API void mlce_random_shuffle(mlce_random *random, int64_t *items, int64_t count);

/* Streams: each use has its own, so that no two draw the same numbers from one seed. */
enum {
    MLCE_STREAM_INIT = 1,    /* parameters: + 16 * the parameter's number */
    MLCE_STREAM_SHUFFLE = 2, /* order of sequences: + 16 * epoch */
    MLCE_STREAM_DROPOUT = 3, /* masks: + 16 * the op's number in its graph */
    MLCE_STREAM_DATA = 4,    /* made-up data */
    MLCE_STREAM_SWEEP = 5,   /* order of a sweep's lists; its ranges: + 16 * the key's number */
    MLCE_STREAM_SPLIT = 6    /* of a dataset into parts */
};

#ifdef __cplusplus
}
#endif
#endif
