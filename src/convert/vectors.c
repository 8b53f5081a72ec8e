/* vectors.c - files of word vectors: text, a word and its numbers a line; or word2vec's binary, a
 * word, a space and float32 numbers, little-endian. The first line may be the number of words and
 * of numbers a word; the binary has it always. */
#include "convert/vectors.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_locale.h"
#include "core/lines.h"
#include "mlce/memory.h"

enum { MOST_FEATURES = 65536, LONGEST_WORD = 65536 };

typedef struct reading {
    const char *path;
    FILE *file;
    mlce_lines lines;
    const mlce_names *vocabulary;
    mlce_vectors *vectors;
} reading;

/* Room for the vector of a word that is wanted; NULL (status OK) where it is not, or known. */
static mlce_status room_for(reading *r, const char *word, float **room) {
    mlce_vectors *v = r->vectors;
    size_t width = (size_t)v->width;
    int number = mlce_names_find(r->vocabulary, word);
    *room = NULL;
    if (number < 0 || v->rows[number] >= 0) return MLCE_OK;
    mlce_status status =
        mlce_grow((void **)&v->values, &v->capacity, (v->kept + 1) * width, sizeof *v->values);
    if (status) return status;
    *room = v->values + v->kept * width;
    v->rows[number] = (int32_t)v->kept++;
    return MLCE_OK;
}

static mlce_status check_width(const reading *r, long width, int64_t line) {
    if (width >= 1 && width <= MOST_FEATURES) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%s:%lld: vectors of %ld numbers, expected 1 to %d", r->path,
                     (long long)line, width, MOST_FEATURES);
}

/* ---- Text ---- */

/* Whether the field up to a space or the end is a number. */
static bool is_number(const char *field, float *value) {
    char *end;
    *value = strtof(field, &end);
    return end != field && (*end == '\0' || *end == ' ' || *end == '\t');
}

/* The beginning of the field that ends at `end`, in the line that begins at `line`. */
static char *field_before(char *line, char *end) {
    while (end > line && end[-1] != ' ' && end[-1] != '\t') end--;
    return end;
}

static char *trim(char *line, char *end) {
    while (end > line && (end[-1] == ' ' || end[-1] == '\t')) end--;
    return end;
}

/* How many fields at the end of the line are numbers, its first field aside. */
static int count_numbers(char *line) {
    int count = 0;
    float value;
    char *end = trim(line, line + strlen(line)), *field;
    while ((field = field_before(line, end)) > line && is_number(field, &value)) {
        count++;
        end = trim(line, field);
    }
    return count;
}

/* Cuts the word off in front of the last `width` fields; false where the row is short. */
static bool split_row(char *line, int width, char **numbers) {
    char *end = trim(line, line + strlen(line));
    *end = '\0';
    for (int i = 0; i < width; i++) {
        char *field = field_before(line, end);
        if (field == line) return false;
        *numbers = field;
        end = trim(line, field);
    }
    *end = '\0';
    return end > line;
}

static mlce_status read_row(reading *r, char *line) {
    int width = r->vectors->width;
    char *next = line;
    float *room;
    if (!split_row(line, width, &next))
        return mlce_fail(
            MLCE_E_DATA,
            "the row is short: a word and %d numbers are expected, as in the first row: "
            "is the file whole?",
            width);
    mlce_status status = room_for(r, line, &room);
    for (int i = 0; i < width && room && !status; i++) {
        if (!is_number(next, &room[i]) || !isfinite(room[i]))
            return mlce_fail(MLCE_E_DATA, "number %d of '%s' is not a finite number", i + 1, line);
        next += strcspn(next, " \t");
        next += strspn(next, " \t");
    }
    return status;
}

/* "400000 300": words and numbers a word. */
static bool read_sizes(const char *line, long *words, long *width) {
    char *end;
    *words = strtol(line, &end, 10);
    if (end == line || (*end != ' ' && *end != '\t')) return false;
    const char *next = end;
    *width = strtol(next, &end, 10);
    return end != next && !end[strspn(end, " \t\r")];
}

static mlce_status read_text(reading *r) {
    char *line;
    mlce_status status;
    while (!(status = mlce_lines_next(&r->lines, &line)) && line) {
        long words, width;
        if (!*line || (r->lines.number == 1 && read_sizes(line, &words, &width))) continue;
        if (!r->vectors->width) {
            r->vectors->width = count_numbers(line);
            status = check_width(r, r->vectors->width, r->lines.number);
            if (status) return status;
        }
        status = read_row(r, line);
        if (status)
            return mlce_fail_prefix(status, "%s:%lld: ", r->path, (long long)r->lines.number);
    }
    if (!status && !r->vectors->width)
        status = mlce_fail(MLCE_E_DATA, "%s:1: holds no vectors: a word and its numbers a line",
                           r->path);
    return status;
}

/* ---- Binary ---- */

/* The word up to the space behind it. */
static mlce_status read_word(reading *r, char *word) {
    int c = getc_unlocked(r->file), length = 0;
    if (c == '\n') c = getc_unlocked(r->file);
    for (; c != EOF && c != ' ' && length < LONGEST_WORD - 1; c = getc_unlocked(r->file))
        word[length++] = (char)c;
    word[length] = '\0';
    return c == ' ' ? MLCE_OK : MLCE_E_DATA;
}

static float float_of(const unsigned char bytes[4]) {
    uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                    (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static mlce_status read_binary_rows(reading *r, long words, char *word, unsigned char *bytes) {
    size_t width = (size_t)r->vectors->width;
    for (long n = 0; n < words; n++) {
        float *room;
        if (read_word(r, word) || fread(bytes, 4, width, r->file) != width)
            return mlce_fail(
                MLCE_E_DATA,
                "%s: vector %ld of %ld is cut short: is the file whole, and word2vec's "
                "binary?",
                r->path, n + 1, words);
        mlce_status status = room_for(r, word, &room);
        if (status) return status;
        for (size_t i = 0; i < width && room; i++) {
            room[i] = float_of(bytes + 4 * i);
            if (!isfinite(room[i]))
                return mlce_fail(MLCE_E_DATA, "%s: vector %ld, number %zu is not finite", r->path,
                                 n + 1, i + 1);
        }
    }
    return MLCE_OK;
}

static mlce_status read_binary(reading *r) {
    char *line;
    long words = 0, width = 0;
    mlce_status status = mlce_lines_next(&r->lines, &line);
    if (status || !line || !read_sizes(line, &words, &width)) return status;
    status = check_width(r, width, 1);
    if (status) return status;
    r->vectors->width = (int)width;
    char *word = mlce_calloc(LONGEST_WORD, 1);
    unsigned char *bytes = mlce_calloc((size_t)width, 4);
    status = word && bytes ? read_binary_rows(r, words, word, bytes) : MLCE_E_MEMORY;
    free(word);
    free(bytes);
    return status;
}

/* Binary vectors begin with a line of sizes, and what follows the first word is not text. */
static mlce_status is_binary(reading *r, bool *binary) {
    char *line;
    long words, width;
    *binary = false;
    mlce_status status = mlce_lines_next(&r->lines, &line);
    if (status || !line || !read_sizes(line, &words, &width))
        return status ? status : mlce_lines_rewind(&r->lines);
    char beginning[4096];
    size_t size = fread(beginning, 1, sizeof beginning, r->file), at = 0;
    while (at < size && beginning[at] != ' ' && beginning[at] != '\t') at++;
    for (; at < size && beginning[at] != '\n'; at++)
        *binary =
            *binary || !beginning[at] || !strchr("0123456789+-.eEnaifNAIF \t\r", beginning[at]);
    return mlce_lines_rewind(&r->lines);
}

mlce_status mlce_vectors_read(const char *path, const mlce_names *vocabulary,
                              mlce_vectors *vectors) {
    *vectors = (mlce_vectors){.rows = mlce_calloc(vocabulary->count, sizeof *vectors->rows)};
    if (!vectors->rows) return MLCE_E_MEMORY;
    for (size_t i = 0; i < vocabulary->count; i++) vectors->rows[i] = -1;
    FILE *file = fopen(path, "rb");
    if (!file) return mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    reading r = {.path = path,
                 .file = file,
                 .lines = {.file = file, .name = path, .any_bytes = true},
                 .vocabulary = vocabulary,
                 .vectors = vectors};
    mlce_locale locale = mlce_locale_begin();
    bool binary;
    mlce_status status = is_binary(&r, &binary);
    if (!status) status = binary ? read_binary(&r) : read_text(&r);
    mlce_locale_end(locale);
    mlce_lines_free(&r.lines);
    fclose(file);
    return status;
}

void mlce_vectors_free(mlce_vectors *vectors) {
    free(vectors->rows);
    free(vectors->values);
    *vectors = (mlce_vectors){0};
}
