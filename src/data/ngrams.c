/* ngrams.c - the code points of a token. */
#include "data/ngrams.h"

#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD };

int32_t mlce_next_code_point(const char **text) {
    const unsigned char *at = (const unsigned char *)*text;
    if (*at < 0x80) {
        *text += *at != 0;
        return *at;
    }
    utf8proc_int32_t code;
    utf8proc_ssize_t bytes = utf8proc_iterate(at, -1, &code);
    *text += bytes > 0 ? bytes : 1;
    return bytes > 0 ? code : REPLACEMENT;
}
