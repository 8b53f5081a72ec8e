/* twins.h - sequences that are the same, found by fingerprints of 128 bits. */
#ifndef MLCE_CORPUS_TWINS_H
#define MLCE_CORPUS_TWINS_H

#include "mlce/dataset.h"

/* {0} is that of nothing: of a sequence without tokens. */
typedef struct mlce_print {
    uint64_t a, b;
} mlce_print;

/* Adds bytes, and where they end. */
void mlce_print_add(mlce_print *print, const void *bytes, size_t size);

/* What makes two sequences the same: the first of these that all sequences have. */
typedef enum mlce_twin_basis { MLCE_BY_TOKENS, MLCE_BY_TEXT, MLCE_BY_EMBEDDINGS } mlce_twin_basis;
mlce_twin_basis mlce_twins_basis(const mlce_dataset *dataset);

/* Fingerprints prints[sequences], for embeddings by a pass over all rows (float32, so that
   precisions compare). mlce_dataset_load_text() must have succeeded before. */
mlce_status mlce_twins_print(mlce_dataset *dataset, mlce_twin_basis basis, mlce_print *prints);

/* Fingerprints in order, to be searched. {0} is empty. */
typedef struct mlce_twin_index {
    struct mlce_twin_entry *entries; /* [count]; sequences without tokens are left out */
    int64_t count;
} mlce_twin_index;

mlce_status mlce_twins_index(const mlce_print *prints, int64_t sequences, mlce_twin_index *index);
/* The first sequence with that fingerprint, or -1. */
int64_t mlce_twins_find(const mlce_twin_index *index, mlce_print print);
void mlce_twins_free(mlce_twin_index *index);

/* *agree gets whether sequence s of `a` has the same spans as sequence t of `b`. types[i] is b's
   number of a's type i, or -1; NULL: the numbers are the same. */
mlce_status mlce_twins_agree(const mlce_dataset *a, int64_t s, const int *types,
                             const mlce_dataset *b, int64_t t, bool *agree);

#endif
