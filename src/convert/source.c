/* source.c - opens a file in its format, and makes finished records of raw ones. */
#include "convert/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "convert/characters.h"

struct mlce_source {
    char *name;
    mlce_format format;
    mlce_source_options options;
    FILE *stream; /* that the reader reads; NULL: it opens its files itself */
    mlce_reader reader;
    mlce_arena *arena;
    mlce_record record;
};

/* ---- Formats ---- */

static const char *const format_names[] = {
    [MLCE_FORMAT_CONLL] = "conll", [MLCE_FORMAT_JSONL] = "jsonl", [MLCE_FORMAT_BRAT] = "brat",
    [MLCE_FORMAT_TEXT] = "text",   [MLCE_FORMAT_HDF5] = "hdf5",
};

bool mlce_format_find(const char *name, mlce_format *format) {
    if (!strcmp(name, "json")) name = "jsonl";
    for (int i = MLCE_FORMAT_CONLL; i <= MLCE_FORMAT_HDF5; i++)
        if (!strcmp(name, format_names[i])) {
            *format = (mlce_format)i;
            return true;
        }
    return false;
}

static bool has_suffix(const char *text, const char *suffix) {
    size_t length = strlen(text), size = strlen(suffix);
    return length > size && !strcmp(text + length - size, suffix);
}

/* Whether the path names one of the two files of a brat document, and both are there. */
static bool is_brat_pair(const char *path) {
    if (!has_suffix(path, ".ann") && !has_suffix(path, ".txt")) return false;
    char *other = mlce_strdup(path);
    if (!other) return false;
    size_t stem = strlen(path) - 3;
    struct stat info;
    memcpy(other + stem, "ann", 3);
    bool is_pair = !stat(other, &info) && S_ISREG(info.st_mode);
    memcpy(other + stem, "txt", 3);
    is_pair = is_pair && !stat(other, &info) && S_ISREG(info.st_mode);
    free(other);
    return is_pair;
}

static const char *skip_space(const char *text) {
    return text + strspn(text, " \t\r\n");
}

/* By what the file begins with: an object, or an array of them, is JSON. */
static mlce_format format_of(const char *beginning, size_t size) {
    static const char hdf5[] = "\x89HDF\r\n\x1A\n";
    if (size >= sizeof hdf5 - 1 && !memcmp(beginning, hdf5, sizeof hdf5 - 1))
        return MLCE_FORMAT_HDF5;
    if (!strncmp(beginning, "\xEF\xBB\xBF", 3)) beginning += 3;
    const char *next = skip_space(beginning);
    bool is_array = *next == '[';
    if (is_array) next = skip_space(next + 1);
    if (is_array && *next == ']') return MLCE_FORMAT_JSONL;
    if (*next != '{') return MLCE_FORMAT_CONLL;
    next = skip_space(next + 1);
    return *next == '"' || *next == '}' ? MLCE_FORMAT_JSONL : MLCE_FORMAT_CONLL;
}

static mlce_status detect(FILE *stream, const char *name, mlce_format *format) {
    char beginning[4097];
    size_t size = fread(beginning, 1, sizeof beginning - 1, stream);
    beginning[size] = '\0';
    if (ferror(stream) || fseek(stream, 0, SEEK_SET))
        return mlce_fail(MLCE_E_IO, "%s: cannot read: %s", name, strerror(errno));
    if (size == 0)
        return mlce_fail(MLCE_E_DATA, "%s:1: the file is empty: it must hold sequences", name);
    if (size > 1 && !memcmp(beginning, "\x1F\x8B", 2))
        return mlce_fail(MLCE_E_DATA, "%s: is compressed: give what gunzip makes of it", name);
    *format = format_of(beginning, size);
    return MLCE_OK;
}

/* ---- Opening ---- */

static mlce_status new_source(const char *name, const mlce_source_options *options,
                              mlce_source **source) {
    mlce_source *made = *source = mlce_calloc(1, sizeof *made);
    if (!made) return MLCE_E_MEMORY;
    if (options) made->options = *options;
    made->format = made->options.format;
    made->name = mlce_strdup(name);
    made->arena = mlce_arena_new();
    made->reader = (mlce_reader){.name = made->name, .options = &made->options};
    return made->name && made->arena ? MLCE_OK : MLCE_E_MEMORY;
}

void mlce_source_close(mlce_source *source) {
    if (!source) return;
    if (source->reader.close) source->reader.close(&source->reader);
    if (source->stream) fclose(source->stream);
    mlce_arena_free(source->arena);
    free(source->name);
    free(source);
}

/* `status` of having opened it. */
static mlce_status done(mlce_status status, mlce_source **source) {
    if (!status) return MLCE_OK;
    mlce_source_close(*source);
    *source = NULL;
    return status;
}

/* A copy of a stream that can be read twice; closes the stream. */
static FILE *spool(FILE *stream, const char *name) {
    char buffer[1 << 16];
    FILE *copy = tmpfile();
    bool failed = !copy;
    for (size_t size; !failed && (size = fread(buffer, 1, sizeof buffer, stream)) > 0;)
        failed = fwrite(buffer, 1, size, copy) != size;
    failed = failed || ferror(stream) || fseek(copy, 0, SEEK_SET);
    if (failed) mlce_fail(MLCE_E_IO, "%s: cannot copy: %s", name, strerror(errno));
    if (failed && copy) fclose(copy);
    fclose(stream);
    return failed ? NULL : copy;
}

static mlce_status read_stream(mlce_source *source, FILE *stream) {
    source->stream = stream;
    switch (source->format) {
    case MLCE_FORMAT_JSONL:
        return mlce_read_json(&source->reader, stream);
    case MLCE_FORMAT_TEXT:
        return mlce_read_text(&source->reader, stream);
    default:
        return mlce_read_conll(&source->reader, stream);
    }
}

/* A format whose reader opens the path itself. */
static bool needs_path(mlce_format format) {
    return format == MLCE_FORMAT_BRAT || format == MLCE_FORMAT_HDF5;
}

static mlce_status open_file(mlce_source *source, const char *path) {
    bool is_stdin = !strcmp(path, "-");
    FILE *stream = is_stdin ? stdin : fopen(path, "rb");
    struct stat info;
    if (!stream || fstat(fileno(stream), &info)) {
        mlce_status status = mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
        if (stream) fclose(stream);
        return status;
    }
    if (!S_ISREG(info.st_mode) && !(stream = spool(stream, source->name))) return MLCE_E_IO;
    mlce_format format = source->format;
    mlce_status status = detect(stream, source->name, &format);
    if (source->format == MLCE_FORMAT_ANY) source->format = format;
    if (!status && !needs_path(source->format)) return read_stream(source, stream);
    fclose(stream);
    return status ? status : mlce_read_hdf5(&source->reader, path);
}

mlce_status mlce_source_open(const char *path, const mlce_source_options *options,
                             mlce_source **source) {
    mlce_status status = new_source(strcmp(path, "-") ? path : "standard input", options, source);
    if (status) return done(status, source);
    mlce_source *made = *source;
    struct stat info;
    bool is_folder = !stat(path, &info) && S_ISDIR(info.st_mode);
    if (made->format == MLCE_FORMAT_ANY && (is_folder || is_brat_pair(path)))
        made->format = MLCE_FORMAT_BRAT;
    if (made->format == MLCE_FORMAT_BRAT)
        status = mlce_read_brat(&made->reader, path);
    else if (is_folder)
        status = mlce_fail(MLCE_E_IO, "%s: is a folder, expected a file", path);
    else
        status = open_file(made, path);
    return done(status, source);
}

mlce_status mlce_source_open_stream(FILE *stream, const char *name,
                                    const mlce_source_options *options, mlce_source **source) {
    mlce_status status = new_source(name, options, source);
    mlce_format format = MLCE_FORMAT_ANY;
    if (!status) status = detect(stream, name, &format);
    if (!status && (*source)->format == MLCE_FORMAT_ANY) (*source)->format = format;
    if (!status && needs_path((*source)->format))
        status = mlce_fail(MLCE_E_ARGUMENT,
                           "%s: must be a file: its format cannot be read from a "
                           "stream",
                           name);
    if (status)
        fclose(stream);
    else
        status = read_stream(*source, stream);
    return done(status, source);
}

mlce_status mlce_source_open_brat(FILE *text, FILE *annotations, const char *name,
                                  const mlce_source_options *options, mlce_source **source) {
    mlce_status status = new_source(name, options, source);
    if (status) {
        fclose(text);
        fclose(annotations);
        return done(status, source);
    }
    (*source)->format = MLCE_FORMAT_BRAT;
    return done(mlce_read_brat_pair(&(*source)->reader, text, annotations), source);
}

/* ---- Records ---- */

char *mlce_arena_text(mlce_arena *arena, const char *text, size_t size) {
    char *copy = mlce_arena_alloc(arena, size + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

/* Tokens of a text that has none. */
static mlce_status tokenize(mlce_arena *arena, const mlce_characters *characters,
                            mlce_record *record) {
    int32_t(*chars)[2];
    mlce_status status = mlce_tokenize(arena, characters, &chars, &record->length);
    if (status) return status;
    size_t count = (size_t)record->length;
    const char **tokens = mlce_arena_alloc(arena, count, sizeof *tokens);
    char *next = mlce_arena_alloc(arena, strlen(record->text) + count, 1);
    if (!tokens || !next) return MLCE_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        uint32_t from = characters->at[chars[i][0]], to = characters->at[chars[i][1]];
        tokens[i] = memcpy(next, record->text + from, to - from);
        next += to - from;
        *next++ = '\0';
    }
    record->tokens = tokens;
    record->chars = (const int32_t(*)[2])chars;
    return MLCE_OK;
}

/* What writes the text of spans looks it up by these. */
static mlce_status check_chars(const mlce_characters *characters, const mlce_record *record) {
    for (int i = 0; i < record->length; i++) {
        int32_t start = record->chars[i][0], end = record->chars[i][1];
        if (start < 0 || end < start || end > characters->count)
            return mlce_fail(MLCE_E_DATA,
                             "token %d: start %d, end %d: is no range within the text's %d code "
                             "points",
                             i, (int)start, (int)end, (int)characters->count);
    }
    return MLCE_OK;
}

/* Tokens, and where they stand in the text; spans over tokens. */
static mlce_status find_tokens(mlce_source *source, mlce_record *record) {
    mlce_characters characters = {0};
    mlce_status status = MLCE_OK;
    if (record->text) status = mlce_characters_find(source->arena, record->text, &characters);
    if (!record->text && record->length < 0)
        return mlce_fail(MLCE_E_DATA, "it has neither text nor tokens");
    if (!status && record->length < 0) status = tokenize(source->arena, &characters, record);
    if (!status && record->text && !record->chars)
        status = mlce_characters_of_tokens(source->arena, &characters, record->tokens,
                                           record->length, &record->chars);
    if (!status && record->text && record->chars) status = check_chars(&characters, record);
    if (status) return status;
    if (record->in_characters && !record->chars)
        return mlce_fail(MLCE_E_DATA, record->text
                                          ? "its tokens are not those of its text: correct or "
                                            "remove the tokens"
                                          : "its spans count characters, but it has no text");
    if (record->in_characters)
        status = mlce_align_spans(source->arena, &characters, record, &source->options,
                                  &source->reader.counts);
    if (!record->chars && record->text) {
        source->reader.counts.misfit++;
        record->text = NULL;
    }
    if (!record->text) record->chars = NULL;
    return status;
}

static int compare_marks(const void *left, const void *right) {
    const mlce_mark *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end > b->end ? -1 : 1;
    return strcmp(a->type, b->type);
}

void mlce_marks_sort(mlce_mark *marks, int count) {
    if (count) qsort(marks, (size_t)count, sizeof *marks, compare_marks);
}

/* In order, none twice, all within the sequence. */
static mlce_status sort_spans(mlce_source *source, mlce_record *record) {
    size_t count = (size_t)record->span_count;
    mlce_mark *sorted = mlce_arena_alloc(source->arena, count, sizeof *sorted);
    if (!sorted) return MLCE_E_MEMORY;
    int kept = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = record->spans[i];
        if (sorted[i].start < 0 || sorted[i].end > record->length ||
            sorted[i].start >= sorted[i].end)
            return mlce_fail(MLCE_E_DATA,
                             "span %zu: start %lld, end %lld, type %s: is empty or runs past the "
                             "sequence's %d tokens (the end is not included)",
                             i, (long long)sorted[i].start, (long long)sorted[i].end,
                             sorted[i].type, record->length);
    }
    mlce_marks_sort(sorted, record->span_count);
    for (size_t i = 0; i < count; i++) {
        if (kept && !compare_marks(&sorted[kept - 1], &sorted[i]))
            source->reader.counts.twice++;
        else
            sorted[kept++] = sorted[i];
    }
    record->spans = sorted;
    record->span_count = kept;
    return MLCE_OK;
}

/* Token spans of which the text is known must hold it: their tokens were others otherwise. */
static mlce_status check_span_texts(const mlce_record *record) {
    for (int i = 0; i < record->span_count; i++) {
        const mlce_mark *mark = &record->spans[i];
        if (!mark->text || !record->length || !*record->tokens[mark->start]) continue;
        const char *token = record->tokens[mark->start];
        if (strncmp(mark->text, token, strlen(token)))
            return mlce_fail(MLCE_E_DATA,
                             "start %lld, end %lld, type %s: begins with the token '%s', but its "
                             "text is '%s': give the tokens",
                             (long long)mark->start, (long long)mark->end, mark->type, token,
                             mark->text);
    }
    return MLCE_OK;
}

static mlce_status finish(mlce_source *source, mlce_record *record) {
    if (record->is_item) {
        record->length = 1;
        record->chars = NULL; /* of tokens, which an item has not */
        return sort_spans(source, record);
    }
    bool counts_tokens = !record->in_characters;
    mlce_status status = find_tokens(source, record);
    if (!status) status = sort_spans(source, record);
    if (!status && counts_tokens) status = check_span_texts(record);
    return status;
}

mlce_status mlce_source_next(mlce_source *source, const mlce_record **record) {
    *record = NULL;
    bool found = false;
    mlce_arena_reset(source->arena);
    source->record = (mlce_record){.document = -1, .length = -1};
    mlce_status status =
        source->reader.next(&source->reader, source->arena, &source->record, &found);
    if (status || !found) return status;
    status = finish(source, &source->record);
    if (!status) {
        *record = &source->record;
    } else if (source->record.line) {
        mlce_fail_prefix(status, "%s:%lld: ", source->reader.name, (long long)source->record.line);
    } else {
        mlce_fail_prefix(status, "%s: ", source->reader.name);
    }
    return status;
}

mlce_status mlce_source_rewind(mlce_source *source) {
    source->reader.counts = (mlce_source_counts){0};
    return source->reader.rewind(&source->reader);
}

bool mlce_source_reads(mlce_source *source, const char *path) {
    return source->reader.reads && source->reader.reads(&source->reader, path);
}

mlce_format mlce_source_format(const mlce_source *source) {
    return source->format;
}

const char *mlce_source_name(const mlce_source *source) {
    return source->name;
}

const mlce_source_counts *mlce_source_counted(const mlce_source *source) {
    return &source->reader.counts;
}
