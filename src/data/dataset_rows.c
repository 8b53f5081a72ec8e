/* dataset_rows.c - the embeddings: in memory as stored, or read from the file as they are needed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_parts.h"
#include "data/half.h"

enum { BLOCK_BYTES = 4 << 20 }; /* read at once in a pass over a file */

size_t mlce_rows_stored_size(mlce_precision precision) {
    return precision == MLCE_FLOAT16 ? 2 : precision == MLCE_FLOAT32 ? 4 : 8;
}

size_t mlce_rows_kept_size(mlce_precision precision) {
    return precision == MLCE_FLOAT16 ? 2 : 4;
}

/* ---- Reading ---- */

/* Rows first .. first + count - 1 in the file's precision. */
static mlce_status read_stored(mlce_dataset *dataset, mlce_dataset_file *file, int64_t first,
                               size_t count, bool is_block, void *stored) {
    hsize_t start[3] = {(hsize_t)first}, size[3] = {count, file->size[1], file->size[2]};
    mlce_h5_lock();
    mlce_status status = mlce_rows_ready(dataset, file, is_block);
    if (status) {
        mlce_h5_unlock();
        return status;
    }
    if (is_block && count) mlce_rows_advise(file, first, count);
    hid_t type = mlce_h5_float_type(file->precision, true);
    hid_t memory = H5Screate_simple(file->rank, size, NULL);
    if (H5Sselect_hyperslab(file->space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
        H5Dread(file->embeddings, type, memory, file->space, H5P_DEFAULT, stored) < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read rows %lld .. %lld",
                              file->layout->rows, (long long)first,
                              (long long)first + (long long)count - 1);
    mlce_status changed = mlce_rows_check_unchanged(file); /* the better reason, if there is one */
    if (changed) status = changed;
    H5Sclose(memory);
    H5Tclose(type);
    mlce_h5_unlock();
    return status;
}

static double value_at(const void *stored, size_t i, mlce_precision precision) {
    float value;
    switch (precision) {
    case MLCE_FLOAT16:
        mlce_floats_from_halves(&value, (const uint16_t *)stored + i, 1);
        return (double)value;
    case MLCE_FLOAT32:
        return (double)((const float *)stored)[i];
    default:
        return ((const double *)stored)[i];
    }
}

/* The sequence of the file in which a row stands. */
static int64_t sequence_of(const mlce_dataset *dataset, const mlce_dataset_file *file,
                           int64_t row) {
    const int64_t *offsets = dataset->offsets + file->first_sequence;
    int64_t low = 0, high = file->sequences - 1; /* the answer is low .. high */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (offsets[middle + 1] - file->first_token > row)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static mlce_status check_finite(const mlce_dataset *dataset, const mlce_dataset_file *file,
                                int64_t first, size_t count, const void *stored) {
    size_t width = (size_t)dataset->width, values = count * width;
    size_t bad = mlce_find_not_finite(stored, values, file->precision);
    if (bad == values) return MLCE_OK;
    int64_t row = first + (int64_t)(bad / width);
    double value = value_at(stored, bad, file->precision);
    if (isfinite(value))
        return mlce_fail(MLCE_E_DATA,
                         "%s: %s: row %lld, column %zu (in %s %lld) is %g: too large "
                         "for float32",
                         file->path, file->layout->rows, (long long)row, bad % width,
                         file->layout->sequence, (long long)sequence_of(dataset, file, row), value);
    return mlce_fail(MLCE_E_DATA,
                     "%s: %s: row %lld, column %zu (in %s %lld) is %g: %s must be "
                     "finite",
                     file->path, file->layout->rows, (long long)row, bad % width,
                     file->layout->sequence, (long long)sequence_of(dataset, file, row), value,
                     file->layout->values);
}

static void floats_from_doubles(float *floats, const double *doubles, size_t count) {
    for (size_t i = 0; i < count; i++) floats[i] = (float)doubles[i];
}

/* Room for `rows` stored rows in the dataset's scratch memory. */
static mlce_status reserve_scratch(mlce_dataset *dataset, const mlce_dataset_file *file,
                                   size_t rows) {
    return mlce_grow(&dataset->scratch, &dataset->scratch_capacity,
                     rows * (size_t)dataset->width * mlce_rows_stored_size(file->precision), 1);
}

/* What a pass over a file reads at once, and whether that is whole chunks. */
static size_t rows_of_pass(const mlce_dataset *dataset, const mlce_dataset_file *file,
                           bool *is_block) {
    size_t row = (size_t)dataset->width * mlce_rows_stored_size(file->precision);
    size_t rows = (size_t)mlce_rows_of_block(dataset, file);
    size_t most = row < BLOCK_BYTES ? BLOCK_BYTES / row : 1;
    *is_block = rows <= most;
    if (rows > most) rows = most;
    return (int64_t)rows < file->tokens ? rows : (size_t)file->tokens;
}

/* Reads and checks the file block by block; `keep`: into file->rows. */
static mlce_status pass_over(mlce_dataset *dataset, mlce_dataset_file *file, bool keep) {
    bool is_block;
    size_t block = rows_of_pass(dataset, file, &is_block), width = (size_t)dataset->width;
    size_t size = mlce_rows_kept_size(file->precision);
    bool direct = keep && size == mlce_rows_stored_size(file->precision);
    mlce_status status = direct ? MLCE_OK : reserve_scratch(dataset, file, block);
    for (int64_t first = 0; first < file->tokens && !status; first += (int64_t)block) {
        size_t left = (size_t)(file->tokens - first), count = left < block ? left : block;
        char *kept = keep ? (char *)file->rows + (size_t)first * width * size : NULL;
        void *stored = direct ? kept : dataset->scratch;
        status = read_stored(dataset, file, first, count, is_block, stored);
        if (!status) status = check_finite(dataset, file, first, count, stored);
        if (!status && keep && !direct)
            floats_from_doubles((float *)(void *)kept, stored, count * width);
    }
    return status;
}

mlce_status mlce_rows_load(mlce_dataset *dataset, mlce_dataset_file *file) {
    size_t values = (size_t)file->tokens * (size_t)dataset->width;
    file->rows = mlce_calloc(values, mlce_rows_kept_size(file->precision));
    return file->rows ? pass_over(dataset, file, true) : MLCE_E_MEMORY;
}

mlce_status mlce_rows_check(mlce_dataset *dataset, mlce_dataset_file *file) {
    return pass_over(dataset, file, false);
}

static void widen(float *floats, const void *numbers, size_t count, mlce_precision precision) {
    switch (precision) {
    case MLCE_FLOAT16:
        mlce_floats_from_halves(floats, numbers, count);
        break;
    case MLCE_FLOAT32:
        memcpy(floats, numbers, count * sizeof *floats);
        break;
    case MLCE_FLOAT64:
        floats_from_doubles(floats, numbers, count);
        break;
    }
}

/* Rows of `width` numbers, end to end, to rows that begin `stride` floats apart. */
static void widen_rows(float *rows, size_t stride, const void *numbers, size_t count, size_t width,
                       mlce_precision precision) {
    size_t size = mlce_rows_stored_size(precision);
    if (stride == width) {
        widen(rows, numbers, count * width, precision);
        return;
    }
    for (size_t t = 0; t < count; t++)
        widen(rows + t * stride, (const char *)numbers + t * width * size, width, precision);
}

static mlce_status visit_file(mlce_dataset *dataset, mlce_dataset_file *file,
                              mlce_rows_visitor *visit, void *context) {
    bool is_block;
    size_t block = rows_of_pass(dataset, file, &is_block), width = (size_t)dataset->width;
    bool kept = dataset->resident;
    mlce_precision precision =
        kept && file->precision == MLCE_FLOAT64 ? MLCE_FLOAT32 : file->precision;
    float *rows = mlce_calloc(block * width, sizeof *rows);
    mlce_status status = rows ? MLCE_OK : MLCE_E_MEMORY;
    if (!status && !kept) status = reserve_scratch(dataset, file, block);
    for (int64_t first = 0; first < file->tokens && !status; first += (int64_t)block) {
        size_t left = (size_t)(file->tokens - first), count = left < block ? left : block;
        const void *stored = dataset->scratch;
        if (kept)
            stored = (const char *)file->rows +
                     (size_t)first * width * mlce_rows_kept_size(file->precision);
        else
            status = read_stored(dataset, file, first, count, is_block, dataset->scratch);
        if (status) break;
        widen(rows, stored, count * width, precision);
        status = visit(file->first_token + first, count, rows, context);
    }
    free(rows);
    return status;
}

mlce_status mlce_rows_visit(mlce_dataset *dataset, mlce_rows_visitor *visit, void *context) {
    mlce_status status = MLCE_OK;
    for (size_t i = 0; i < dataset->file_count && !status; i++)
        if (dataset->files[i].tokens)
            status = visit_file(dataset, &dataset->files[i], visit, context);
    return status;
}

mlce_status mlce_dataset_read(mlce_dataset *dataset, int64_t s, float *rows) {
    return mlce_rows_read(dataset, s, rows, (size_t)dataset->width);
}

mlce_status mlce_rows_read_stored(mlce_dataset *dataset, mlce_dataset_file *file, int64_t first,
                                  size_t count, void *stored) {
    return read_stored(dataset, file, first, count, true, stored);
}

mlce_status mlce_rows_widen(mlce_dataset *dataset, int64_t s, const void *stored, float *rows,
                            size_t stride) {
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    int64_t first = dataset->offsets[s] - file->first_token;
    size_t length = (size_t)(dataset->offsets[s + 1] - dataset->offsets[s]);
    mlce_status status = check_finite(dataset, file, first, length, stored);
    if (status) return status;
    widen_rows(rows, stride, stored, length, (size_t)dataset->width, file->precision);
    return MLCE_OK;
}

mlce_status mlce_rows_read(mlce_dataset *dataset, int64_t s, float *rows, size_t stride) {
    if (s < 0 || s >= dataset->sequences)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: there is no %s %lld: it has %lld", dataset->name,
                         mlce_dataset_layout_of(dataset)->sequence, (long long)s,
                         (long long)dataset->sequences);
    mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
    int64_t first = dataset->offsets[s] - file->first_token;
    size_t length = (size_t)(dataset->offsets[s + 1] - dataset->offsets[s]);
    size_t width = (size_t)dataset->width;
    if (length == 0) return MLCE_OK;
    if (dataset->resident) {
        mlce_precision kept = file->precision == MLCE_FLOAT16 ? MLCE_FLOAT16 : MLCE_FLOAT32;
        const char *from = (const char *)file->rows;
        from += (size_t)first * width * mlce_rows_kept_size(kept);
        widen_rows(rows, stride, from, length, width, kept);
        return MLCE_OK;
    }
    mlce_status status = reserve_scratch(dataset, file, length);
    if (!status) status = read_stored(dataset, file, first, length, false, dataset->scratch);
    return status ? status : mlce_rows_widen(dataset, s, dataset->scratch, rows, stride);
}
