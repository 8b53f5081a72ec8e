/* embed.c - embeddings of tokens without a language model. */
#include "convert/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "convert/vectors.h"
#include "data/embed_hash.h"
#include "mlce/memory.h"

struct mlce_embedder {
    char *name;
    int width;
    mlce_oov oov;
    const mlce_names *vocabulary; /* NULL: hashed */
    mlce_vectors vectors;
    float scale; /* of hashed embeddings beside vectors */
    mlce_embed_counts counts;
};

static const char VECTORS[] = "vectors:";

const char *mlce_embed_file(const char *what) {
    bool is_vectors = !strncmp(what, VECTORS, sizeof VECTORS - 1) && what[sizeof VECTORS - 1];
    return is_vectors ? what + sizeof VECTORS - 1 : NULL;
}

mlce_status mlce_embed_check(const char *what, bool *needs_vocabulary) {
    int width;
    *needs_vocabulary = mlce_embed_file(what) != NULL;
    if (*needs_vocabulary || !mlce_embed_hash_parse(what, &width)) return MLCE_OK;
    return mlce_fail(MLCE_E_ARGUMENT,
                     "'%s' names no embedding: it is hash:D with D features a token, %d to %d, or "
                     "vectors:FILE",
                     what, MLCE_EMBED_HASH_MIN, MLCE_EMBED_HASH_MAX);
}

/* The lower-cased token on the heap. */
static char *lower(const char *token) {
    size_t size = strlen(token), used = 0;
    char *lowered = mlce_calloc(3 * size + 1, 1); /* a code point has up to 4 bytes, and may grow */
    const utf8proc_uint8_t *next = (const utf8proc_uint8_t *)token;
    while (lowered && *next) {
        utf8proc_int32_t code;
        utf8proc_ssize_t length = utf8proc_iterate(next, -1, &code);
        if (length <= 0) break; /* not UTF-8: the readers let none through */
        next += length;
        used += (size_t)utf8proc_encode_char(utf8proc_tolower(code),
                                             (utf8proc_uint8_t *)lowered + used);
    }
    return lowered;
}

mlce_status mlce_embed_collect(mlce_names *vocabulary, const char *token) {
    int number;
    if (mlce_names_find(vocabulary, token) >= 0) return MLCE_OK;
    mlce_status status = mlce_names_add(vocabulary, token, &number);
    char *lowered = status ? NULL : lower(token);
    if (!lowered) return MLCE_E_MEMORY;
    status = mlce_names_add(vocabulary, lowered, &number);
    free(lowered);
    return status;
}

/* Hashed embeddings have the norm sqrt(width): brings them to the vectors' mean norm. */
static float scale_of(const mlce_vectors *vectors) {
    double sum = 0;
    size_t width = (size_t)vectors->width;
    for (size_t i = 0; i < vectors->kept; i++) {
        double squares = 0;
        for (size_t k = 0; k < width; k++)
            squares +=
                (double)vectors->values[i * width + k] * (double)vectors->values[i * width + k];
        sum += sqrt(squares);
    }
    return vectors->kept ? (float)(sum / (double)vectors->kept / sqrt((double)width)) : 1;
}

static mlce_status open_vectors(mlce_embedder *e, const char *path) {
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    size_t size = sizeof VECTORS + strlen(file);
    mlce_status status = mlce_vectors_read(path, e->vocabulary, &e->vectors);
    if (status) return status;
    e->width = e->vectors.width;
    e->scale = scale_of(&e->vectors);
    if (e->oov == MLCE_OOV_HASH && e->width < MLCE_EMBED_HASH_MIN)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: vectors of %d numbers are too short for --oov hash",
                         path, e->width);
    if (!(e->name = mlce_calloc(size, 1))) return MLCE_E_MEMORY;
    memcpy(e->name, VECTORS, sizeof VECTORS - 1);
    memcpy(e->name + sizeof VECTORS - 1, file, strlen(file));
    return MLCE_OK;
}

mlce_status mlce_embedder_open(const char *what, mlce_oov oov, const mlce_names *vocabulary,
                               mlce_embedder **embedder) {
    bool needs_vocabulary;
    *embedder = NULL;
    mlce_status status = mlce_embed_check(what, &needs_vocabulary);
    if (status) return status;
    mlce_embedder *e = mlce_calloc(1, sizeof *e);
    if (!e) return MLCE_E_MEMORY;
    e->oov = oov;
    if (needs_vocabulary) {
        e->vocabulary = vocabulary;
        status = open_vectors(e, mlce_embed_file(what));
    } else {
        status = mlce_embed_hash_parse(what, &e->width);
        if (!status && !(e->name = mlce_strdup(what))) status = MLCE_E_MEMORY;
    }
    if (status)
        mlce_embedder_close(e);
    else
        *embedder = e;
    return status;
}

void mlce_embedder_close(mlce_embedder *embedder) {
    if (!embedder) return;
    mlce_vectors_free(&embedder->vectors);
    free(embedder->name);
    free(embedder);
}

/* The row of a word of the vocabulary, or -1. */
static int32_t row_of(const mlce_embedder *e, const char *word) {
    int number = mlce_names_find(e->vocabulary, word);
    return number < 0 ? -1 : e->vectors.rows[number];
}

mlce_status mlce_embed_token(mlce_embedder *embedder, const char *token, float *row) {
    size_t width = (size_t)embedder->width;
    embedder->counts.tokens++;
    if (!embedder->vocabulary) {
        mlce_embed_hash(token, embedder->width, row);
        return MLCE_OK;
    }
    int32_t found = row_of(embedder, token);
    if (found < 0) {
        char *lowered = lower(token);
        if (!lowered) return MLCE_E_MEMORY;
        found = row_of(embedder, lowered);
        free(lowered);
        embedder->counts.lowered += found >= 0;
    }
    if (found >= 0) {
        memcpy(row, embedder->vectors.values + (size_t)found * width, width * sizeof *row);
        return MLCE_OK;
    }
    embedder->counts.unknown++;
    if (embedder->oov == MLCE_OOV_HASH) mlce_embed_hash(token, embedder->width, row);
    for (size_t i = 0; i < width; i++)
        row[i] = embedder->oov == MLCE_OOV_HASH ? row[i] * embedder->scale : 0;
    return MLCE_OK;
}

int mlce_embedder_width(const mlce_embedder *embedder) {
    return embedder->width;
}

const char *mlce_embedder_name(const mlce_embedder *embedder) {
    return embedder->name;
}

const mlce_embed_counts *mlce_embedder_counts(const mlce_embedder *embedder) {
    return &embedder->counts;
}
