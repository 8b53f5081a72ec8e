/* brat_write.c - writes a folder of brat documents: NAME.txt and NAME.ann.
 *
 * Sequences of one document that follow one another make one file, with a line's end between them
 * where their texts have none; a sequence without a document is a file of its own. Files are named
 * by the first sequence's id, without "#1" at its end, or numbered. Tokens without a text are
 * joined with spaces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert/characters.h"
#include "convert/sink.h"
#include "core/file.h"

enum { LONGEST_NAME = 200 };

typedef struct brat_sink {
    char *part;               /* the folder that is written */
    FILE *text, *annotations; /* of the open document, or NULL */
    int64_t document;         /* its number, -1: no more sequences belong to it */
    int64_t points;           /* its length so far */
    int64_t marks;            /* annotations in it */
    bool ends_line;
    int64_t count;
    mlce_names names; /* of all documents */
    int64_t *next;    /* [names.count] the first N of "NAME-N" that may be free */
    size_t next_capacity;
} brat_sink;

static mlce_status cannot_write(const mlce_sink *sink) {
    return mlce_fail(MLCE_E_IO, "%s: cannot write: %s", sink->path, strerror(errno));
}

static mlce_status close_document(mlce_sink *sink) {
    brat_sink *b = sink->state;
    bool failed = false;
    if (b->text) failed = fclose(b->text) != 0;
    if (b->annotations) failed = fclose(b->annotations) || failed;
    b->text = b->annotations = NULL;
    return failed ? cannot_write(sink) : MLCE_OK;
}

/* ---- Names of files ---- */

/* A file's name of an id: what would lead out of the folder, or be hidden, is replaced. */
static void clean_name(const char *id, char name[LONGEST_NAME + 1]) {
    size_t length = strlen(id);
    if (length > 2 && !strcmp(id + length - 2, "#1")) length -= 2;
    if (length > LONGEST_NAME) {
        length = LONGEST_NAME;
        while (((unsigned char)id[length] & 0xC0) == 0x80) length--; /* whole code points */
    }
    memcpy(name, id, length);
    name[length] = '\0';
    for (char *c = name; *c; c++)
        if (*c == '/' || (unsigned char)*c < 0x20 || *c == 0x7F) *c = '_';
    if (name[0] == '.') name[0] = '_';
}

/* A name that no document has yet; a "-N" stands behind one that has been taken. */
static mlce_status choose_name(brat_sink *b, const char *id, char name[LONGEST_NAME + 32]) {
    char base[LONGEST_NAME + 1];
    if (id && *id)
        clean_name(id, base);
    else
        snprintf(base, sizeof base, "%06lld", (long long)b->count);
    int number = mlce_names_find(&b->names, base);
    snprintf(name, LONGEST_NAME + 32, "%s", base);
    while (mlce_names_find(&b->names, name) >= 0)
        snprintf(name, LONGEST_NAME + 32, "%s-%lld", base, (long long)b->next[number]++);
    mlce_status status = mlce_names_add(&b->names, name, &number);
    if (!status)
        status = mlce_grow((void **)&b->next, &b->next_capacity, b->names.count, sizeof *b->next);
    if (!status) b->next[number] = 2;
    return status;
}

static FILE *open_in(const char *folder, const char *name, const char *suffix) {
    size_t size = strlen(folder) + strlen(name) + strlen(suffix) + 2;
    char *path = mlce_calloc(size, 1);
    if (!path) return NULL;
    snprintf(path, size, "%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "wb");
    free(path);
    return file;
}

static mlce_status open_document(mlce_sink *sink, const mlce_record *record) {
    brat_sink *b = sink->state;
    char name[LONGEST_NAME + 32];
    mlce_status status = close_document(sink);
    if (!status) status = choose_name(b, record->id, name);
    if (status) return status;
    b->text = open_in(b->part, name, ".txt");
    b->annotations = b->text ? open_in(b->part, name, ".ann") : NULL;
    if (!b->text || !b->annotations) return cannot_write(sink);
    b->document = record->document;
    b->points = b->marks = 0;
    b->ends_line = true;
    b->count++;
    return MLCE_OK;
}

/* ---- Sequences ---- */

/* The text of an annotation stands on one line. */
static void write_covered(FILE *file, const mlce_characters *characters, int32_t start,
                          int32_t end) {
    for (uint32_t i = characters->at[start]; i < characters->at[end]; i++) {
        char c = characters->text[i];
        putc(c == '\n' || c == '\r' ? ' ' : c, file);
    }
}

static mlce_status write_marks(brat_sink *b, const mlce_record *record, const int32_t (*chars)[2],
                               const mlce_characters *characters) {
    for (int k = 0; k < record->span_count; k++) {
        const mlce_mark *mark = &record->spans[k];
        if (mark->type[strcspn(mark->type, " \t\r\n;")])
            return mlce_fail(
                MLCE_E_DATA,
                "the type '%s' has a space or a semicolon, which brat's types have not: "
                "rename it, or write JSONL",
                mark->type);
        int32_t start = chars[mark->start][0], end = chars[mark->end - 1][1];
        fprintf(b->annotations, "T%lld\t%s %lld %lld\t", (long long)++b->marks, mark->type,
                (long long)b->points + start, (long long)b->points + end);
        write_covered(b->annotations, characters, start, end);
        putc('\n', b->annotations);
    }
    return MLCE_OK;
}

static mlce_status add(mlce_sink *sink, const mlce_record *record) {
    brat_sink *b = sink->state;
    const char *text = record->text;
    const int32_t(*chars)[2] = record->chars;
    mlce_characters characters;
    mlce_status status = MLCE_OK;
    if (!text)
        status = mlce_join_tokens(sink->arena, record->tokens, record->length, &text, &chars);
    if (!status) status = mlce_characters_find(sink->arena, text, &characters);
    bool goes_on = b->text && record->document >= 0 && record->document == b->document;
    if (!status && !goes_on) status = open_document(sink, record);
    if (status) return status;
    if (!b->ends_line) {
        putc('\n', b->text);
        b->points++;
    }
    fputs(text, b->text);
    status = write_marks(b, record, chars, &characters);
    size_t size = strlen(text);
    b->ends_line = size ? text[size - 1] == '\n' : b->ends_line;
    b->points += characters.count;
    if (!status && (ferror(b->text) || ferror(b->annotations))) status = cannot_write(sink);
    return status;
}

static mlce_status finish(mlce_sink *sink) {
    brat_sink *b = sink->state;
    mlce_status status = close_document(sink);
    if (status) return status;
    char *part = b->part;
    b->part = NULL;
    return mlce_folder_commit(part, sink->path);
}

static void close_folder(mlce_sink *sink) {
    brat_sink *b = sink->state;
    if (!b) return;
    close_document(sink);
    mlce_folder_abandon(b->part);
    mlce_names_free(&b->names);
    free(b->next);
    free(b);
}

mlce_status mlce_write_brat(mlce_sink *sink) {
    if (sink->survey->are_items)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: items with labels are no brat documents: write JSONL", sink->path);
    if (!strcmp(sink->path, "-"))
        return mlce_fail(MLCE_E_ARGUMENT, "brat documents are a folder: name it with -o");
    brat_sink *b = sink->state = mlce_calloc(1, sizeof *b);
    if (!b) return MLCE_E_MEMORY;
    b->document = -1;
    sink->add = add;
    sink->finish = finish;
    sink->close = close_folder;
    b->part = mlce_folder_begin(sink->path);
    return b->part ? MLCE_OK : MLCE_E_IO;
}
