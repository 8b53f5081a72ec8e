/* vectors.h - files of word vectors. */
#ifndef MLCE_CONVERT_VECTORS_H
#define MLCE_CONVERT_VECTORS_H

#include <stdint.h>

#include "convert/names.h"
#include "mlce/status.h"

/* The vectors of a vocabulary's words. {0} is empty. */
typedef struct mlce_vectors {
    int width;
    int32_t *rows; /* [vocabulary] the row of each word, or -1 */
    float *values; /* [kept * width] */
    size_t kept, capacity;
} mlce_vectors;

/* Reads the vectors of the words in `vocabulary`; of a word that stands twice, the first. */
mlce_status mlce_vectors_read(const char *path, const mlce_names *vocabulary,
                              mlce_vectors *vectors);
void mlce_vectors_free(mlce_vectors *vectors);

#endif
