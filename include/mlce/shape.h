/* shape.h - features of how a token is written, to stand beside its embedding: letter case, digits,
 * punctuation, and hashed character n-grams. An encoder that lower-cases its input loses what tells
 * a name from a word; these bring it back.
 *
 * The row of a token is MLCE_SHAPE_FLAGS flags, each 0 or 1, and then `buckets` numbers. Of the
 * token's code points (letter, upper-case and so on as the Unicode general category says):
 *
 *    0  the first is an upper-case letter
 *    1  two or more upper-case letters and no lower-case one
 *    2  a lower-case letter and no upper-case one
 *    3  an upper-case letter somewhere behind a lower-case one ("iPhone")
 *    4  a digit or number
 *    5  nothing but digits and numbers
 *    6  punctuation or a symbol
 *    7  nothing but punctuation and symbols
 *    8  a hyphen or dash
 *    9  an apostrophe: ' or U+2019
 *   10  the first is @ or #, and more follows
 *   11  "://" or "www." (also in upper case) in it
 *   12  a letter that is not ASCII
 *   13  there is just one
 *   14  there are ten or more
 *   15  first of a sentence: no token with flag 7 clear before it in its sequence, or none since
 *       a token with flag 7 set in which one of . ! ? U+2026 U+3002 U+FF01 U+FF0E U+FF1F U+061F
 *       U+0964 stands
 *
 * Upper case is Lu and Lt, lower case Ll, a letter L*, a digit or number N*, punctuation or a
 * symbol P* or S*, a hyphen or dash Pd. The empty token has all flags but 15 clear.
 *
 * Behind them the n-grams of ngram_min .. ngram_max code points of the token, in lower case
 * (Unicode's simple mapping), between the marks U+0002 and U+0003 (Bojanowski et al. 2017,
 * "Enriching Word Vectors with Subword Information"); of a token that is too short for any, the
 * whole with its marks. Each adds 1 or -1 to one bucket (Weinberger et al. 2009, "Feature Hashing
 * for Large Scale Multitask Learning"):
 *
 *   h = 0xCBF29CE484222325, then for c in 'n', c_n, ..., c_1:  h = (h xor c) * 0x100000001B3
 *   b = h + 0x9E3779B97F4A7C15
 *   b = (b xor b >> 30) * 0xBF58476D1CE4E5B9,  b = (b xor b >> 27) * 0x94D049BB133111EB,
 *   b = b xor b >> 31                                                      all modulo 2^64
 *   bucket = (b >> 32) * buckets >> 32,  + where b is odd, else -
 *
 * and the sums are multiplied by 1 / sqrt(number of n-grams), in float32: without collisions their
 * norm is 1, however long the token. That is what one flag weighs; norms of 2 and 4 did worse.
 *
 * Bytes that are not UTF-8 count as U+FFFD each.
 */
#ifndef MLCE_SHAPE_H
#define MLCE_SHAPE_H

#include <stddef.h>

#include "mlce/config.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MLCE_SHAPE_FLAGS = 16,
    MLCE_SHAPE_MOST_BUCKETS = 65536,
    MLCE_SHAPE_SHORTEST = 2,
    MLCE_SHAPE_LONGEST = 8
};

typedef struct mlce_shape_options {
    int buckets; /* 0: no features at all, also no flags; up to MLCE_SHAPE_MOST_BUCKETS */
    int ngram_min, ngram_max; /* code points, marks included: MLCE_SHAPE_SHORTEST .. _LONGEST; not
                                 read where there are no buckets */
} mlce_shape_options;

/* features.shape, features.ngram_min and features.ngram_max of a configuration. */
MLCE_API mlce_shape_options mlce_shape_options_from(const mlce_config *config);

/* MLCE_E_ARGUMENT says what is out of range. */
MLCE_API mlce_status mlce_shape_check(const mlce_shape_options *options);

/* Features a token: MLCE_SHAPE_FLAGS + buckets, or 0 without buckets. */
MLCE_API int mlce_shape_width(const mlce_shape_options *options);

/* The rows of one sequence's tokens, tokens[0 .. count-1], each a string that ends with a zero
   byte. Row t goes to rows[t * stride ...], mlce_shape_width() numbers; what stands between two
   rows is left alone, so that rows + D with a stride of D + width puts them beside embeddings.
   Nothing is kept. The same bits on every machine (of one version of Unicode). MLCE_E_ARGUMENT:
   options out of range, count < 0, or stride < width. */
MLCE_API mlce_status mlce_shape_rows(const mlce_shape_options *options, const char *const *tokens,
                                     int count, float *rows, size_t stride);

#ifdef __cplusplus
}
#endif
#endif
