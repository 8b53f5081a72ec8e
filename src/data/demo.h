/* demo.h - the demo data: made-up English sentences with nested, labelled spans, or made-up items
 * with labels. */
#ifndef MLCE_DATA_DEMO_H
#define MLCE_DATA_DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "mlce/dataset.h"
#include "mlce/memory.h"
#include "mlce/random.h"

enum { MLCE_DEMO_TYPES = 7, MLCE_DEMO_SPLITS = 3 };
extern const char *const mlce_demo_types[MLCE_DEMO_TYPES];
extern const char *const mlce_demo_splits[MLCE_DEMO_SPLITS]; /* "train", "dev", "test" */

/* The random numbers of one split. */
mlce_random mlce_demo_random(uint64_t seed, int split);

/* The next sentence: tokens, their code points in the text, the text and the spans; without
   embeddings and id. All memory is the arena's. */
mlce_status mlce_demo_sentence(mlce_random *random, mlce_arena *arena, mlce_sequence *sentence);

enum { MLCE_DEMO_LABELS = 60, MLCE_DEMO_MOST_LABELS = 6 };

/* Where each label lies: values[label * dim ...]. A function of the seed alone. */
typedef struct mlce_demo_prototypes {
    int dim;
    float *values; /* on the heap */
} mlce_demo_prototypes;
mlce_status mlce_demo_prototypes_make(uint64_t seed, int dim, mlce_demo_prototypes *prototypes);

/* The next item: the sum of its labels' prototypes and noise. Without id. All memory is the
   arena's. */
mlce_status mlce_demo_item(mlce_random *random, const mlce_demo_prototypes *prototypes,
                           mlce_arena *arena, mlce_sequence *item);

typedef struct mlce_demo_options {
    mlce_task task;
    int64_t sequences; /* of train; dev and test have a fifth of it each, at least one */
    uint64_t seed;
    int dim;      /* features a token, of the embedding hash:dim; or an item's */
    bool replace; /* files that are there may be replaced */
} mlce_demo_options;

/* Writes folder/train.h5, dev.h5 and test.h5; makes the folder where it is missing. The files get
   their names when all three are complete. Sentences are a function of the seed alone, items of
   seed and dim. */
mlce_status mlce_demo_write(const char *folder, const mlce_demo_options *options);

#endif
