/* conll_write.c - writes columns: a token and its tags a line, separated by tabs. Spans that
 * overlap stand in columns of their own, of which there are as many as the file needs; more than
 * one are named by a first line as of CoNLL-U Plus. */
#include <stdlib.h>
#include <string.h>

#include "convert/sink.h"

typedef struct conll_sink {
    mlce_text_file text;
    int64_t document;
} conll_sink;

static bool fits_column(const char *text) {
    return *text && !text[strcspn(text, "\t\r\n")];
}

/* What one column can hold. */
static mlce_status check(const mlce_record *record) {
    for (int i = 0; i < record->length; i++)
        if (!fits_column(record->tokens[i]) || !strncmp(record->tokens[i], "-DOCSTART-", 10))
            return mlce_fail(
                MLCE_E_DATA,
                "token %d, '%s': is empty, has a tab or a line's end, or would begin a "
                "document: columns cannot hold it, write JSONL",
                i, record->tokens[i]);
    for (int i = 0; i < record->span_count; i++)
        if (!fits_column(record->spans[i].type))
            return mlce_fail(MLCE_E_DATA,
                             "the type '%s' has a tab or a line's end: columns cannot hold it",
                             record->spans[i].type);
    if (record->id && record->id[strcspn(record->id, "\t\r\n")])
        return mlce_fail(MLCE_E_DATA,
                         "the id '%s' has a tab or a line's end: columns cannot hold it",
                         record->id);
    return MLCE_OK;
}

/* Tags of all columns: at[column * length + token] is the span that stands there, or -1. */
static int *place_spans(mlce_arena *arena, const mlce_record *record, int column_count,
                        const int *columns) {
    size_t length = (size_t)record->length, cells = length * (size_t)column_count;
    int *at = mlce_arena_alloc(arena, cells, sizeof *at);
    if (!at) return NULL;
    for (size_t i = 0; i < cells; i++) at[i] = -1;
    for (int k = 0; k < record->span_count; k++)
        for (int64_t i = record->spans[k].start; i < record->spans[k].end; i++)
            at[(size_t)columns[k] * length + (size_t)i] = k;
    return at;
}

static void write_tag(FILE *file, mlce_scheme scheme, const mlce_record *record, const int *at,
                      int i) {
    if (at[i] < 0) {
        fputs("\tO", file);
        return;
    }
    const mlce_mark *mark = &record->spans[at[i]];
    bool follows = mark->start > 0 && at[mark->start - 1] >= 0 &&
                   !strcmp(record->spans[at[mark->start - 1]].type, mark->type);
    char prefix = mlce_tag_prefix(scheme, i, (int)mark->start, (int)mark->end, follows);
    fprintf(file, "\t%c-%s", prefix, mark->type);
}

static void write_head(conll_sink *c, const mlce_record *record) {
    if (record->document >= 0 && record->document != c->document)
        fputs("-DOCSTART-\n\n", c->text.file);
    c->document = record->document;
    if (record->id && *record->id) fprintf(c->text.file, "# id %s\n", record->id);
}

static mlce_status add(mlce_sink *sink, const mlce_record *record) {
    conll_sink *c = sink->state;
    int *columns, count, width = sink->survey->have_spans ? sink->survey->tag_columns : 0;
    mlce_status status = check(record);
    if (!status) status = mlce_assign_columns(sink->arena, record, &columns, &count);
    if (status || !record->length) return status; /* a sequence without tokens has no rows */
    const int *at = place_spans(sink->arena, record, width, columns);
    if (!at) return MLCE_E_MEMORY;
    write_head(c, record);
    for (int i = 0; i < record->length; i++) {
        fputs(record->tokens[i], c->text.file);
        for (int k = 0; k < width; k++)
            write_tag(c->text.file, sink->options.scheme, record,
                      at + (size_t)k * (size_t)record->length, i);
        putc('\n', c->text.file);
    }
    putc('\n', c->text.file);
    return mlce_text_file_check(&c->text);
}

static mlce_status finish(mlce_sink *sink) {
    conll_sink *c = sink->state;
    return mlce_text_file_finish(&c->text);
}

static void close_file(mlce_sink *sink) {
    conll_sink *c = sink->state;
    if (!c) return;
    mlce_text_file_abandon(&c->text);
    free(c);
}

mlce_status mlce_write_conll(mlce_sink *sink) {
    int columns = sink->survey->tag_columns;
    if (sink->survey->are_items)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: items with labels have no columns: write JSONL",
                         sink->path);
    if (columns > MLCE_MOST_TAG_COLUMNS)
        return mlce_fail(
            MLCE_E_DATA,
            "%s: spans overlap so that more columns would be needed than the %d that are allowed: "
            "write JSONL",
            sink->path, MLCE_MOST_TAG_COLUMNS);
    conll_sink *c = sink->state = mlce_calloc(1, sizeof *c);
    if (!c) return MLCE_E_MEMORY;
    c->document = -1;
    sink->add = add;
    sink->finish = finish;
    sink->close = close_file;
    mlce_status status = mlce_text_file_open(sink->path, &c->text);
    if (status || columns == 1) return status;
    fputs("# global.columns = FORM", c->text.file);
    for (int k = 0; k < columns; k++) fputs(" NER", c->text.file);
    putc('\n', c->text.file);
    return MLCE_OK;
}
