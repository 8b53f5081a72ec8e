/* text.c - reads plain text: a sequence a line; blank lines are passed by. */
#include <stdlib.h>
#include <string.h>

#include "convert/reader.h"
#include "core/lines.h"

static mlce_status next(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found) {
    mlce_lines *lines = reader->state;
    char *line;
    mlce_status status;
    do {
        status = mlce_lines_next(lines, &line);
    } while (!status && line && !line[strspn(line, " \t")]);
    *found = !status && line;
    if (!*found) return status;
    record->line = lines->number;
    record->text = mlce_arena_text(arena, line, lines->length);
    return record->text ? MLCE_OK : MLCE_E_MEMORY;
}

static mlce_status rewind_lines(mlce_reader *reader) {
    return mlce_lines_rewind(reader->state);
}

static void close_lines(mlce_reader *reader) {
    mlce_lines *lines = reader->state;
    if (lines) mlce_lines_free(lines);
    free(lines);
}

mlce_status mlce_read_text(mlce_reader *reader, FILE *stream) {
    mlce_lines *lines = reader->state = mlce_calloc(1, sizeof *lines);
    if (!lines) return MLCE_E_MEMORY;
    *lines = (mlce_lines){.file = stream, .name = reader->name};
    reader->next = next;
    reader->rewind = rewind_lines;
    reader->close = close_lines;
    return MLCE_OK;
}
