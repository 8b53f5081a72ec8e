/* json.c - JSON that is made and read whole or not at all. */
#include "core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void drop(json_t **whole) {
    json_decref(*whole);
    *whole = NULL;
}

void mlce_json_set(json_t **object, const char *key, json_t *value) {
    if (json_object_set_new(*object, key, value)) drop(object);
}

void mlce_json_append(json_t **list, json_t *value) {
    if (json_array_append_new(*list, value)) drop(list);
}

json_t *mlce_json_id(const char *id, bool is_integer) {
    return is_integer ? json_integer(strtoll(id, NULL, 10)) : json_string(id);
}

/* The code point of a control character in UTF-8 that JSON text may hold, else 0. */
static int control_at(const unsigned char *c) {
    if (c[0] == 0x7F) return c[0];
    return c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0 ? c[1] : 0;
}

bool mlce_json_write(FILE *file, const char *text) {
    const unsigned char *rest = (const unsigned char *)text, *c = rest;
    while (*c && !control_at(c)) c++;
    bool escapes = *c && isatty(fileno(file)) == 1;
    for (; escapes && *c; c++) {
        int control = control_at(c);
        if (!control) continue;
        fwrite(rest, 1, (size_t)(c - rest), file);
        fprintf(file, "\\u%04x", (unsigned)control);
        c += control > 0x7F;
        rest = c + 1;
    }
    return fputs((const char *)rest, file) >= 0 && putc('\n', file) != EOF;
}

/* jansson does not look whether an object's key could be added to the text: errno tells. */
char *mlce_json_text(json_t *value, size_t flags, const char *what) {
    errno = 0;
    char *text = value ? json_dumps(value, flags) : NULL;
    json_decref(value);
    if (text && errno != ENOMEM) return text;
    free(text);
    mlce_fail(MLCE_E_MEMORY, "out of memory: %s as JSON", what);
    return NULL;
}

mlce_status mlce_json_print(FILE *file, json_t *value, size_t flags, const char *what) {
    char *text = mlce_json_text(value, flags, what);
    if (!text) return MLCE_E_MEMORY;
    mlce_json_write(file, text);
    free(text);
    return MLCE_OK;
}

/* jansson does not say that memory ran out: it drops a character of a string whose buffer could not
   grow and goes on, or blames the text. errno tells, until the next number clears it; so every
   digit is handed out alone, with a look at errno before. */
typedef struct source {
    FILE *file; /* NULL: the text */
    const char *text, *end;
    bool is_short; /* of memory */
} source;

static int take(source *s) {
    if (s->file) return getc(s->file);
    return s->text < s->end ? (unsigned char)*s->text++ : EOF;
}

static void put_back(source *s, int c) {
    if (s->file)
        ungetc(c, s->file);
    else
        s->text--;
}

static size_t next_part(void *buffer, size_t size, void *from) {
    source *s = from;
    size_t length = 0;
    bool is_digit = false;
    s->is_short |= errno == ENOMEM;
    while (!s->is_short && !is_digit && length < size) {
        int c = take(s);
        if (c == EOF) break;
        is_digit = '0' <= c && c <= '9';
        if (is_digit && length)
            put_back(s, c);
        else
            ((char *)buffer)[length++] = (char)c;
    }
    return length;
}

static mlce_status load(source *s, size_t flags, json_t **value, json_error_t *error) {
    errno = 0;
    *value = json_load_callback(next_part, s, flags, error);
    if (!s->is_short && errno != ENOMEM) return *value ? MLCE_OK : MLCE_E_DATA;
    drop(value);
    return mlce_fail(MLCE_E_MEMORY, "out of memory: reading JSON");
}

mlce_status mlce_json_parse(const char *text, size_t length, size_t flags, json_t **value,
                            json_error_t *error) {
    return load(&(source){.text = text, .end = text + length}, flags, value, error);
}

mlce_status mlce_json_read(FILE *file, size_t flags, json_t **value, json_error_t *error) {
    return load(&(source){.file = file}, flags, value, error);
}
