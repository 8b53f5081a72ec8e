/* embed.h - embeddings of tokens without a language model: hashed n-grams, or vectors from a file.
 */
#ifndef MLCE_CONVERT_EMBED_H
#define MLCE_CONVERT_EMBED_H

#include <stdbool.h>
#include <stdint.h>

#include "convert/names.h"
#include "mlce/status.h"

/* What a word gets that the file of vectors lacks, also in lower case. */
typedef enum mlce_oov { MLCE_OOV_ZEROS, MLCE_OOV_HASH } mlce_oov;

typedef struct mlce_embedder mlce_embedder;

/* How many tokens were embedded, and how. */
typedef struct mlce_embed_counts {
    int64_t tokens;
    int64_t lowered; /* found in lower case only */
    int64_t unknown; /* not found */
} mlce_embed_counts;

/* `what` is "hash:D", or "vectors:FILE": text (GloVe, word2vec or fastText, with or without a first
   line of sizes) or word2vec's binary. Of a file only the vectors of words in `vocabulary` are
   kept; see mlce_embed_collect(). Hashed embeddings ignore it. */
mlce_status mlce_embedder_open(const char *what, mlce_oov oov, const mlce_names *vocabulary,
                               mlce_embedder **embedder);
void mlce_embedder_close(mlce_embedder *embedder);
/* Whether `what` needs a vocabulary; fails where it names no embedding. */
mlce_status mlce_embed_check(const char *what, bool *needs_vocabulary);

/* The FILE of "vectors:FILE", or NULL. */
const char *mlce_embed_file(const char *what);

/* Adds what may be looked up for the token: itself and its lower-cased form. */
mlce_status mlce_embed_collect(mlce_names *vocabulary, const char *token);

/* row[width]. A word is looked up as it is, then in lower case; what is not found is a row of
   zeros, or its hashed embedding scaled to the mean norm of the vectors. */
mlce_status mlce_embed_token(mlce_embedder *embedder, const char *token, float *row);

int mlce_embedder_width(const mlce_embedder *embedder);
/* "hash:256", "vectors:glove.txt": for the dataset's attribute. */
const char *mlce_embedder_name(const mlce_embedder *embedder);
const mlce_embed_counts *mlce_embedder_counts(const mlce_embedder *embedder);

#endif
