/* embed_hash.h - embeddings of tokens without a language model: hashed character n-grams. */
#ifndef MLCE_DATA_EMBED_HASH_H
#define MLCE_DATA_EMBED_HASH_H

#include "mlce/status.h"

enum { MLCE_EMBED_HASH_MIN = 8, MLCE_EMBED_HASH_MAX = 65536 };

/* Whether `name` is "hash:D" with a whole D of MLCE_EMBED_HASH_MIN .. MLCE_EMBED_HASH_MAX; fails
   with MLCE_E_ARGUMENT and a message that says what is allowed. */
mlce_status mlce_embed_hash_parse(const char *name, int *dim);

/* The embedding of one token (UTF-8), row[dim]; words with an ending, a beginning or a spelling in
   common lie close to each other. A function of the token alone, the same bits on every machine.
   A row has norm sqrt(dim), so that a feature has a mean square of 1.

   The row is a sum of features (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask
   Learning"), each of which adds its weight with hashed signs to four hashed columns:
     - the n-grams of 3, 4 and 5 code points of the lower-cased token between two boundary marks
       (Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information"); those with
       the mark of the beginning have twice, those with that of the end four times the weight of
       the others;
     - the whole lower-cased token, with a tenth of the n-grams' sum of squares;
     - its shape: letter case, digits and punctuation with runs cut to one ("Xx", "X.", "0.x"),
       with as large a sum of squares as the n-grams'.
   Bytes that are not UTF-8 count as U+FFFD. */
void mlce_embed_hash(const char *token, int dim, float *row);

#endif
