/* dataset_parts.h - what the dataset_*.c files share: an open dataset, and the checks. */
#ifndef MLCE_DATA_DATASET_PARTS_H
#define MLCE_DATA_DATASET_PARTS_H

#include <sys/stat.h>

#include "data/dataset_layout.h"
#include "data/hdf5.h"
#include "mlce/dataset.h"
#include "mlce/memory.h"

/* One file of a dataset: the sequences first_sequence .. first_sequence + sequences - 1. */
typedef struct mlce_dataset_file {
    char *path;
    const mlce_dataset_layout *layout;
    struct stat state; /* of the file when it was first opened */
    mlce_h5 h5;        /* closed (id 0) once the embeddings are in memory, or while not needed */
    int64_t used;      /* when it was last needed, by the dataset's clock */
    int64_t first_sequence, sequences;
    int64_t first_token, tokens;
    bool has_spans;

    /* Embeddings: the open dataset, or the rows in memory. */
    hid_t embeddings, space; /* 0 where not open */
    int rank;
    size_t size[3]; /* of /tokens/embeddings */
    mlce_precision precision;
    size_t chunk_rows, chunk_bytes; /* of the chunks a row passes through; 0: not chunked */
    bool keeps_chunks;              /* `embeddings` was opened to keep them unpacked */
    void *rows; /* [tokens, width] of uint16_t (MLCE_FLOAT16) or float, or NULL */

    /* Loaded by mlce_dataset_load_text(); what the file does not have is empty or NULL. */
    mlce_h5_strings token_text, text, id;
    bool integer_ids;
    int32_t (*chars)[2];
    int64_t *document;
    size_t *places; /* [place_count] every so many code points, where they begin in text.bytes */
    size_t place_count;
} mlce_dataset_file;

struct mlce_dataset {
    mlce_task task;
    char *name, *embedding;
    mlce_dataset_file *files;
    size_t file_count;
    int64_t sequences, tokens, spans;
    int width, layers;
    char **types;
    int type_count;
    int64_t *offsets;      /* [sequences+1] tokens, over all files */
    int64_t *span_offsets; /* [sequences+1] into gold */
    mlce_span *gold;
    float *gold_weights; /* beside gold, or NULL */
    size_t offsets_capacity, span_offsets_capacity, gold_capacity, weights_capacity;
    bool resident, has_text;
    int64_t clock;             /* counts the uses of files */
    mlce_dataset_file *keeper; /* the one file that keeps chunks, or NULL */
    void *scratch;             /* rows as stored, on their way to float32 */
    size_t scratch_capacity;   /* bytes */
};

/* The file that holds sequence s. */
mlce_dataset_file *mlce_dataset_file_of(const mlce_dataset *dataset, int64_t s);

/* ---- dataset.c ---- */

/* Whether the embeddings can be kept in so many bytes. */
bool mlce_dataset_fits(const mlce_dataset *dataset, size_t memory);

/* Reads a list of offsets that ends at `end`, the rows of `of`; to be freed. */
mlce_status mlce_read_offsets(const mlce_dataset_file *file, const char *name, int64_t end,
                              const char *of, int64_t **offsets, size_t *count);
/* Reads those of the gold spans or labels, of which there are `total`: one more than there are
   sequences. */
mlce_status mlce_read_gold_offsets(const mlce_dataset_file *file, int64_t total, int64_t **offsets);
/* Appends the file's offsets (sequences + 1, from 0) to those of all gold, and makes room for the
   gold itself, dataset->gold + dataset->spans. */
mlce_status mlce_dataset_grow_gold(mlce_dataset *dataset, const mlce_dataset_file *file,
                                   const int64_t *offsets);

/* ---- dataset_labels.c ---- */

/* /labels of a file of items: each label is a span (0, 1, label). */
mlce_status mlce_dataset_read_labels(mlce_dataset *dataset, mlce_dataset_file *file,
                                     const int *types);
/* Puts the labels of every item into ascending order, their weights with them. */
mlce_status mlce_dataset_sort_labels(mlce_dataset *dataset);

/* ---- dataset_paths.c ---- */

/* The files that `paths` stands for, in order; each, and the list, to be freed. */
mlce_status mlce_dataset_expand(const char *paths, char ***list, size_t *count);

/* ---- dataset_types.c ---- */

/* Reads and checks /types; the first file's become the dataset's. map[i] is the dataset's id of
   the file's type i; to be freed. */
mlce_status mlce_dataset_add_types(mlce_dataset *dataset, const mlce_dataset_file *file, int **map);
/* There is at least one name, none is empty, not UTF-8 or twice. Messages lack the file. */
mlce_status mlce_check_type_names(const char *const *names, size_t count);

/* ---- dataset_check.c ---- */

/* Offsets start at 0, do not fall and end at `end`, the rows of `of`. Messages lack the file. */
mlce_status mlce_check_offsets(const char *name, const int64_t *offsets, size_t count, int64_t end,
                               const char *of);

/* Room for a sorted copy of a sequence's spans. {0} is empty; free(sorted) when done. */
typedef struct mlce_span_checker {
    mlce_span *sorted;
    size_t capacity;
} mlce_span_checker;

/* A span stands within `length` tokens and has one of `types` types. Messages begin with what is
   wrong, for mlce_fail_prefix(). */
mlce_status mlce_check_span(const int64_t span[3], int64_t length, int types);
/* No span stands twice; *again is the number of the second where one does. */
mlce_status mlce_check_spans_differ(mlce_span_checker *checker, const mlce_span *spans, int count,
                                    int *again);

/* A weight lies in (0, 1]. Messages begin with what is wrong. */
mlce_status mlce_check_weight(float weight);

/* Code points of a UTF-8 string, or -1 where it is not UTF-8. */
int64_t mlce_utf8_length(const char *text);

/* The index of the first value that is not finite in float32, or `count`. */
size_t mlce_find_not_finite(const void *values, size_t count, mlce_precision precision);

/* ---- dataset_files.c: all but mlce_rows_close() between mlce_h5_lock() and mlce_h5_unlock() ----
 */

/* Opens the embeddings or features of a file that was opened, and checks their type and shape. */
mlce_status mlce_rows_open(mlce_dataset_file *file);
/* Closes them and the file, for good or until mlce_rows_ready(). */
mlce_status mlce_rows_close(mlce_dataset_file *file);
/* Opens what is closed. `is_block`: for reading at least whole chunks; else sequence by sequence.
 */
mlce_status mlce_rows_ready(mlce_dataset *dataset, mlce_dataset_file *file, bool is_block);
/* Closes a file where too many are open. */
mlce_status mlce_rows_limit_open(mlce_dataset *dataset);
/* Has the system fetch rows from the disk all at once, as far as it can. */
void mlce_rows_advise(const mlce_dataset_file *file, int64_t first, size_t count);
/* The open file is what it was when it was first opened. */
mlce_status mlce_rows_check_unchanged(const mlce_dataset_file *file);
/* Rows that are read at once in a pass over the file: 2 to 4 MiB, or whole chunks. */
int64_t mlce_rows_of_block(const mlce_dataset *dataset, const mlce_dataset_file *file);

/* ---- dataset_rows.c ---- */

/* Reads all rows into memory. */
mlce_status mlce_rows_load(mlce_dataset *dataset, mlce_dataset_file *file);
/* Reads all rows and keeps none. */
mlce_status mlce_rows_check(mlce_dataset *dataset, mlce_dataset_file *file);
/* mlce_dataset_read() to rows that begin `stride` floats apart; what stands between them is left
   alone. */
mlce_status mlce_rows_read(mlce_dataset *dataset, int64_t s, float *rows, size_t stride);
/* Reads rows first .. first + count - 1 of a file, of whole chunks for the most part, as they are
   stored. */
mlce_status mlce_rows_read_stored(mlce_dataset *dataset, mlce_dataset_file *file, int64_t first,
                                  size_t count, void *stored);
/* mlce_rows_read() of a sequence whose stored rows have been read. */
mlce_status mlce_rows_widen(mlce_dataset *dataset, int64_t s, const void *stored, float *rows,
                            size_t stride);
/* Bytes of a stored number, on disk and in memory. */
size_t mlce_rows_stored_size(mlce_precision precision);
size_t mlce_rows_kept_size(mlce_precision precision);

/* Reads all rows, block by block, and gives them to `visit` as float32, whether they are finite or
   not: `rows` is [count, width], `first` the token (of the dataset) of the first. Stops where
   visit() fails. */
typedef mlce_status mlce_rows_visitor(int64_t first, size_t count, const float *rows,
                                      void *context);
mlce_status mlce_rows_visit(mlce_dataset *dataset, mlce_rows_visitor *visit, void *context);

/* ---- dataset_write.c ---- */

/* Writes and closes the file under the name it has until mlce_dataset_writer_close(), which then
   can fail by no full disk: for several files that are to appear together. Only close or abandon
   may follow. */
mlce_status mlce_dataset_writer_finish(mlce_dataset_writer *writer);

/* ---- dataset_text.c ---- */

/* The optional parts of a file have the shapes they must have. */
mlce_status mlce_text_check_shapes(const mlce_dataset_file *file);
void mlce_text_free(mlce_dataset_file *file);
/* Loads the text; fails where a file that has tokens lacks /tokens/text, or has no tokens but
   items. */
mlce_status mlce_text_need_tokens(mlce_dataset *dataset);
/* 0 <= start <= end <= limit. Messages lack where it is. */
mlce_status mlce_check_chars(int64_t start, int64_t end, int64_t limit);

#endif
