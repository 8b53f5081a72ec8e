/* shape.c - features of how a token is written. */
#include "mlce/shape.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "core/vector.h"
#include "data/ngrams.h"

/* ---- Flags ---- */

/* What a code point is: bits that add up over a token. */
enum {
    UPPER = 1,
    LOWER = 2,
    LETTER = 4,
    DIGIT = 8,
    MARK = 16, /* punctuation or a symbol */
    DASH = 32,
    APOSTROPHE = 64,
    STOP = 128,    /* ends a sentence */
    FOREIGN = 256, /* a letter that is not ASCII */
    OTHER = 512,
};

/* Without a branch, which text would make the processor mispredict all the time. */
static unsigned class_of_ascii(int32_t code) {
    unsigned lower = (unsigned)code - 'a' < 26, upper = (unsigned)code - 'A' < 26;
    unsigned digit = (unsigned)code - '0' < 10, printed = (unsigned)code - '!' < 94;
    unsigned mark = printed & ~(lower | upper | digit);
    unsigned dash = code == '-', apostrophe = code == '\'';
    unsigned stop = (code == '.') | (code == '!') | (code == '?');
    return (lower | upper) * LETTER | lower * LOWER | upper * UPPER | digit * DIGIT | mark * MARK |
           dash * DASH | apostrophe * APOSTROPHE | stop * STOP | (1 - printed) * OTHER;
}

static unsigned class_of_mark(int32_t code) {
    switch (code) {
    case 0x2019:
        return MARK | APOSTROPHE;
    case 0x2026: /* ... */
    case 0x3002: /* the full stops and marks of Chinese and Japanese */
    case 0xFF01:
    case 0xFF0E:
    case 0xFF1F:
    case 0x061F: /* the question mark of Arabic */
    case 0x0964: /* the danda of Hindi */
        return MARK | STOP;
    default:
        return MARK;
    }
}

static unsigned class_of(int32_t code) {
    if (code < 0x80) return class_of_ascii(code);
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
        return LETTER | FOREIGN | UPPER;
    case UTF8PROC_CATEGORY_LL:
        return LETTER | FOREIGN | LOWER;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return LETTER | FOREIGN;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return DIGIT;
    case UTF8PROC_CATEGORY_PD:
        return MARK | DASH;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
        return class_of_mark(code);
    default:
        return OTHER;
    }
}

/* From so many code points on a token is long. */
enum { MANY = 10 };

/* What is known of a token once its code points have been seen. */
typedef struct token_facts {
    unsigned seen;   /* the classes of all code points */
    unsigned common; /* the classes that every one has */
    unsigned first;
    int codes, uppers; /* counted up to MANY */
    bool rises;        /* upper case behind lower case */
} token_facts;

static void note(token_facts *facts, unsigned class) {
    bool is_upper = (class & UPPER) != 0;
    facts->first = facts->codes == 0 ? class : facts->first;
    facts->rises |= is_upper & ((facts->seen & LOWER) != 0);
    facts->common &= class;
    facts->seen |= class;
    facts->codes += facts->codes < MANY;
    facts->uppers += is_upper & (facts->uppers < MANY);
}

/* "://" or "www." in ASCII letters of any case. */
static bool looks_like_url(const char *token) {
    for (; *token; token++) {
        if (*token == ':' && token[1] == '/' && token[2] == '/') return true;
        if ((*token | 32) == 'w' && (token[1] | 32) == 'w' && (token[2] | 32) == 'w' &&
            token[3] == '.')
            return true;
    }
    return false;
}

static void write_flags(const token_facts *facts, const char *token, bool begins, float *row) {
    unsigned seen = facts->seen, common = seen & facts->common;
    const bool flags[MLCE_SHAPE_FLAGS] = {
        facts->first & UPPER,
        facts->uppers >= 2 && !(seen & LOWER),
        seen & LOWER && !(seen & UPPER),
        facts->rises,
        seen & DIGIT,
        common & DIGIT,
        seen & MARK,
        common & MARK,
        seen & DASH,
        seen & APOSTROPHE,
        (*token == '@' || *token == '#') && facts->codes > 1,
        seen & MARK && looks_like_url(token),
        seen & FOREIGN,
        facts->codes == 1,
        facts->codes >= MANY,
        begins,
    };
    for (int f = 0; f < MLCE_SHAPE_FLAGS; f++) row[f] = flags[f];
}

/* ---- N-grams ---- */

static void add_ngram(uint64_t hash, const mlce_shape_options *options, float *buckets) {
    mlce_hash_place place = mlce_hash_draw(hash, 1, options->buckets);
    buckets[place.column] += (float)place.sign;
}

/* Adds the n-grams that end with `code`, and returns how many. */
static int add_ngrams(mlce_ngram_window *w, int32_t code, const mlce_shape_options *options,
                      float *buckets) {
    int count = 0;
    uint64_t hash = mlce_hash_start('n');
    mlce_ngram_push(w, code);
    for (int n = 1; n <= w->filled && n <= options->ngram_max; n++) {
        hash = mlce_hash_next(hash, (uint32_t)w->code[w->filled - n]);
        if (n < options->ngram_min) continue;
        add_ngram(hash, options, buckets);
        count++;
    }
    return count;
}

/* Adds a token that has no n-gram: it is all in the window. */
static void add_whole(const mlce_ngram_window *w, const mlce_shape_options *options,
                      float *buckets) {
    uint64_t hash = mlce_hash_start('n');
    for (int n = 1; n <= w->filled; n++)
        hash = mlce_hash_next(hash, (uint32_t)w->code[w->filled - n]);
    add_ngram(hash, options, buckets);
}

MLCE_KERNEL static void scale_all(float *values, int count, float scale) {
    for (int i = 0; i < count; i++) values[i] *= scale;
}

static int32_t lower_case(int32_t code) {
    if (code >= 0x80) return utf8proc_tolower(code);
    return (unsigned)code - 'A' < 26 ? code + 'a' - 'A' : code;
}

static void write_row(const mlce_shape_options *options, const char *token, bool *begins,
                      float *row) {
    token_facts facts = {.common = ~0u};
    mlce_ngram_window window;
    window.filled = 0;
    float *buckets = row + MLCE_SHAPE_FLAGS;
    memset(buckets, 0, (size_t)options->buckets * sizeof *buckets);
    int64_t count = add_ngrams(&window, MLCE_NGRAM_BEGIN, options, buckets);
    const char *at = token;
    for (int32_t code; (code = mlce_next_code_point(&at)) != 0;) {
        note(&facts, class_of(code));
        count += add_ngrams(&window, lower_case(code), options, buckets);
    }
    count += add_ngrams(&window, MLCE_NGRAM_END, options, buckets);
    if (count == 0) add_whole(&window, options, buckets);
    float scale = (float)(1 / sqrt(count ? (double)count : 1));
    scale_all(buckets, options->buckets, scale);
    write_flags(&facts, token, *begins, row);
    if (!(facts.seen & facts.common & MARK))
        *begins = false;
    else if (facts.seen & STOP)
        *begins = true;
}

/* ---- The whole ---- */

mlce_status mlce_shape_check(const mlce_shape_options *options) {
    if (options->buckets < 0 || options->buckets > MLCE_SHAPE_MOST_BUCKETS)
        return mlce_fail(MLCE_E_ARGUMENT, "shape features of %d buckets: it must be from 0 to %d",
                         options->buckets, MLCE_SHAPE_MOST_BUCKETS);
    if (options->buckets &&
        (options->ngram_min < MLCE_SHAPE_SHORTEST || options->ngram_max > MLCE_SHAPE_LONGEST ||
         options->ngram_min > options->ngram_max))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "shape features of n-grams of %d to %d code points: both must be from %d "
                         "to %d, the shortest first",
                         options->ngram_min, options->ngram_max, MLCE_SHAPE_SHORTEST,
                         MLCE_SHAPE_LONGEST);
    return MLCE_OK;
}

int mlce_shape_width(const mlce_shape_options *options) {
    return options->buckets ? MLCE_SHAPE_FLAGS + options->buckets : 0;
}

mlce_status mlce_shape_rows(const mlce_shape_options *options, const char *const *tokens, int count,
                            float *rows, size_t stride) {
    mlce_status status = mlce_shape_check(options);
    if (status) return status;
    if (count < 0) return mlce_fail(MLCE_E_ARGUMENT, "shape features of %d tokens", count);
    if (stride < (size_t)mlce_shape_width(options))
        return mlce_fail(MLCE_E_ARGUMENT, "shape features: rows %zu numbers apart, but each has %d",
                         stride, mlce_shape_width(options));
    bool begins = true;
    for (int t = 0; t < count && options->buckets; t++)
        write_row(options, tokens[t], &begins, rows + (size_t)t * stride);
    return MLCE_OK;
}

/* ---- Configuration ---- */

const mlce_config_key mlce_shape_keys[] = {
    {"features.shape", MLCE_KEY_INT, "0", "buckets",
     "how each token is written, beside its embedding: 16 flags (letter case, digits, punctuation) "
     "and its character n-grams hashed into so many buckets; needs /tokens/text. 0: none",
     0, MLCE_SHAPE_MOST_BUCKETS, NULL, "model.head=efficient_global_pointer|global_pointer"},
    {"features.ngram_min", MLCE_KEY_INT, "3", "characters",
     "shortest n-gram of features.shape, the marks before and behind a token included",
     MLCE_SHAPE_SHORTEST, MLCE_SHAPE_LONGEST, NULL, "features.shape!=0"},
    {"features.ngram_max", MLCE_KEY_INT, "4", "characters", "longest n-gram", MLCE_SHAPE_SHORTEST,
     MLCE_SHAPE_LONGEST, NULL, "features.shape!=0"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

mlce_shape_options mlce_shape_options_from(const mlce_config *config) {
    return (mlce_shape_options){.buckets = (int)mlce_config_int(config, "features.shape"),
                                .ngram_min = (int)mlce_config_int(config, "features.ngram_min"),
                                .ngram_max = (int)mlce_config_int(config, "features.ngram_max")};
}
