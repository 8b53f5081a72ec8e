/* tags.h - spans as tags of tokens: B-PER I-PER O, and the like. */
#ifndef MLCE_CONVERT_TAGS_H
#define MLCE_CONVERT_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "mlce/status.h"

/* How tags tell where spans begin and end. Reading with MLCE_SCHEME_ANY understands all of them: a
   span begins with B, S or U, with another type than the token's before, and with I, E or L
   behind a token that ends a span or has none. */
typedef enum mlce_scheme {
    MLCE_SCHEME_ANY,
    MLCE_SCHEME_IOB1, /* I-; B- only where a span of the same type stands before */
    MLCE_SCHEME_IOB2, /* B- begins each span */
    MLCE_SCHEME_BIOES,
    MLCE_SCHEME_BILOU
} mlce_scheme;

/* false where there is no scheme of that name (iob1, iob2 or bio, bioes or iobes, bilou). */
bool mlce_scheme_find(const char *name, mlce_scheme *scheme);

typedef struct mlce_tag {
    char prefix;      /* as written: O B I E S L U */
    const char *type; /* within the tag's text; "" for O */
} mlce_tag;

/* false where the text is not O or a prefix, '-' and a type. */
bool mlce_tag_parse(const char *text, mlce_tag *tag);

typedef struct mlce_tag_span {
    int start, end; /* half-open */
    const char *type;
} mlce_tag_span;

/* spans[length] has room for all. *loose counts those that begin with I, E or L. Where the tags
   break the scheme's rules, *bad is the token's index and the message what it is about. */
mlce_status mlce_tags_decode(mlce_scheme scheme, const mlce_tag *tags, int length,
                             mlce_tag_span *spans, int *count, int *loose, int *bad);

/* The prefix of token i of a span start .. end-1; `follows` where a span of the same type ends at
   its start. MLCE_SCHEME_ANY is written as IOB2. */
char mlce_tag_prefix(mlce_scheme scheme, int i, int start, int end, bool follows);

#endif
