/* convert.h - from any format that is read to any that is written. */
#ifndef MLCE_CONVERT_CONVERT_H
#define MLCE_CONVERT_CONVERT_H

#include "convert/sink.h"

typedef struct mlce_convert_options {
    mlce_source_options source;
    mlce_format to;
    mlce_scheme scheme; /* of CoNLL that is written */
    const char *embed;  /* of HDF5: "hash:256", "vectors:FILE"; NULL: none */
    mlce_oov oov;
    mlce_precision precision;
    const char *types_from;  /* a dataset whose types are taken, in their order, or NULL */
    const char *labels_from; /* the file that source.labels were read of, or NULL */
    bool first_appearance;   /* types in the order in which they come, instead of by name */
} mlce_convert_options;

/* What was written and what was found on the way. */
typedef struct mlce_convert_report {
    int64_t records, tokens, spans;
    int types, width, tag_columns;
    bool are_items, drops_text;
    mlce_source_counts counts;
    mlce_embed_counts embedded;
} mlce_convert_report;

/* Refuses an output that is one of the files it reads.

   Reads the input twice: once to find types and what it holds, once to write. Memory is that of the
   longest record, of the types, and of the vectors of the words that occur; input of HDF5 keeps its
   text in memory. */
mlce_status mlce_convert(const char *input, const char *output, const mlce_convert_options *options,
                         mlce_convert_report *report);

/* Names of tags that are numbers: "O,B-PER,I-PER", or a file: one a line, or Hugging Face's
   dataset_info.json or features, where they are the first list called "names". */
mlce_status mlce_label_names_read(const char *what, mlce_names *names);

#endif
