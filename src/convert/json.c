/* json.c - reads JSON objects one at a time: one a line, or those of one array. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/json_shapes.h"
#include "core/json.h"
#include "core/lines.h"

typedef struct json_stream {
    mlce_lines lines;  /* its number counts the lines of arrays too */
    bool in_array;     /* the file is one array */
    bool begun, ended; /* its [ and ] were read */
    json_t *object;    /* the record's strings stand in it */
} json_stream;

/* The next byte that is no space; EOF at the end. */
static int next_byte(json_stream *j) {
    int c;
    while ((c = getc_unlocked(j->lines.file)) == ' ' || c == '\t' || c == '\r' || c == '\n')
        j->lines.number += c == '\n';
    return c;
}

static mlce_status append(json_stream *j, int c) {
    if (j->lines.length >= MLCE_LONGEST_LINE)
        return mlce_fail(MLCE_E_DATA, "an object is longer than %d MiB", MLCE_LONGEST_LINE >> 20);
    mlce_status status =
        mlce_grow((void **)&j->lines.text, &j->lines.capacity, j->lines.length + 1, 1);
    if (!status) j->lines.text[j->lines.length++] = (char)c;
    return status;
}

/* The bytes of the object that begins with `c`. Whether they are JSON is not looked at. */
static mlce_status collect(json_stream *j, int c) {
    int depth = 0;
    bool in_string = false, escaped = false;
    j->lines.length = 0;
    for (;; c = getc_unlocked(j->lines.file)) {
        if (c == EOF)
            return mlce_fail(MLCE_E_DATA, "the file ends within this object: is it whole?");
        mlce_status status = append(j, c);
        if (status) return status;
        j->lines.number += c == '\n';
        if (in_string) {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        in_string = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        if (depth <= 0) return MLCE_OK;
    }
}

static mlce_status parse(json_stream *j, int64_t line) {
    json_error_t error;
    json_decref(j->object);
    j->object = NULL;
    mlce_status status = mlce_check_utf8(j->lines.text, j->lines.length);
    if (status) return status;
    status = mlce_json_parse(j->lines.text, j->lines.length, 0, &j->object, &error);
    if (status != MLCE_E_DATA) return status;
    return mlce_fail(MLCE_E_DATA, "is not JSON: line %lld, column %d: %s",
                     (long long)line + error.line - 1, error.column, error.text);
}

/* The next object of the array; messages lack file and line. */
static mlce_status next_in_array(json_stream *j, int64_t *line, bool *found) {
    *found = false;
    *line = j->lines.number;
    if (j->ended) return MLCE_OK;
    int c = next_byte(j);
    if (!j->begun) {
        if (c == 0xEF && getc_unlocked(j->lines.file) == 0xBB &&
            getc_unlocked(j->lines.file) == 0xBF)
            next_byte(j);
        j->begun = true;
        c = next_byte(j); /* behind the [ that the file begins with */
    } else if (c == ',') {
        c = next_byte(j);
    } else if (c != ']') {
        *line = j->lines.number;
        return mlce_fail(MLCE_E_DATA, "expected , or ] behind an object of the array");
    }
    *line = j->lines.number;
    if (c == ']') {
        j->ended = true;
        if (next_byte(j) == EOF) return MLCE_OK;
        return mlce_fail(MLCE_E_DATA, "there is more behind the array");
    }
    if (c != '{') return mlce_fail(MLCE_E_DATA, "expected an object of the array, with a {");
    *found = true;
    mlce_status status = collect(j, c);
    return status ? status : parse(j, *line);
}

static mlce_status next_line(json_stream *j, int64_t *line, bool *found) {
    char *text;
    mlce_status status;
    do {
        status = mlce_lines_next(&j->lines, &text);
    } while (!status && text && !text[strspn(text, " \t")]);
    *found = !status && text;
    *line = j->lines.number;
    if (!*found) return status;
    json_error_t error;
    json_decref(j->object);
    status = mlce_json_parse(text, j->lines.length, 0, &j->object, &error);
    if (status != MLCE_E_DATA) return status;
    return mlce_fail(MLCE_E_DATA, "is not JSON: column %d: %s", error.column, error.text);
}

static mlce_status next(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found) {
    json_stream *j = reader->state;
    bool rejected = true;
    while (rejected) {
        bool named = false; /* whether the message names file and line already */
        int64_t line;
        mlce_status status =
            j->in_array ? next_in_array(j, &line, found) : next_line(j, &line, found);
        if (!status && !*found) return MLCE_OK;
        if (status && !j->in_array && !*found) named = true;
        *record = (mlce_record){.document = -1, .length = -1, .line = line};
        if (!status) status = mlce_json_record(reader, arena, j->object, record, &rejected);
        if (status && !named) mlce_fail_prefix(status, "%s:%lld: ", reader->name, (long long)line);
        if (status) return status;
        reader->counts.rejected += rejected;
    }
    return MLCE_OK;
}

static mlce_status rewind_objects(mlce_reader *reader) {
    json_stream *j = reader->state;
    mlce_status status = mlce_lines_rewind(&j->lines);
    j->begun = j->ended = false;
    if (j->in_array) j->lines.number = 1;
    return status;
}

static void close_objects(mlce_reader *reader) {
    json_stream *j = reader->state;
    if (!j) return;
    json_decref(j->object);
    mlce_lines_free(&j->lines);
    free(j);
}

/* Whether the file is one array: its first byte that counts is [. */
static bool is_array(json_stream *j) {
    int c = next_byte(j);
    if (c == 0xEF && getc(j->lines.file) == 0xBB && getc(j->lines.file) == 0xBF) c = next_byte(j);
    return c == '[';
}

mlce_status mlce_read_json(mlce_reader *reader, FILE *stream) {
    json_stream *j = reader->state = mlce_calloc(1, sizeof *j);
    if (!j) return MLCE_E_MEMORY;
    *j = (json_stream){.lines = {.file = stream, .name = reader->name}};
    reader->next = next;
    reader->rewind = rewind_objects;
    reader->close = close_objects;
    j->in_array = is_array(j);
    return rewind_objects(reader);
}
