/* source.h - one way to read all formats: a source yields sequences one after the other.
 *
 *   mlce_source *source;
 *   status = mlce_source_open("train.conll", &options, &source);
 *   while (!(status = mlce_source_next(source, &record)) && record) ...
 *   mlce_source_close(source);
 *
 * A format's reader yields raw records: tokens, or text alone, with spans that count tokens or
 * characters. The source makes of them what all formats have in common: tokens, and spans that
 * count tokens.
 */
#ifndef MLCE_CONVERT_SOURCE_H
#define MLCE_CONVERT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "convert/names.h"
#include "convert/tags.h"
#include "mlce/dataset.h"
#include "mlce/memory.h"

/* A span by the name of its type, or a label of an item (start 0, end 1). */
typedef struct mlce_mark {
    int64_t start, end; /* half-open */
    const char *type;
    const char *text; /* what the file says that it covers, or NULL */
    float weight;     /* of a label; 0 where the file has none */
    int64_t line;     /* where it stands; 0: the record's */
} mlce_mark;

/* One sequence, or one item with labels. Valid until the source's next record. */
typedef struct mlce_record {
    int64_t line;          /* where it begins in the file, from 1; 0 in files without lines */
    const char *id, *text; /* NULL where the file has none */
    bool integer_id;       /* the file has it as a number */
    int64_t document;      /* -1: none */
    bool is_item;
    const float *features; /* [width], of an item, or NULL */
    int width;
    int length;                /* tokens; -1 in a raw record of text alone */
    const char *const *tokens; /* [length] */
    const int32_t (*chars)[2]; /* [length] code points in the text, or NULL; with text only */
    const mlce_mark *spans;    /* [span_count] */
    int span_count;
    bool has_spans;     /* false: the file does not say what is to be found in it */
    bool in_characters; /* the spans of a raw record count code points of the text, not tokens */
    bool in_utf16;      /* ... or units of UTF-16, as JavaScript does */
} mlce_record;

typedef enum mlce_format {
    MLCE_FORMAT_ANY,
    MLCE_FORMAT_CONLL,
    MLCE_FORMAT_JSONL, /* one JSON object a line, or one JSON array of objects */
    MLCE_FORMAT_BRAT,
    MLCE_FORMAT_TEXT, /* plain text, a sequence a line */
    MLCE_FORMAT_HDF5
} mlce_format;

/* What becomes of a span whose ends stand inside a token. */
typedef enum mlce_cut { MLCE_CUT_WIDEN, MLCE_CUT_DROP, MLCE_CUT_ERROR } mlce_cut;

enum { MLCE_MOST_TAG_COLUMNS = 32 };

/* {0} has all defaults. Strings and names must outlive the source. */
typedef struct mlce_source_options {
    mlce_format format;
    mlce_scheme scheme;
    int token_column;                       /* of CoNLL, from 1; 0: found out */
    int tag_columns[MLCE_MOST_TAG_COLUMNS]; /* from 1 */
    int tag_column_count;                   /* 0: found out */
    const mlce_names *labels;               /* names of tags that are numbers, or NULL */
    mlce_cut cut;
    bool drop_discontinuous; /* instead of taking them from their first token to their last */
    bool whole_documents;    /* of brat: one sequence a document, not a line */
    bool utf16; /* characters are units of UTF-16 unless a span's text says otherwise */
    bool items; /* of JSON: lists of labels are meant, also where they are empty */
} mlce_source_options;

/* What was found on the way that a user should know of. */
typedef struct mlce_source_counts {
    int64_t widened, cut;  /* spans that cut a token, and what became of them */
    int64_t trimmed;       /* spans with spaces at an end, which are no token's */
    int64_t bare;          /* spans without a token: left out */
    int64_t twice;         /* spans that stood there already: left out */
    int64_t discontinuous; /* spans of several parts */
    int64_t loose;         /* spans that begin with I-, E- or L- */
    int64_t misfit;        /* texts that do not hold their tokens: left out */
    int64_t utf16;         /* spans that fit their text in units of UTF-16 only */
    int64_t rejected;      /* records that annotators rejected: left out */
    int64_t other;         /* annotations of other kinds (relations, events): left out */
    int64_t columns;       /* columns that are neither tokens nor tags: not kept */
    int64_t comments;      /* comment lines that name no sequence: not kept */
    int64_t members;       /* members of JSON objects that mean nothing here: not kept */
    char member[64];       /* the first of them */
} mlce_source_counts;

typedef struct mlce_source mlce_source;

/* A file or, of brat, a folder. What cannot be read twice (a pipe) is copied to a temporary file
   first. options NULL: {0}. */
mlce_status mlce_source_open(const char *path, const mlce_source_options *options,
                             mlce_source **source);
/* Any stream that can be read twice, of CoNLL, JSONL or text; `name` is for messages. Takes over
   the stream, also where it fails. */
mlce_status mlce_source_open_stream(FILE *stream, const char *name,
                                    const mlce_source_options *options, mlce_source **source);
/* The two files of a brat document. `name` (without .txt) becomes its id. Takes over both. */
mlce_status mlce_source_open_brat(FILE *text, FILE *annotations, const char *name,
                                  const mlce_source_options *options, mlce_source **source);
void mlce_source_close(mlce_source *source);

/* *record NULL behind the last. Messages begin with "file:line: ". */
mlce_status mlce_source_next(mlce_source *source, const mlce_record **record);
/* Back to the first record. */
mlce_status mlce_source_rewind(mlce_source *source);

/* Whether `path` leads to a file, among several, that the source reads. */
bool mlce_source_reads(mlce_source *source, const char *path);
mlce_format mlce_source_format(const mlce_source *source);
const char *mlce_source_name(const mlce_source *source);
/* Of the records since the beginning or the last rewind. */
const mlce_source_counts *mlce_source_counted(const mlce_source *source);

/* Brings spans into the order that sinks expect: by start, the longer first, then by type. */
void mlce_marks_sort(mlce_mark *marks, int count);

/* "conll", "jsonl", "brat", "text" or "hdf5"; false where there is no such format. */
bool mlce_format_find(const char *name, mlce_format *format);

#endif
