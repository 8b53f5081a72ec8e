/* embed_hash.c - hashed character n-grams.
 *
 * All sums are of whole numbers, which float and double hold exactly: the order of additions and
 * fused multiply-adds cannot change a bit of the result.
 */
#include "data/embed_hash.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/ngrams.h"

enum { COLUMNS = 4, SHORTEST = 3, LONGEST = 5 };
/* Weights of the n-grams: a word's end, and then its beginning, say most about what it is. */
enum { INNER = 16, BEGIN = 32, END = 64 };

/* Sum of squares of the whole token and of the shape, relative to that of the n-grams. */
static const double WHOLE_SHARE = 0.1, SHAPE_SHARE = 1.0;

static void add_feature(uint64_t hash, long weight, int dim, float *row) {
    for (uint64_t c = 1; c <= COLUMNS; c++) {
        mlce_hash_place place = mlce_hash_draw(hash, c, dim);
        row[place.column] += (float)(place.sign * weight);
    }
}

static char shape_of(int32_t code) {
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
        return 'X';
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
        return 'x';
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return '0';
    default:
        return '.';
    }
}

/* Adds the n-grams that end with `code`, and returns the sum of their squared weights. */
static double add_ngrams(mlce_ngram_window *w, int32_t code, int dim, float *row) {
    mlce_ngram_push(w, code);
    double squares = 0;
    uint64_t hash = mlce_hash_start('n');
    for (int n = 1; n <= w->filled && n <= LONGEST; n++) {
        int32_t first = w->code[w->filled - n];
        hash = mlce_hash_next(hash, (uint32_t)first);
        if (n < SHORTEST) continue;
        bool begins = first == MLCE_NGRAM_BEGIN;
        long weight = code == MLCE_NGRAM_END ? END : begins ? BEGIN : INNER;
        add_feature(hash, weight, dim, row);
        squares += (double)(weight * weight);
    }
    return squares;
}

static void scale_to_norm(int dim, float *row) {
    double squares = 0;
    for (int c = 0; c < dim; c++) squares += (double)row[c] * (double)row[c];
    if (!(squares > 0)) return;
    double scale = sqrt((double)dim / squares);
    for (int c = 0; c < dim; c++) row[c] = (float)((double)row[c] * scale);
}

void mlce_embed_hash(const char *token, int dim, float *row) {
    for (int c = 0; c < dim; c++) row[c] = 0;
    mlce_ngram_window w;
    w.filled = 0;
    double squares = add_ngrams(&w, MLCE_NGRAM_BEGIN, dim, row);
    uint64_t whole = mlce_hash_start('w'), shape = mlce_hash_start('s');
    char last_shape = 0;
    for (int32_t code; (code = mlce_next_code_point(&token)) != 0;) {
        char kind = shape_of(code);
        if (kind != last_shape) shape = mlce_hash_next(shape, (unsigned char)kind);
        last_shape = kind;
        code = utf8proc_tolower(code);
        whole = mlce_hash_next(whole, (uint32_t)code);
        squares += add_ngrams(&w, code, dim, row);
    }
    squares += add_ngrams(&w, MLCE_NGRAM_END, dim, row);
    if (squares == 0) squares = INNER * INNER; /* an empty token */
    add_feature(whole, lround(sqrt(squares * WHOLE_SHARE)), dim, row);
    add_feature(shape, lround(sqrt(squares * SHAPE_SHARE)), dim, row);
    scale_to_norm(dim, row);
}

mlce_status mlce_embed_hash_parse(const char *name, int *dim) {
    static const char prefix[] = "hash:";
    if (!strncmp(name, prefix, sizeof prefix - 1) && name[sizeof prefix - 1] >= '0' &&
        name[sizeof prefix - 1] <= '9') {
        char *end;
        long value = strtol(name + sizeof prefix - 1, &end, 10);
        if (!*end && value >= MLCE_EMBED_HASH_MIN && value <= MLCE_EMBED_HASH_MAX) {
            *dim = (int)value;
            return MLCE_OK;
        }
    }
    return mlce_fail(MLCE_E_ARGUMENT,
                     "'%s' names no built-in embedding: it is hash:D with D features a token, a "
                     "whole number from %d to %d",
                     name, MLCE_EMBED_HASH_MIN, MLCE_EMBED_HASH_MAX);
}
