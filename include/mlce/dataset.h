/* dataset.h - sequences of token embeddings with labelled spans, and items with labels, in HDF5
 * files.
 *
 * Sequences with spans have the layout `mlce-spans`, version 1:
 *
 *   /  attributes         format = "mlce-spans", version = 1, embedding = string (optional),
 *                         integer_ids = 1 (optional): the ids were numbers where they came from
 *   /types                [T] string      entity types; a type's index is its id
 *   /tokens/embeddings    [N, D] float    or [N, K, D]: K encoder layers, read as one row of K*D
 *   /tokens/text          [N] string      optional
 *   /tokens/chars         [N, 2] int      optional: half-open code-point range in the text
 *   /sequences/offsets    [S+1] int       sequence s is the rows offsets[s] .. offsets[s+1]
 *   /sequences/text       [S] string      optional
 *   /sequences/id         [S] string      optional
 *   /sequences/document   [S] int         optional
 *   /spans/offsets        [S+1] int       optional, with /spans/items
 *   /spans/items          [M, 3] int      (start, end, type), half-open within the sequence
 *
 * Items with labels, any number each, have the layout `mlce-labels`, version 1:
 *
 *   /  attributes         format = "mlce-labels", version = 1, embedding and integer_ids as above
 *   /types                [C] string      the labels' names; a label's index is its id
 *   /items/features       [N, D] float    one row an item
 *   /items/text           [N] string      optional
 *   /items/id             [N] string      optional
 *   /labels/offsets       [N+1] int       optional, with /labels/items: item n has the labels
 *   /labels/items         [M] int         items[offsets[n]] .. items[offsets[n+1] - 1], none twice
 *   /labels/weights       [M] float       optional: soft targets in (0, 1]; absent: 1
 *
 * A dataset is one file or several that are read as one split, in the order given. Their HDF5
 * datasets hold their values themselves: a virtual one, or one whose values are stored outside of
 * HDF5, is refused; a link to another HDF5 file is followed. Checksums (HDF5's filter Fletcher32)
 * are verified where a file has them; the writer below gives them to all numbers, not to strings.
 */
#ifndef MLCE_DATASET_H
#define MLCE_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A span of tokens start .. end-1 (half-open, from the sequence's first token) of one type. */
typedef struct mlce_span {
    int32_t start, end, type;
} mlce_span;

/* What a dataset is for. A labels dataset is read as sequences of one token each, its labels as
   spans (0, 1, label) in ascending order: everything that works on sequences and spans works on
   it. */
typedef enum mlce_task { MLCE_TASK_SPANS, MLCE_TASK_LABELS } mlce_task;

typedef struct mlce_dataset mlce_dataset;

/* The HDF5 library is not safe against damaged or hostile files: it may crash or never return. With
   seconds over 0 each HDF5 file, dataset or model, is walked in a process of its own before it is
   opened: all its structure and small datasets are read there, of large ones the first and the last
   row. A crash, more than 1 GiB of memory, 5 seconds of computing or more than these seconds in
   all become an error of whoever opens the file. Files that have passed and are as they were are
   not walked again until the next call of this. `mlce-data validate` alone reads every chunk so.
   The programs walk, for 60 seconds at most. In the library the walk is off (0) until it is asked
   for: it calls fork(), after which the new process uses HDF5, and that is not safe in a program
   whose other threads use HDF5 by themselves. MLCE_WALK_SECONDS in the environment has the last
   word over both. */
MLCE_API void mlce_walk_files(double seconds);

typedef struct mlce_dataset_options {
    /* Bytes of memory that embeddings may take. What fits is kept in memory as stored (half
       precision stays half precision, only float64 is narrowed to float32); what does not is
       read from the files as it is needed. 0: never keep. Beside them a dataset takes 16 bytes a
       sequence and 12 a span, and a batcher 20 to 50 a sequence. */
    size_t memory;
    /* Embeddings that are not kept in memory are checked for NaN and infinity when they are read;
       true: also by a pass over all files at opening. */
    bool check_rows;
} mlce_dataset_options;

/* Opens and checks everything: format, types, offsets, spans, finite embeddings (check_rows).
   `paths` is one path, or several separated by commas; each may be a glob pattern ("train-*.h5",
   sorted by name). All files must have one layout, the same width and the same set of types (in any
   order: ids are those of the first file). `options` NULL: 2 GiB, not check_rows. On failure
   *dataset is NULL. Free with mlce_dataset_close(). Files of embeddings that are not kept must stay
   as they are while the dataset is open: a read from one that was changed is MLCE_E_DATA. At most
   64 of them are open at a time. */
MLCE_API mlce_status mlce_dataset_open(const char *paths, const mlce_dataset_options *options,
                                       mlce_dataset **dataset);
MLCE_API void mlce_dataset_close(mlce_dataset *dataset);

/* The paths as given to mlce_dataset_open(). */
MLCE_API const char *mlce_dataset_name(const mlce_dataset *dataset);
MLCE_API mlce_task mlce_dataset_task(const mlce_dataset *dataset);
/* Whether `path` leads to one of the dataset's files: it must not be written over. */
MLCE_API bool mlce_dataset_has_file(const mlce_dataset *dataset, const char *path);
MLCE_API int64_t mlce_dataset_sequences(const mlce_dataset *dataset);
MLCE_API int64_t mlce_dataset_tokens(const mlce_dataset *dataset);
MLCE_API int64_t mlce_dataset_spans(const mlce_dataset *dataset);
/* Features a token: D, or K*D where the file keeps K layers. */
MLCE_API int mlce_dataset_width(const mlce_dataset *dataset);
MLCE_API int mlce_dataset_layers(const mlce_dataset *dataset);
MLCE_API int mlce_dataset_types(const mlce_dataset *dataset);
MLCE_API const char *mlce_dataset_type_name(const mlce_dataset *dataset, int type);
/* What made the embeddings; "" where the file does not say. */
MLCE_API const char *mlce_dataset_embedding(const mlce_dataset *dataset);
/* Whether every file has /spans, or /labels. */
MLCE_API bool mlce_dataset_has_spans(const mlce_dataset *dataset);
/* Whether the embeddings are in memory, and how many bytes they take (in memory or on disk). */
MLCE_API bool mlce_dataset_is_resident(const mlce_dataset *dataset);
MLCE_API size_t mlce_dataset_bytes(const mlce_dataset *dataset);
/* "float16", "float32" or "float64": how the (first) file stores embeddings. */
MLCE_API const char *mlce_dataset_precision(const mlce_dataset *dataset);

/* Tokens of sequence s, 0 <= s < sequences. */
MLCE_API int mlce_dataset_length(const mlce_dataset *dataset, int64_t s);
/* Gold spans of sequence s; *count of them. Owned by the dataset. */
MLCE_API const mlce_span *mlce_dataset_gold(const mlce_dataset *dataset, int64_t s, int *count);

/* Soft targets in (0, 1] of those spans; NULL where the dataset has none: all are 1. */
MLCE_API const float *mlce_dataset_gold_weights(const mlce_dataset *dataset, int64_t s);

/* Renumbers the types to the order of names[0..count-1], a model's or another split's. Types
   are matched by name; a type here that is not among the names is an error that says which. */
MLCE_API mlce_status mlce_dataset_match_types(mlce_dataset *dataset, const char *const *names,
                                              int count, const char *whose);

/* Reads the embeddings of sequence s, widened to float32, into rows[length * width]. Safe from
   any one thread at a time per dataset. */
MLCE_API mlce_status mlce_dataset_read(mlce_dataset *dataset, int64_t s, float *rows);

/* The strings of a sequence; those a file does not have are NULL. Loaded for the whole dataset on
   first use by mlce_dataset_load_text(), which must have succeeded before. Owned by the dataset. */
MLCE_API mlce_status mlce_dataset_load_text(mlce_dataset *dataset);
MLCE_API const char *const *mlce_dataset_token_text(const mlce_dataset *dataset, int64_t s);
/* Code-point ranges [length][2] of the tokens in the sequence's text, or NULL. */
MLCE_API const int32_t (*mlce_dataset_token_chars(const mlce_dataset *dataset, int64_t s))[2];
MLCE_API const char *mlce_dataset_text(const mlce_dataset *dataset, int64_t s);
MLCE_API const char *mlce_dataset_id(const mlce_dataset *dataset, int64_t s);
/* Whether the id was a number where it came from: JSON is to have it without quotes again. */
MLCE_API bool mlce_dataset_id_is_integer(const mlce_dataset *dataset, int64_t s);
/* The document's number, or -1. */
MLCE_API int64_t mlce_dataset_document(const mlce_dataset *dataset, int64_t s);

/* The text that a span covers, on the heap for the caller to free: cut from the sequence's text
   where text and chars are known, else the tokens with a space between. *text is NULL where the
   dataset has neither. */
MLCE_API mlce_status mlce_dataset_span_text(const mlce_dataset *dataset, int64_t s, mlce_span span,
                                            char **text);

/* ---- Writing ---- */

typedef enum mlce_precision { MLCE_FLOAT16, MLCE_FLOAT32, MLCE_FLOAT64 } mlce_precision;

typedef struct mlce_dataset_spec {
    mlce_task
        task; /* MLCE_TASK_LABELS: only text, id and spans (as labels) may be optional parts */
    const char *const *types; /* [type_count] */
    int type_count;
    int width;                /* features a token, D; or K*D */
    int layers;               /* K over 1: embeddings are written as [N, K, D]; 0 or 1: as [N, D] */
    mlce_precision precision; /* of the stored embeddings */
    const char *embedding;    /* what made them, or NULL */
    bool token_text, token_chars, text, id, document, spans; /* which optional parts are written */
    bool integer_ids; /* all ids are whole numbers, and were where they came from */
    bool weights;     /* with the labels */
} mlce_dataset_spec;

/* One sequence, or one item (of length 1, its labels spans (0, 1, label) in any order), to be
   written. Members that the spec left out are not read. */
typedef struct mlce_sequence {
    int length;
    const float *embeddings;       /* [length, width] */
    const char *const *token_text; /* [length] */
    const int32_t (*token_chars)[2];
    const char *text, *id;
    int64_t document;
    const mlce_span *spans; /* [span_count] */
    int span_count;
    const float *weights; /* [span_count] in (0, 1] */
} mlce_sequence;

typedef struct mlce_dataset_writer mlce_dataset_writer;

/* Writes beside `path` and puts the finished file in its place in mlce_dataset_writer_close():
   what stood there before stays whole until then. */
MLCE_API mlce_status mlce_dataset_writer_open(const char *path, const mlce_dataset_spec *spec,
                                              mlce_dataset_writer **writer);
/* Checks the sequence as a reader would (spans in range, none twice, values finite) and appends
   it. After a failure only mlce_dataset_writer_abandon() may follow. */
MLCE_API mlce_status mlce_dataset_writer_add(mlce_dataset_writer *writer,
                                             const mlce_sequence *sequence);
/* Finishes the file and frees the writer, whether it succeeds or not. */
MLCE_API mlce_status mlce_dataset_writer_close(mlce_dataset_writer *writer);
/* Removes what was written and frees the writer. NULL is allowed. */
MLCE_API void mlce_dataset_writer_abandon(mlce_dataset_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
