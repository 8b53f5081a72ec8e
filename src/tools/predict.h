/* predict.h - what mlce-predict writes, in its formats. */
#ifndef MLCE_TOOLS_PREDICT_H
#define MLCE_TOOLS_PREDICT_H

#include <stdio.h>

#include "convert/source.h"
#include "mlce/model.h"

typedef struct mlce_predictions {
    mlce_model *model;
    mlce_dataset *dataset; /* its text is loaded */
    mlce_span_list found;  /* of all its sequences, in order */
    const char *title;     /* of a page: what was predicted by what */
    const char *output;    /* the file's name, as messages say it */
} mlce_predictions;

/* One sequence or item as a line of JSON. `spans` are its own. */
mlce_status mlce_predict_json(const mlce_predictions *p, int64_t sequence,
                              const mlce_scored_span *spans, size_t count, FILE *file);

/* A page to look at. */
mlce_status mlce_predict_html(const mlce_predictions *p, FILE *file);

/* Columns or a folder of brat; path "-": standard output, of columns. */
mlce_status mlce_predict_convert(const mlce_predictions *p, mlce_format format, const char *path);

#endif
