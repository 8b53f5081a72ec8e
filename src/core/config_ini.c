/* config_ini.c - configurations as INI files.
 *
 * inih parses; the reader below hands it one line at a time, and refuses what inih would take in
 * silence for something else: it splits lines of over 199 bytes, drops text behind a section's
 * bracket, and appends an indented line to the value before it. Of a longer line the reader keeps
 * the value, and inih gets the key alone.
 */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_store.h"
#include "core/text.h"
#include "mlce/memory.h"

enum { LARGEST_FILE = 1 << 20, LONGEST_LINE = 199 /* inih's INI_MAX_LINE, less one */ };

typedef struct reader {
    const char *path;
    char *at, *end;    /* what is still to be read */
    const char *value; /* of a line that is too long for inih; else NULL */
    int line;          /* the current one, from 1 */
    bool in_section;
    mlce_config *config;
    mlce_status status;
} reader;

static mlce_status fail_at(reader *r, const char *format, ...) MLCE_PRINTF(2, 3);

static mlce_status fail_at(reader *r, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return r->status = mlce_fail(MLCE_E_CONFIG, "%s:%d: %s", r->path, r->line, text);
}

/* Puts file and line in front of the message of a call that knew neither. */
static mlce_status fail_here(reader *r, mlce_status status) {
    return r->status = mlce_fail_prefix(status, "%s:%d: ", r->path, r->line);
}

static bool blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where one of `stops` (or, behind a blank, a comment) begins in `text`; its end if nowhere. As
   inih looks for it. */
static const char *find_stop(const char *text, const char *stops) {
    bool after_blank = false;
    for (; *text && !strchr(stops, *text) && !(after_blank && *text == ';'); text++)
        after_blank = blank(*text);
    return text;
}

/* "[optim]", perhaps with a comment behind it. */
static mlce_status check_section(reader *r, const char *line) {
    const char *close = find_stop(line + 1, "]");
    if (*close != ']') return fail_at(r, "a section has no closing bracket: write [NAME]");
    const char *rest = close + 1;
    while (blank(*rest)) rest++;
    if (*rest && *rest != ';' && *rest != '#')
        return fail_at(r, "text behind the section's closing bracket: begin a new line for it");
    char name[LONGEST_LINE + 1];
    snprintf(name, sizeof name, "%.*s", (int)(close - line - 1), line + 1);
    int section;
    const mlce_config_key *key = mlce_config_declared_section(name, &section);
    mlce_status status =
        key ? mlce_config_add_section(r->config, key, section) : mlce_config_unknown_section(name);
    r->in_section = true;
    return status ? fail_here(r, status) : MLCE_OK;
}

static mlce_status check_key(reader *r, const char *line) {
    const char *equals = find_stop(line, "=:");
    if ((*equals != '=' && *equals != ':') || equals == line)
        return fail_at(r, "'%s' is not a section, a key or a comment: write KEY = VALUE",
                       mlce_config_show(line).text);
    if (!r->in_section)
        return fail_at(r, "'%s' stands before the first section: begin with [SECTION]",
                       mlce_config_show(line).text);
    return MLCE_OK;
}

/* The next line without the blanks around it, ended by a NUL in its place; "" where it is a
   comment, NULL (message set) where it is no text. */
static char *take_line(reader *r) {
    char *start = r->at;
    char *newline = memchr(start, '\n', (size_t)(r->end - start));
    char *stop = newline ? newline : r->end;
    r->at = newline ? newline + 1 : r->end;
    r->line++;
    size_t length = (size_t)(stop - start);
    if (memchr(start, 0, length)) {
        fail_at(r, "a NUL byte: not a text file");
        return NULL;
    }
    if (mlce_config_utf8_prefix(start, length) < length) {
        fail_at(r, "not UTF-8: save the file in that encoding");
        return NULL;
    }
    while (start < stop && blank(*start)) start++;
    while (stop > start && blank(stop[-1])) stop--;
    *stop = 0;
    if (*start == ';' || *start == '#') *start = 0;
    return start;
}

/* How much of a line that is too long goes to inih: the section without a comment behind it, or the
   key, whose value the reader keeps as inih would have found it. */
static size_t shorten(reader *r, char *line) {
    size_t head = (size_t)(find_stop(line, *line == '[' ? "]" : "=:") - line) + 1;
    if (*line == '[') return head;
    char *value = line + head, *end = value + (find_stop(value, "") - value);
    while (value < end && blank(*value)) value++;
    while (end > value && blank(end[-1])) end--;
    *end = 0;
    r->value = value;
    return head;
}

/* inih's reader: like fgets(). */
static char *next_line(char *line, int size, void *stream) {
    reader *r = stream;
    if (r->status || r->at == r->end) return NULL;
    char *text = take_line(r);
    if (!text) return NULL;
    if (*text == '[') check_section(r, text);
    if (*text && *text != '[') check_key(r, text);
    if (r->status) return NULL;
    r->value = NULL;
    size_t length = strlen(text);
    if (length >= (size_t)size) length = shorten(r, text);
    if (length >= (size_t)size) {
        fail_here(r, mlce_config_unknown_key(text));
        return NULL;
    }
    memcpy(line, text, length);
    line[length] = 0;
    return line;
}

/* inih's handler of a key. The section is one that is declared. */
static int set_key(void *user, const char *section, const char *key, const char *value) {
    reader *r = user;
    if (r->value) value = r->value;
    char name[2 * LONGEST_LINE + 2];
    snprintf(name, sizeof name, "%s.%s", section, key);
    mlce_config_entry *entry = mlce_config_find(r->config, name);
    if (entry && entry->line) {
        fail_at(r, "%s stands twice, first on line %d: remove one", name, entry->line);
        return 0;
    }
    mlce_status status = mlce_config_set(r->config, name, value);
    if (status) {
        const char *hash = strchr(value, '#');
        fail_here(r, status);
        if (entry && hash && hash > value && blank(hash[-1]))
            r->status = mlce_fail(status, "%s (behind a value, a comment begins with ' ;')",
                                  mlce_last_error());
        return 0;
    }
    mlce_config_find(r->config, name)->line = r->line;
    return 1;
}

/* The whole file, on the heap. */
static mlce_status read_file(const char *path, char **text, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) return mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    char *bytes = mlce_calloc(LARGEST_FILE + 1, 1);
    size_t got = bytes ? fread(bytes, 1, LARGEST_FILE + 1, file) : 0;
    mlce_status status = bytes ? MLCE_OK : MLCE_E_MEMORY;
    if (bytes && ferror(file))
        status = mlce_fail(MLCE_E_IO, "%s: cannot read: %s", path, strerror(errno));
    else if (got > LARGEST_FILE)
        status = mlce_fail(MLCE_E_CONFIG, "%s: larger than 1 MiB, so not a configuration", path);
    fclose(file);
    if (status) {
        free(bytes);
        return status;
    }
    *text = bytes;
    *length = got;
    return MLCE_OK;
}

mlce_status mlce_config_read(mlce_config *config, const char *path) {
    char *text = NULL;
    size_t length = 0;
    mlce_status status = read_file(path, &text, &length);
    if (status) return status;
    reader r = {.path = path, .at = text, .end = text + length};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.at += 3; /* byte order mark */
    r.config = mlce_config_copy(config);
    if (!r.config) {
        r.status = MLCE_E_MEMORY;
    } else {
        int line = ini_parse_stream(next_line, &r, set_key, &r);
        if (line && !r.status) {
            r.line = line;
            fail_at(&r, "not a line of an INI file");
        }
    }
    if (!r.status) r.status = mlce_config_take(config, r.config);
    mlce_config_free(r.config);
    free(text);
    return r.status;
}

/* ---- Writing ---- */

/* Whether `KEY = value` reads back as this value. */
static bool survives(const char *value) {
    size_t length = strlen(value);
    if (length == 0) return true;
    if (blank(value[0]) || blank(value[length - 1]) || value[0] == ';') return false;
    return !strpbrk(value, "\r\n") && !*find_stop(value, "");
}

static void print_key(FILE *out, const mlce_config_entry *entry) {
    const char *name = entry->name + mlce_config_section_length(entry->name) + 1;
    const char *value = entry->value.text;
    fputs("# ", out);
    mlce_config_print_wrapped(out, entry->key->doc, strlen("# "), "# ");
    if (survives(value)) {
        fprintf(out, "%s =%s%s\n", name, *value ? " " : "", value);
        return;
    }
    fprintf(out, "# An INI file cannot hold this value; give it on the command line:\n# %s=",
            entry->name);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '\r')
            fputs("\\r", out);
        else
            fputc(*value, out);
    }
    fputc('\n', out);
}

/* The section that key number `i` is the first of, with number `section`. */
static void print_section(FILE *out, const mlce_config *config, const mlce_config_key *first,
                          int section) {
    bool headed = false;
    for (size_t k = 0; k < config->count; k++) {
        const mlce_config_entry *entry = &config->entries[k];
        if (entry->section != section || !mlce_config_same_section(entry->key, first)) continue;
        if (!mlce_config_has_effect(config, entry, NULL)) continue;
        if (!headed)
            fprintf(out, "%s[%.*s]\n", ftell(out) ? "\n" : "",
                    (int)mlce_config_section_length(entry->name), entry->name);
        headed = true;
        print_key(out, entry);
    }
}

char *mlce_config_to_ini(const mlce_config *config) {
    mlce_text text;
    FILE *out = mlce_text_begin(&text);
    const mlce_config_key *key;
    for (size_t i = 0; out && (key = mlce_config_key_at(i)); i++) {
        if (!mlce_config_first_of_section(i)) continue;
        int last = strchr(key->name, '*') ? MLCE_CONFIG_MAX_SECTIONS : 0;
        for (int section = last ? 1 : 0; section <= last; section++)
            print_section(out, config, key, section);
    }
    return mlce_text_end(&text, "a configuration as text");
}
