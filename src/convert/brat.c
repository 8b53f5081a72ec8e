/* brat.c - reads brat's stand-off annotations: NAME.txt with a text, NAME.ann with lines
 *
 *   T1<tab>TYPE 0 5<tab>the text
 *   T2<tab>TYPE 7 9;12 15<tab>a text of several parts
 *
 * that count code points of the text. Lines of other kinds (relations, events, notes) are counted
 * and passed by; so is a missing .ann, which makes a document without annotations.
 *
 * A document becomes one sequence for each of its lines; lines that a span runs across stay
 * together. A sequence's text keeps its line's end and the empty lines behind it: the texts of a
 * document, one after the other, are its file.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/characters.h"
#include "core/file.h"
#include "core/lines.h"

typedef struct brat {
    FILE *text, *annotations; /* of a pair that was given as streams, or NULL */
    char **stems;             /* [count] paths without .txt, but with room for it */
    size_t count, at;         /* documents; the next one */
    char *path;               /* the current one's, for messages */

    mlce_arena *arena; /* of the current document */
    mlce_characters characters;
    mlce_mark *marks; /* in ascending order of their beginnings */
    size_t mark_count, marks_capacity, next_mark;
    bool has_marks;
    int32_t *breaks; /* the code point behind each sequence */
    size_t break_count, breaks_capacity, sequence;
} brat;

static const char *name_of(const char *stem) {
    const char *slash = strrchr(stem, '/');
    return slash ? slash + 1 : stem;
}

/* ---- One document's files ---- */

static mlce_status check_lines(const char *bytes, size_t size, const char *path) {
    for (size_t at = 0, line = 1, length; at < size; at += length, line++) {
        const char *end = memchr(bytes + at, '\n', size - at);
        length = end ? (size_t)(end - bytes) + 1 - at : size - at;
        mlce_status status = mlce_check_utf8(bytes + at, length);
        if (status) return mlce_fail_prefix(status, "%s:%zu: ", path, line);
    }
    return MLCE_OK;
}

static mlce_status read_whole(FILE *file, const char *path, mlce_arena *arena, char **text) {
    char *bytes = NULL;
    size_t size = 0, capacity = 0, more = 0;
    mlce_status status = MLCE_OK;
    do {
        size += more;
        status = mlce_grow((void **)&bytes, &capacity, size + (1 << 16), 1);
        more = status ? 0 : fread(bytes + size, 1, 1 << 16, file);
    } while (more && size < MLCE_LONGEST_LINE);
    if (!status && ferror(file))
        status = mlce_fail(MLCE_E_IO, "%s: cannot read: %s", path, strerror(errno));
    if (!status && more)
        status = mlce_fail(MLCE_E_DATA, "%s: is longer than %d MiB", path, MLCE_LONGEST_LINE >> 20);
    if (!status) status = check_lines(bytes, size, path);
    if (!status && !(*text = mlce_arena_text(arena, bytes, size))) status = MLCE_E_MEMORY;
    free(bytes);
    return status;
}

/* "0 5" or "7 9;12 15": the hull, and how many parts. */
static bool read_parts(const char *text, mlce_mark *mark, int *parts) {
    for (*parts = 0; !*parts || *text == ';'; ++*parts) {
        char *end, *start_end;
        if (*parts) text++;
        if (!isdigit((unsigned char)*text)) return false;
        long long start = strtoll(text, &start_end, 10);
        if (*start_end != ' ' || !isdigit((unsigned char)start_end[1])) return false;
        long long stop = strtoll(start_end + 1, &end, 10);
        if (stop < start) return false;
        if (!*parts || start < mark->start) mark->start = start;
        if (!*parts || stop > mark->end) mark->end = stop;
        text = end;
    }
    return !*text;
}

static mlce_status add_mark(mlce_reader *reader, brat *b, char *line, int64_t number) {
    char *type = strchr(line, '\t');
    if (!type) return mlce_fail(MLCE_E_DATA, "expected ID<tab>TYPE START END<tab>TEXT");
    *type++ = '\0';
    char *text = strchr(type, '\t');
    if (text) *text++ = '\0';
    char *parts = strchr(type, ' ');
    int count = 0;
    mlce_mark mark = {.line = number};
    if (!parts || parts == type || !read_parts(parts + 1, &mark, &count))
        return mlce_fail(MLCE_E_DATA,
                         "%s: '%s' is not a type and its ends (TYPE START END, or TYPE START END;"
                         "START END)",
                         line, type);
    *parts = '\0';
    reader->counts.discontinuous += count > 1;
    if (count > 1 && reader->options->drop_discontinuous) return MLCE_OK;
    if (mark.start < 0 || mark.end > b->characters.count)
        return mlce_fail(MLCE_E_DATA,
                         "%s: start %lld, end %lld: runs past the text's %d code points", line,
                         (long long)mark.start, (long long)mark.end, (int)b->characters.count);
    bool has_text = text && count == 1;
    if (!(mark.type = mlce_arena_text(b->arena, type, strlen(type))) ||
        (has_text && !(mark.text = mlce_arena_text(b->arena, text, strlen(text)))))
        return MLCE_E_MEMORY;
    mlce_status status =
        mlce_grow((void **)&b->marks, &b->marks_capacity, b->mark_count + 1, sizeof *b->marks);
    if (!status) b->marks[b->mark_count++] = mark;
    return status;
}

static mlce_status read_annotations(mlce_reader *reader, brat *b, FILE *file) {
    mlce_lines lines = {.file = file, .name = b->path};
    char *line;
    mlce_status status;
    while (!(status = mlce_lines_next(&lines, &line)) && line) {
        if (!line[strspn(line, " \t")]) continue;
        if (line[0] != 'T') {
            reader->counts.other++;
            continue;
        }
        status = add_mark(reader, b, line, lines.number);
        if (status) {
            mlce_fail_prefix(status, "%s:%lld: ", b->path, (long long)lines.number);
            break;
        }
    }
    mlce_lines_free(&lines);
    return status;
}

/* ---- Sequences ---- */

static int compare_starts(const void *left, const void *right) {
    const mlce_mark *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

static bool is_space_at(const brat *b, int32_t point) {
    return strchr(" \t\r\n", b->characters.text[b->characters.at[point]]) != NULL;
}

/* A sequence ends behind each line that holds more than spaces, and whose end no span runs across.
 */
static mlce_status find_breaks(mlce_reader *reader, brat *b) {
    int32_t count = b->characters.count, point = 0;
    int64_t covered = 0; /* up to where the marks so far reach */
    size_t mark = 0;
    mlce_status status = MLCE_OK;
    b->break_count = b->sequence = b->next_mark = 0;
    bool any = false; /* anything but spaces since the last break */
    for (; point < count && !reader->options->whole_documents && !status; point++) {
        for (; mark < b->mark_count && b->marks[mark].start <= point; mark++)
            if (b->marks[mark].end > covered) covered = b->marks[mark].end;
        bool space = is_space_at(b, point);
        any = any || !space;
        bool line_ends = b->characters.text[b->characters.at[point]] == '\n';
        if (!line_ends || !any || covered > point + 1) continue;
        status = mlce_grow((void **)&b->breaks, &b->breaks_capacity, b->break_count + 1,
                           sizeof *b->breaks);
        if (!status) b->breaks[b->break_count++] = point + 1;
        any = false;
    }
    if (!status)
        status = mlce_grow((void **)&b->breaks, &b->breaks_capacity, b->break_count + 1,
                           sizeof *b->breaks);
    /* Spaces behind the last break belong to it. */
    if (!status && b->break_count && !any) b->break_count--;
    if (!status) b->breaks[b->break_count++] = count;
    return status;
}

/* Empty lines go to the sequence before them: each break moves behind those that follow, but not
   across the beginning of a span. */
static void move_breaks(brat *b) {
    size_t mark = 0;
    for (size_t i = 0; i + 1 < b->break_count; i++) {
        int32_t point = b->breaks[i], behind = b->breaks[i];
        while (mark < b->mark_count && b->marks[mark].start < point) mark++;
        int64_t limit = mark < b->mark_count ? b->marks[mark].start : INT64_MAX;
        if (limit > b->breaks[i + 1]) limit = b->breaks[i + 1];
        for (; point < limit && is_space_at(b, point); point++)
            if (b->characters.text[b->characters.at[point]] == '\n') behind = point + 1;
        b->breaks[i] = behind;
    }
}

static mlce_status read_document(mlce_reader *reader, brat *b) {
    const char *stem = b->stems[b->at];
    size_t end = strlen(stem);
    FILE *text_file = b->text, *file = b->annotations;
    char *text = NULL;
    free(b->path);
    b->mark_count = 0;
    mlce_arena_reset(b->arena);
    if (!(b->path = mlce_calloc(end + 5, 1))) return MLCE_E_MEMORY;
    memcpy(b->path, stem, end);
    memcpy(b->path + end, ".txt", 5);
    reader->name = b->path;
    mlce_status status = text_file ? MLCE_OK : mlce_file_open(b->path, false, &text_file);
    if (!status) status = read_whole(text_file, b->path, b->arena, &text);
    if (!status) status = mlce_characters_find(b->arena, text, &b->characters);
    memcpy(b->path + end, ".ann", 5);
    if (!status && !file) status = mlce_file_open(b->path, true, &file);
    b->has_marks = file != NULL;
    if (!status && file) status = read_annotations(reader, b, file);
    if (text_file && text_file != b->text) fclose(text_file);
    if (file && file != b->annotations) fclose(file);
    if (status) return status;
    if (b->mark_count) qsort(b->marks, b->mark_count, sizeof *b->marks, compare_starts);
    status = find_breaks(reader, b);
    if (!status) move_breaks(b);
    return status;
}

/* "NAME#3" for the third sequence of a document, or "NAME". */
static const char *make_id(mlce_reader *reader, const brat *b, mlce_arena *arena) {
    const char *name = name_of(b->stems[b->at]);
    size_t size = strlen(name) + 24;
    char *id = mlce_arena_alloc(arena, size, 1);
    if (!id) return NULL;
    if (reader->options->whole_documents)
        snprintf(id, size, "%s", name);
    else
        snprintf(id, size, "%s#%zu", name, b->sequence + 1);
    return id;
}

static mlce_status make_record(mlce_reader *reader, brat *b, mlce_arena *arena,
                               mlce_record *record) {
    int32_t start = b->sequence ? b->breaks[b->sequence - 1] : 0, end = b->breaks[b->sequence];
    uint32_t from = b->characters.at[start], to = b->characters.at[end];
    size_t first = b->next_mark;
    while (b->next_mark < b->mark_count &&
           (b->marks[b->next_mark].start < end || end == b->characters.count))
        b->next_mark++;
    size_t count = b->next_mark - first;
    mlce_mark *marks = mlce_arena_alloc(arena, count, sizeof *marks);
    record->text = mlce_arena_text(arena, b->characters.text + from, to - from);
    record->id = make_id(reader, b, arena);
    if (!marks || !record->text || !record->id) return MLCE_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        marks[i] = b->marks[first + i];
        marks[i].start -= start;
        marks[i].end -= start;
    }
    record->document = (int64_t)b->at;
    record->spans = marks;
    record->span_count = (int)count;
    record->has_spans = b->has_marks;
    record->in_characters = true;
    return MLCE_OK;
}

static mlce_status next(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found) {
    brat *b = reader->state;
    mlce_status status = MLCE_OK;
    *found = b->at < b->count;
    if (!*found) return MLCE_OK;
    if (b->sequence == 0) status = read_document(reader, b);
    if (!status) status = make_record(reader, b, arena, record);
    if (!status && ++b->sequence == b->break_count) {
        b->sequence = 0;
        b->at++;
    }
    return status;
}

/* ---- Folders and pairs ---- */

static mlce_status rewind_documents(mlce_reader *reader) {
    brat *b = reader->state;
    b->at = b->sequence = 0;
    if (b->text) rewind(b->text);
    if (b->annotations) rewind(b->annotations);
    return MLCE_OK;
}

static bool reads(mlce_reader *reader, const char *path) {
    const brat *b = reader->state;
    bool found = false;
    for (size_t i = 0; i < b->count && !b->text && !found; i++) {
        char *suffix = b->stems[i] + strlen(b->stems[i]);
        memcpy(suffix, ".txt", 5);
        found = mlce_file_is_same(b->stems[i], path);
        memcpy(suffix, ".ann", 5);
        found = found || mlce_file_is_same(b->stems[i], path);
        *suffix = '\0';
    }
    return found;
}

static void close_documents(mlce_reader *reader) {
    brat *b = reader->state;
    if (!b) return;
    if (b->text) fclose(b->text);
    if (b->annotations) fclose(b->annotations);
    for (size_t i = 0; i < b->count; i++) free(b->stems[i]);
    free(b->stems);
    free(b->path);
    free(b->marks);
    free(b->breaks);
    mlce_arena_free(b->arena);
    free(b);
}

static mlce_status begin(mlce_reader *reader, size_t stems) {
    brat *b = reader->state = mlce_calloc(1, sizeof *b);
    if (!b) return MLCE_E_MEMORY;
    reader->next = next;
    reader->rewind = rewind_documents;
    reader->close = close_documents;
    reader->reads = reads;
    b->arena = mlce_arena_new();
    b->stems = mlce_calloc(stems, sizeof *b->stems);
    return b->arena && b->stems ? MLCE_OK : MLCE_E_MEMORY;
}

/* The stem of a path, with a folder before it or none; its last four bytes go. */
static mlce_status add_stem(brat *b, const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *stem = mlce_calloc(size, 1);
    if (!stem) return MLCE_E_MEMORY;
    snprintf(stem, size, "%s%s%s", folder, *folder ? "/" : "", name);
    stem[strlen(stem) - 4] = '\0';
    b->stems[b->count++] = stem;
    return MLCE_OK;
}

static int is_text_file(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 4 && !strcmp(entry->d_name + length - 4, ".txt");
}

static int compare_names(const struct dirent **left, const struct dirent **right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

static mlce_status read_folder(mlce_reader *reader, const char *path) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_text_file, compare_names);
    if (count < 0) return mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    mlce_status status = begin(reader, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (!status) status = add_stem(reader->state, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (status || count) return status;
    return mlce_fail(MLCE_E_DATA, "%s: holds no brat documents (NAME.txt with NAME.ann)", path);
}

mlce_status mlce_read_brat(mlce_reader *reader, const char *path) {
    size_t length = strlen(path);
    bool is_file =
        length > 4 && (!strcmp(path + length - 4, ".txt") || !strcmp(path + length - 4, ".ann"));
    DIR *folder = is_file ? opendir(path) : NULL;
    if (folder) closedir(folder);
    if (!is_file || folder) return read_folder(reader, path);
    mlce_status status = begin(reader, 1);
    return status ? status : add_stem(reader->state, "", path);
}

mlce_status mlce_read_brat_pair(mlce_reader *reader, FILE *text, FILE *annotations) {
    mlce_status status = begin(reader, 1);
    brat *b = reader->state;
    if (b) {
        b->text = text;
        b->annotations = annotations;
    } else {
        fclose(text);
        fclose(annotations);
    }
    if (status) return status;
    if (!(b->stems[0] = mlce_strdup(reader->name))) return MLCE_E_MEMORY;
    b->count = 1;
    return MLCE_OK;
}
