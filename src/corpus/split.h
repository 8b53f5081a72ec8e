/* split.h - a dataset cut into parts, such as train, dev and test. */
#ifndef MLCE_CORPUS_SPLIT_H
#define MLCE_CORPUS_SPLIT_H

#include "mlce/dataset.h"

/* What stays together: sequences that are the same (see twins.h), those of one document, or
   nothing. */
typedef enum mlce_together {
    MLCE_TOGETHER_IDENTICAL,
    MLCE_TOGETHER_DOCUMENTS,
    MLCE_TOGETHER_NONE
} mlce_together;

typedef struct mlce_split_part {
    const char *path; /* to be written */
    double share;     /* over 0; all sum to 1 */
    int64_t sequences, tokens, spans;
} mlce_split_part;

/* The number of the part of each sequence, part_of[sequences], by iterative stratification over the
   types (see stratify.h); fills in the parts' sequences, tokens and spans. A part that would be
   empty is an error. mlce_dataset_load_text() must have succeeded before. */
mlce_status mlce_split_plan(mlce_dataset *dataset, mlce_split_part *parts, int count,
                            mlce_together together, uint64_t seed, int *part_of);

/* Writes the parts, sequences in their old order. No file appears before all are whole. */
mlce_status mlce_split_write(mlce_dataset *dataset, const mlce_split_part *parts, int count,
                             const int *part_of);

#endif
