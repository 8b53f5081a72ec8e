/* merge.h - several datasets made into one. */
#ifndef MLCE_CORPUS_MERGE_H
#define MLCE_CORPUS_MERGE_H

#include "mlce/dataset.h"

typedef struct mlce_merge_report {
    int64_t sequences, tokens, spans;
    int types;
    mlce_task task;
} mlce_merge_report;

/* Writes the sequences of all datasets, one after the other, into a file at `output`.
 *
 * Types are united by name: those of the first in its order, then what each other has more. The
 * datasets must hold the same kind of thing, have the same width and layers, the same embedding
 * (where they say), and all or none must have spans. The precision is the highest of them; text,
 * ids and such stay where all have them, and a warning is logged where they do not. Documents of
 * different datasets stay different: numbers that would collide are moved. One dataset is open at a
 * time. */
mlce_status mlce_merge(const char *const *paths, int count, const char *output,
                       mlce_merge_report *report);

#endif
