/* copy.h - sequences on their way from one dataset into another. */
#ifndef MLCE_CORPUS_COPY_H
#define MLCE_CORPUS_COPY_H

#include "mlce/dataset.h"

/* What a writer needs to know to write this dataset anew: its types, width, and the parts that all
   of its files have. float64, which is read as float32, is written as such. Strings are the
   dataset's; mlce_dataset_load_text() must have succeeded before. */
mlce_dataset_spec mlce_copy_spec(const mlce_dataset *dataset);

/* Room for a sequence. {0} is empty; free with mlce_copier_free(). */
typedef struct mlce_copier {
    float *rows, *ones; /* embeddings; weights for labels that have none */
    size_t capacity, ones_capacity;
} mlce_copier;

/* Adds sequence s to what the writer writes; `document` is added to the number of its document. */
mlce_status mlce_copy_sequence(mlce_copier *copier, mlce_dataset *dataset, int64_t s,
                               int64_t document, mlce_dataset_writer *writer);
void mlce_copier_free(mlce_copier *copier);

#endif
