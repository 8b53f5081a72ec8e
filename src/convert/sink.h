/* sink.h - one way to write all formats: what a survey of all records must know first, and then the
 * records one after the other. */
#ifndef MLCE_CONVERT_SINK_H
#define MLCE_CONVERT_SINK_H

#include "convert/embed.h"
#include "convert/source.h"

/* What all records of a source have together. {0} is none. */
typedef struct mlce_survey {
    int64_t records, tokens, spans;
    bool are_items, have_spans, have_text, have_ids, have_documents, have_features, have_weights;
    bool integer_ids; /* of all records that have an id */
    int width;        /* of the items' features */
    int tag_columns;  /* the most that any record's spans need, 1 .. MLCE_MOST_TAG_COLUMNS + 1 */
    mlce_names types;
    mlce_names vocabulary; /* for mlce_embedder_open(); empty where not asked for */
} mlce_survey;

typedef struct mlce_survey_options {
    bool fixed_types;        /* survey->types stand; others are an error */
    const char *types_of;    /* whose they are, for messages */
    bool first_appearance;   /* types in the order in which they come, instead of by name */
    bool collect_vocabulary; /* of tokens */
} mlce_survey_options;

/* Reads all records of a source and goes back to the first. */
mlce_status mlce_survey_source(mlce_source *source, const mlce_survey_options *options,
                               mlce_survey *survey);
/* The same of one record after the other; survey->tag_columns is 1 at first. */
mlce_status mlce_survey_add(const mlce_survey_options *options, const mlce_record *record,
                            mlce_arena *arena, mlce_survey *survey);
void mlce_survey_free(mlce_survey *survey);

/* The tag column of each span so that none overlap in one, from 0: the first that is free. *count
   gets the number of columns, which may be 0; where it is larger than MLCE_MOST_TAG_COLUMNS, not
   all spans have one. */
mlce_status mlce_assign_columns(mlce_arena *arena, const mlce_record *record, int **columns,
                                int *count);

/* ---- Sinks ---- */

typedef struct mlce_sink_options {
    mlce_scheme scheme;       /* of CoNLL */
    mlce_embedder *embedder;  /* of HDF5; NULL for items that have features */
    mlce_precision precision; /* of HDF5 */
} mlce_sink_options;

typedef struct mlce_sink mlce_sink;

struct mlce_sink {
    void *state;
    const char *path;
    const mlce_survey *survey;
    mlce_sink_options options;
    mlce_arena *arena; /* reset by mlce_sink_add() */
    mlce_status (*add)(mlce_sink *sink, const mlce_record *record);
    mlce_status (*finish)(mlce_sink *sink); /* puts what was written in its place */
    void (*close)(mlce_sink *sink);         /* removes what was not finished, frees the state */
};

/* Writes beside `path` ("-": standard output, of CoNLL and JSONL); what stands there stays until
   mlce_sink_close(). A folder of brat must not exist, or be empty. path, survey and embedder must
   outlive the sink. */
mlce_status mlce_sink_open(mlce_format format, const char *path, const mlce_survey *survey,
                           const mlce_sink_options *options, mlce_sink **sink);
mlce_status mlce_sink_add(mlce_sink *sink, const mlce_record *record);
/* Finishes and frees the sink, whether it succeeds or not. */
mlce_status mlce_sink_close(mlce_sink *sink);
/* Removes what was written and frees the sink. NULL is allowed. */
void mlce_sink_abandon(mlce_sink *sink);

/* Each format's; sets state, add, finish and close. */
mlce_status mlce_write_conll(mlce_sink *sink);
mlce_status mlce_write_jsonl(mlce_sink *sink);
mlce_status mlce_write_brat(mlce_sink *sink);
mlce_status mlce_write_hdf5(mlce_sink *sink);

/* ---- Text files that are written whole or not at all ---- */

typedef struct mlce_text_file {
    FILE *file;
    char *part; /* NULL for standard output */
    const char *path;
} mlce_text_file;

mlce_status mlce_text_file_open(const char *path, mlce_text_file *text);
/* What has been written so far reached the file. */
mlce_status mlce_text_file_check(const mlce_text_file *text);
mlce_status mlce_text_file_finish(mlce_text_file *text);
void mlce_text_file_abandon(mlce_text_file *text);

#endif
