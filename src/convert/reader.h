/* reader.h - what a format's reader is to its source.
 *
 * To add a format is to write a file with an open function, and to name it in source.c.
 */
#ifndef MLCE_CONVERT_READER_H
#define MLCE_CONVERT_READER_H

#include "convert/source.h"

typedef struct mlce_reader mlce_reader;

struct mlce_reader {
    void *state;
    const char *name; /* of the file, for messages; a reader of several files changes it */
    const mlce_source_options *options;
    mlce_source_counts counts;
    /* Fills in a raw record; what it points to stands in the arena or in `state`. *found is false
       behind the last. */
    mlce_status (*next)(mlce_reader *reader, mlce_arena *arena, mlce_record *record, bool *found);
    mlce_status (*rewind)(mlce_reader *reader);
    void (*close)(mlce_reader *reader); /* frees the state */
    /* Of a reader of several files: whether `path` leads to one of them. NULL: it has one. */
    bool (*reads)(mlce_reader *reader, const char *path);
};

/* Each sets state, next, rewind and close. A stream stays the caller's; of a pair they become the
   state's, also on failure. */
mlce_status mlce_read_conll(mlce_reader *reader, FILE *stream);
mlce_status mlce_read_json(mlce_reader *reader, FILE *stream);
mlce_status mlce_read_text(mlce_reader *reader, FILE *stream);
mlce_status mlce_read_brat(mlce_reader *reader, const char *path);
mlce_status mlce_read_brat_pair(mlce_reader *reader, FILE *text, FILE *annotations);
mlce_status mlce_read_hdf5(mlce_reader *reader, const char *path);

/* A dataset's sequence of tokens, all but its spans. Its text must have been loaded. */
mlce_status mlce_record_of_sequence(const mlce_dataset *dataset, int64_t s, mlce_arena *arena,
                                    mlce_record *record);

/* ---- Strings in an arena ---- */

/* A copy; NULL (message set) when out of memory. */
char *mlce_arena_text(mlce_arena *arena, const char *text, size_t size);

#endif
