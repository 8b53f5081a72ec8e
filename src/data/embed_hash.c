/* embed_hash.c - hashed character n-grams.
 *
 * All sums are of whole numbers, which float and double hold exactly: the order of additions and
 * fused multiply-adds cannot change a bit of the result.
 */
#include "data/embed_hash.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { COLUMNS = 4, SHORTEST = 3, LONGEST = 5 };
/* Weights of the n-grams: a word's end, and then its beginning, say most about what it is. */
enum { INNER = 16, BEGIN = 32, END = 64 };
enum { BEGIN_MARK = 0x02, END_MARK = 0x03, REPLACEMENT = 0xFFFD };

/* Sum of squares of the whole token and of the shape, relative to that of the n-grams. */
static const double WHOLE_SHARE = 0.1, SHAPE_SHARE = 1.0;

/* FNV-1a, a code point at a time. */
static const uint64_t FNV_START = 0xCBF29CE484222325u, FNV_PRIME = 0x100000001B3u;

static uint64_t fnv(uint64_t hash, uint32_t value) {
    return (hash ^ value) * FNV_PRIME;
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static void add_feature(uint64_t hash, long weight, int dim, float *row) {
    for (uint64_t c = 1; c <= COLUMNS; c++) {
        uint64_t bits = mix(hash + c * 0x9E3779B97F4A7C15u);
        uint64_t column = (bits >> 32) * (uint64_t)dim >> 32;
        row[column] += (float)(bits & 1 ? weight : -weight);
    }
}

/* The next code point, and *text behind it; 0 at the end. */
static int32_t next_code_point(const char **text, size_t *left) {
    if (!*left) return 0;
    utf8proc_int32_t code;
    utf8proc_ssize_t bytes =
        utf8proc_iterate((const utf8proc_uint8_t *)*text, (utf8proc_ssize_t)*left, &code);
    if (bytes <= 0) {
        bytes = 1;
        code = REPLACEMENT;
    }
    *text += bytes;
    *left -= (size_t)bytes;
    return code;
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

/* The last code points of a token, the newest at the end. */
typedef struct window {
    int32_t code[LONGEST];
    int filled;
} window;

/* Adds the n-grams that end with `code`, and returns the sum of their squared weights. */
static double add_ngrams(window *w, int32_t code, int dim, float *row) {
    memmove(w->code, w->code + 1, (LONGEST - 1) * sizeof w->code[0]);
    w->code[LONGEST - 1] = code;
    if (w->filled < LONGEST) w->filled++;
    double squares = 0;
    uint64_t hash = fnv(FNV_START, 'n');
    for (int n = 1; n <= w->filled; n++) {
        hash = fnv(hash, (uint32_t)w->code[LONGEST - n]);
        if (n < SHORTEST) continue;
        bool begins = w->code[LONGEST - n] == BEGIN_MARK;
        long weight = code == END_MARK ? END : begins ? BEGIN : INNER;
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
    window w = {0};
    double squares = add_ngrams(&w, BEGIN_MARK, dim, row);
    uint64_t whole = fnv(FNV_START, 'w'), shape = fnv(FNV_START, 's');
    char last_shape = 0;
    size_t left = strlen(token);
    for (int32_t code; (code = next_code_point(&token, &left)) != 0;) {
        char kind = shape_of(code);
        if (kind != last_shape) shape = fnv(shape, (unsigned char)kind);
        last_shape = kind;
        code = utf8proc_tolower(code);
        whole = fnv(whole, (uint32_t)code);
        squares += add_ngrams(&w, code, dim, row);
    }
    squares += add_ngrams(&w, END_MARK, dim, row);
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
