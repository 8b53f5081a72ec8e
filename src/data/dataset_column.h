/* dataset_column.h - datasets of an HDF5 file that grow by rows. */
#ifndef MLCE_DATA_DATASET_COLUMN_H
#define MLCE_DATA_DATASET_COLUMN_H

#include "data/hdf5.h"

/* Rows gather in a buffer, which is also the chunk, of numbers with a checksum. A dataset that
   never fills it is stored in one piece of just its size. */
typedef struct mlce_column {
    const char *name;
    hid_t type;      /* in the file and in memory */
    hid_t dataset;   /* 0 before the first write */
    size_t width;    /* elements a row; 0: a list */
    size_t layers;   /* over 1: a row is [layers, width / layers]; set before the first row */
    size_t row_size; /* bytes */
    size_t rows, used;
    char *buffer; /* [rows * row_size] */
    hsize_t written;
    bool is_text; /* the buffer holds copies of strings */
} mlce_column;

/* Takes over `type`. `width` 0: a list. */
mlce_status mlce_column_open(mlce_column *c, const char *name, hid_t type, size_t width,
                             size_t element_size);
void mlce_column_close(mlce_column *c);
/* `rows` are strings for a column of text. */
mlce_status mlce_column_append(const mlce_h5 *file, mlce_column *c, const void *rows, size_t count);
/* Writes what the buffer holds. */
mlce_status mlce_column_flush(const mlce_h5 *file, mlce_column *c, bool may_grow);

#endif
