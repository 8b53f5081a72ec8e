/* ngrams.c - the code points of a token. */
#include "data/ngrams.h"

#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD };

/* utf8proc reads on only behind a valid byte: never past the zero byte. */
int32_t mlce_next_wide_code_point(const char **text) {
    utf8proc_int32_t code;
    utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)*text, -1, &code);
    *text += bytes > 0 ? bytes : 1;
    return bytes > 0 ? code : REPLACEMENT;
}
