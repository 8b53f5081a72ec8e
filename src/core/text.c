/* text.c - text that is printed into memory, whole or not at all. */
#include "core/text.h"

#include <errno.h>
#include <stdlib.h>

#include "mlce/status.h"

/* glibc's open_memstream() drops what it cannot make room for, and neither ferror() nor fclose()
   tells: errno does. */
FILE *mlce_text_begin(mlce_text *text) {
    *text = (mlce_text){0};
    errno = 0;
    return text->out = open_memstream(&text->text, &text->size);
}

char *mlce_text_end(mlce_text *text, const char *what) {
    if (!text->out || ferror(text->out) || errno == ENOMEM) text->failed = true;
    if (text->out && (fclose(text->out) || errno == ENOMEM)) text->failed = true;
    text->out = NULL;
    if (!text->failed) return text->text;
    free(text->text);
    text->text = NULL;
    mlce_fail(MLCE_E_MEMORY, "out of memory: %s", what);
    return NULL;
}

bool mlce_text_is_control(int32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}
