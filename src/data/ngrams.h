/* ngrams.h - hashed n-grams of code points: what the hash embeddings and the shape features share.
 *
 * An n-gram is hashed from its last code point to its first, so that those that end at one place
 * share the work:
 *
 *   h = FNV-1a of 'n', c_n, ..., c_1 (64 bits, a code point at a time)
 *   b = mix(h + draw * 0x9E3779B97F4A7C15)            draw = 1, 2, ...
 *   column = (b >> 32) * columns >> 32,  sign = + where b is odd, else -
 */
#ifndef MLCE_DATA_NGRAMS_H
#define MLCE_DATA_NGRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/mix.h"

/* What stands before and behind a token. */
enum { MLCE_NGRAM_BEGIN = 0x02, MLCE_NGRAM_END = 0x03 };

/* ---- Hashes ---- */

/* FNV-1a, a code point at a time, from a start that tells what is hashed. */
static inline uint64_t mlce_hash_next(uint64_t hash, uint32_t value) {
    return (hash ^ value) * 0x100000001B3u;
}

static inline uint64_t mlce_hash_start(char kind) {
    return mlce_hash_next(0xCBF29CE484222325u, (uint32_t)kind);
}

typedef struct mlce_hash_place {
    size_t column;
    int sign; /* 1 or -1 */
} mlce_hash_place;

/* One of the places of a hash among `columns`. */
static inline mlce_hash_place mlce_hash_draw(uint64_t hash, uint64_t draw, int columns) {
    uint64_t x = mlce_mix(hash + draw * 0x9E3779B97F4A7C15u);
    return (mlce_hash_place){(size_t)((x >> 32) * (uint64_t)columns >> 32), (int)(x & 1) * 2 - 1};
}

/* ---- Code points ---- */

/* The rest of mlce_next_code_point(), for what is not ASCII. */
int32_t mlce_next_wide_code_point(const char **text);

/* The next code point of UTF-8 text that ends with a zero byte, and *text behind it; 0 at the end.
   A byte that begins no valid sequence counts as U+FFFD. */
static inline int32_t mlce_next_code_point(const char **text) {
    unsigned char byte = (unsigned char)**text;
    if (byte >= 0x80) return mlce_next_wide_code_point(text);
    *text += byte != 0;
    return byte;
}

/* The code points of a token so far: at least the last MLCE_NGRAM_LONGEST of them. */
enum { MLCE_NGRAM_LONGEST = 8, MLCE_NGRAM_ROOM = 64 };
typedef struct mlce_ngram_window {
    int filled;
    int32_t code[MLCE_NGRAM_ROOM]; /* the newest is code[filled - 1] */
} mlce_ngram_window;

static inline void mlce_ngram_push(mlce_ngram_window *w, int32_t code) {
    if (w->filled == MLCE_NGRAM_ROOM) {
        memcpy(w->code, w->code + MLCE_NGRAM_ROOM - MLCE_NGRAM_LONGEST,
               MLCE_NGRAM_LONGEST * sizeof w->code[0]);
        w->filled = MLCE_NGRAM_LONGEST;
    }
    w->code[w->filled++] = code;
}

#endif
