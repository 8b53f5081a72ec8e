/* dataset_column.c - datasets of an HDF5 file that grow by rows. */
#include "data/dataset_column.h"

#include <stdlib.h>
#include <string.h>

#include "mlce/memory.h"

enum { BUFFER_BYTES = 256 << 10, CHUNK_BYTES = 1 << 20 };

mlce_status mlce_column_open(mlce_column *c, const char *name, hid_t type, size_t width,
                             size_t element_size) {
    size_t row_size = (width ? width : 1) * element_size;
    *c = (mlce_column){.name = name, .type = type, .width = width, .row_size = row_size};
    c->rows = row_size < BUFFER_BYTES ? BUFFER_BYTES / row_size : 1;
    c->is_text = H5Tget_class(type) == H5T_STRING;
    c->buffer = mlce_calloc(c->rows, row_size);
    return c->buffer ? MLCE_OK : MLCE_E_MEMORY;
}

static void drop_rows(mlce_column *c) {
    char **strings = (char **)(void *)c->buffer;
    for (size_t i = 0; c->is_text && i < c->used; i++) free(strings[i]);
    c->used = 0;
}

void mlce_column_close(mlce_column *c) {
    if (!c->name) return;
    if (c->buffer) drop_rows(c);
    free(c->buffer);
    if (c->dataset > 0) H5Dclose(c->dataset);
    H5Tclose(c->type);
    *c = (mlce_column){0};
}

/* The shape of `rows` rows; returns the number of dimensions. */
static int shape_of(const mlce_column *c, hsize_t rows, hsize_t size[3]) {
    bool has_layers = c->layers > 1;
    size[0] = rows;
    size[1] = has_layers ? c->layers : c->width;
    size[2] = has_layers ? c->width / c->layers : 0;
    return has_layers ? 3 : c->width ? 2 : 1;
}

static mlce_status create_column(const mlce_h5 *file, mlce_column *c, bool may_grow) {
    hsize_t size[3], chunk[3];
    int rank = shape_of(c, c->used, size), last = rank - 1;
    shape_of(c, may_grow ? c->rows : c->used, chunk);
    size_t element_size = c->width ? c->row_size / c->width : c->row_size;
    if (rank == 3 && c->row_size > CHUNK_BYTES) chunk[1] = 1;
    if (last && chunk[last] > CHUNK_BYTES / element_size) chunk[last] = CHUNK_BYTES / element_size;
    bool is_chunked = c->used && (may_grow || !c->is_text);
    return mlce_h5_create_dataset(file, c->name, c->type, rank, size, is_chunked ? chunk : NULL,
                                  &c->dataset);
}

static mlce_status write_rows(const mlce_h5 *file, mlce_column *c) {
    mlce_status status = MLCE_OK;
    hsize_t start[3] = {c->written}, count[3], size[3];
    int rank = shape_of(c, c->used, count);
    shape_of(c, c->written + c->used, size);
    hid_t memory = H5Screate_simple(rank, count, NULL), space = -1;
    if ((c->written && H5Dset_extent(c->dataset, size) < 0) ||
        (space = H5Dget_space(c->dataset)) < 0 ||
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dwrite(c->dataset, c->type, memory, space, H5P_DEFAULT, c->buffer) < 0)
        status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot write", c->name);
    if (space >= 0) H5Sclose(space);
    H5Sclose(memory);
    return status;
}

mlce_status mlce_column_flush(const mlce_h5 *file, mlce_column *c, bool may_grow) {
    mlce_h5_lock();
    mlce_status status = c->dataset ? MLCE_OK : create_column(file, c, may_grow);
    if (!status && c->used) status = write_rows(file, c);
    mlce_h5_unlock();
    if (!status) status = mlce_h5_check_written(file);
    if (status) return status;
    c->written += c->used;
    drop_rows(c);
    return MLCE_OK;
}

mlce_status mlce_column_append(const mlce_h5 *file, mlce_column *c, const void *rows,
                               size_t count) {
    const char *next = rows;
    mlce_status status = MLCE_OK;
    while (count && !status) {
        size_t n = c->rows - c->used < count ? c->rows - c->used : count;
        char *room = c->buffer + c->used * c->row_size;
        for (size_t i = 0; c->is_text && i < n; i++, c->used++) {
            char **copy = (char **)(void *)room + i;
            const char *text = ((const char *const *)(const void *)next)[i];
            if (!(*copy = mlce_strdup(text))) return MLCE_E_MEMORY;
        }
        if (!c->is_text) {
            memcpy(room, next, n * c->row_size);
            c->used += n;
        }
        next += n * c->row_size;
        count -= n;
        if (c->used == c->rows) status = mlce_column_flush(file, c, true);
    }
    return status;
}
