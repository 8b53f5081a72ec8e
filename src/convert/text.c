/* text.c - reads plain text: a sequence a line; blank lines are passed by. */
#include <stdlib.h>
#include <string.h>

#include "convert/lines.h"
#include "convert/reader.h"

typedef struct text {
    FILE *stream;
    mlce_lines lines;
} text;

static mlce_status next(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found) {
    text *t = reader->state;
    char *line;
    mlce_status status;
    do {
        status = mlce_lines_next(&t->lines, &line);
    } while (!status && line && !line[strspn(line, " \t")]);
    *found = !status && line;
    if (!*found) return status;
    record->line = t->lines.number;
    record->text = mlce_arena_text(arena, line, t->lines.length);
    return record->text ? MLCE_OK : MLCE_E_MEMORY;
}

static mlce_status rewind_lines(mlce_reader *reader) {
    text *t = reader->state;
    return mlce_lines_rewind(&t->lines);
}

static void close_lines(mlce_reader *reader) {
    text *t = reader->state;
    if (!t) return;
    fclose(t->stream);
    mlce_lines_free(&t->lines);
    free(t);
}

mlce_status mlce_read_text(mlce_reader *reader, FILE *stream) {
    text *t = reader->state = mlce_calloc(1, sizeof *t);
    if (!t) {
        fclose(stream);
        return MLCE_E_MEMORY;
    }
    *t = (text){.stream = stream, .lines = {.file = stream, .name = reader->name}};
    reader->next = next;
    reader->rewind = rewind_lines;
    reader->close = close_lines;
    return MLCE_OK;
}
