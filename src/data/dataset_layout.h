/* dataset_layout.h - where the files of each task keep what, and what messages call it. */
#ifndef MLCE_DATA_DATASET_LAYOUT_H
#define MLCE_DATA_DATASET_LAYOUT_H

#include "mlce/dataset.h"

/* A part that a layout does not have is NULL. */
typedef struct mlce_dataset_layout {
    const char *format; /* the attribute of / */
    const char *rows;   /* the dataset of embeddings or features */
    const char *row_shape;
    int most_rank; /* dimensions of it: 2, or up to 3 */
    const char *offsets, *token_text, *token_chars, *text, *id, *document;
    const char *gold, *gold_offsets, *gold_items, *gold_weights;

    /* Words: the last four in the singular, with an s for more. */
    const char *holds;   /* a file of it holds "sequences with spans" */
    const char *values;  /* "embeddings" */
    const char *head;    /* a model.head that is for it */
    const char *a_token; /* "a token" */
    const char *sequence, *token, *span, *type;
} mlce_dataset_layout;

extern const mlce_dataset_layout mlce_dataset_layouts[]; /* by mlce_task */

/* That of an open dataset. */
const mlce_dataset_layout *mlce_dataset_layout_of(const mlce_dataset *dataset);

#endif
