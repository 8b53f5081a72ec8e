/* dataset_rows.c - the embeddings: in memory as stored, or read from the file as they are needed.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/dataset_parts.h"
#include "data/half.h"

enum { BLOCK_BYTES = 4 << 20 }; /* read at once in a pass over a file */

size_t mlce_rows_stored_size(mlce_precision precision) {
    return precision == MLCE_FLOAT16 ? 2 : precision == MLCE_FLOAT32 ? 4 : 8;
}

size_t mlce_rows_kept_size(mlce_precision precision) {
    return precision == MLCE_FLOAT16 ? 2 : 4;
}

/* ---- Opening ---- */

/* The type is one of the three in little-endian or big-endian order. */
static bool precision_of(hid_t type, mlce_precision *precision) {
    hid_t native = H5Tcopy(type);
    bool found = false;
    if (native < 0) return false;
    H5T_order_t order = H5Tget_order(H5T_NATIVE_FLOAT);
    bool is_float = H5Tget_class(type) == H5T_FLOAT && H5Tset_order(native, order) >= 0;
    for (int i = MLCE_FLOAT16; is_float && i <= MLCE_FLOAT64 && !found; i++) {
        hid_t known = mlce_h5_float_type((mlce_precision)i, true);
        found = H5Tequal(native, known) > 0;
        H5Tclose(known);
        if (found) *precision = (mlce_precision)i;
    }
    H5Tclose(native);
    return found;
}

static mlce_status check_type(mlce_dataset_file *file) {
    hid_t type = H5Dget_type(file->embeddings);
    bool known = type >= 0 && precision_of(type, &file->precision);
    if (type >= 0) H5Tclose(type);
    if (known) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%s: %s: must hold float16, float32 or float64 (IEEE)",
                     file->path, file->layout->rows);
}

static mlce_status check_shape(mlce_dataset_file *file, const mlce_h5_shape *shape) {
    if (shape->rank < 2 || shape->rank > file->layout->most_rank)
        return mlce_fail(MLCE_E_DATA, "%s: %s: has %d dimension%s, expected %s", file->path,
                         file->layout->rows, shape->rank, shape->rank == 1 ? "" : "s",
                         file->layout->row_shape);
    size_t width = 1;
    for (int i = 1; i < shape->rank; i++) {
        if (shape->size[i] == 0)
            return mlce_fail(MLCE_E_DATA, "%s: %s: a row has no features (dimension %d is 0)",
                             file->path, file->layout->rows, i);
        if (shape->size[i] > INT_MAX || (width *= shape->size[i]) > INT_MAX)
            return mlce_fail(MLCE_E_DATA, "%s: %s: a row has more than %d features", file->path,
                             file->layout->rows, INT_MAX);
    }
    if (shape->size[0] > PTRDIFF_MAX / sizeof(double) / width)
        return mlce_fail(MLCE_E_DATA, "%s: %s: is too large for this machine", file->path,
                         file->layout->rows);
    file->rank = shape->rank;
    memcpy(file->size, shape->size, sizeof file->size);
    file->tokens = (int64_t)shape->size[0];
    return MLCE_OK;
}

/* Bytes of the chunks that a row passes through, or 0 where the dataset is not chunked. */
static size_t chunk_band(const mlce_dataset_file *file) {
    hsize_t chunk[H5S_MAX_RANK];
    size_t bytes = 0;
    hid_t created = H5Dget_create_plist(file->embeddings);
    if (created < 0) return 0;
    if (H5Pget_layout(created) == H5D_CHUNKED &&
        H5Pget_chunk(created, H5S_MAX_RANK, chunk) == file->rank) {
        bytes = mlce_rows_stored_size(file->precision) * (size_t)chunk[0];
        for (int i = 1; i < file->rank; i++)
            bytes *= (file->size[i] + (size_t)chunk[i] - 1) / (size_t)chunk[i] * (size_t)chunk[i];
    }
    H5Pclose(created);
    return bytes;
}

/* With HDF5's default of 1 MiB, a larger compressed chunk is unpacked anew for each sequence. */
static mlce_status open_with_cache(mlce_dataset_file *file) {
    enum { SLOTS = 4099, LEAST_BYTES = 4 << 20, MOST_BYTES = 1 << 30 };
    size_t band = chunk_band(file);
    if (!band) return MLCE_OK;
    H5Dclose(file->embeddings);
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    size_t bytes = band < LEAST_BYTES ? LEAST_BYTES : band > MOST_BYTES ? MOST_BYTES : band;
    H5Pset_chunk_cache(access, SLOTS, bytes, 0.75);
    mlce_status status =
        mlce_h5_open_dataset(&file->h5, file->layout->rows, access, &file->embeddings);
    H5Pclose(access);
    return status;
}

mlce_status mlce_rows_open(mlce_dataset_file *file) {
    mlce_h5_shape shape;
    struct stat info;
    if (stat(file->path, &info) == 0) file->bytes = info.st_size;
    mlce_h5_lock();
    mlce_status status = mlce_h5_shape_of(&file->h5, file->layout->rows, &shape);
    if (!status)
        status =
            mlce_h5_open_dataset(&file->h5, file->layout->rows, H5P_DEFAULT, &file->embeddings);
    if (!status) status = check_type(file);
    if (!status) status = check_shape(file, &shape);
    if (!status) status = open_with_cache(file);
    if (!status && (file->space = H5Dget_space(file->embeddings)) < 0)
        status =
            mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read the shape", file->layout->rows);
    mlce_h5_unlock();
    return status;
}

void mlce_rows_close(mlce_dataset_file *file) {
    mlce_h5_lock();
    if (file->space > 0) H5Sclose(file->space);
    if (file->embeddings > 0) H5Dclose(file->embeddings);
    mlce_h5_unlock();
    file->space = file->embeddings = 0;
}

/* ---- Reading ---- */

/* Where a file has become shorter HDF5 reads zeros from behind its end, and reports nothing. */
static mlce_status check_not_cut(const mlce_dataset_file *file) {
    struct stat info;
    void *descriptor;
    if (H5Fget_vfd_handle(file->h5.id, H5P_DEFAULT, &descriptor) < 0 ||
        fstat(*(int *)descriptor, &info) || info.st_size >= file->bytes)
        return MLCE_OK;
    return mlce_fail(MLCE_E_DATA,
                     "%s: has been cut from %lld to %lld bytes since it was opened: write it again",
                     file->path, (long long)file->bytes, (long long)info.st_size);
}

/* Rows first .. first + count - 1 in the file's precision. */
static mlce_status read_stored(const mlce_dataset_file *file, int64_t first, size_t count,
                               void *stored) {
    mlce_status status = MLCE_OK;
    hsize_t start[3] = {(hsize_t)first}, size[3] = {count, file->size[1], file->size[2]};
    mlce_h5_lock();
    hid_t type = mlce_h5_float_type(file->precision, true);
    hid_t memory = H5Screate_simple(file->rank, size, NULL);
    if (H5Sselect_hyperslab(file->space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
        H5Dread(file->embeddings, type, memory, file->space, H5P_DEFAULT, stored) < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read rows %lld .. %lld",
                              file->layout->rows, (long long)first,
                              (long long)first + (long long)count - 1);
    mlce_status cut = check_not_cut(file); /* the better reason, where there is one */
    if (cut) status = cut;
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

/* What a pass over a file reads at once: whole chunks, where they are not larger. */
static size_t rows_of_block(const mlce_dataset *dataset, const mlce_dataset_file *file) {
    size_t row = (size_t)dataset->width * mlce_rows_stored_size(file->precision);
    size_t rows = row < BLOCK_BYTES ? BLOCK_BYTES / row : 1;
    size_t chunk = chunk_band(file) / row;
    return chunk && chunk < rows ? rows / chunk * chunk : rows;
}

/* Reads and checks the file block by block; `keep`: into file->rows. */
static mlce_status pass_over(mlce_dataset *dataset, mlce_dataset_file *file, bool keep) {
    mlce_h5_lock();
    size_t block = rows_of_block(dataset, file), width = (size_t)dataset->width;
    mlce_h5_unlock();
    size_t size = mlce_rows_kept_size(file->precision);
    bool direct = keep && size == mlce_rows_stored_size(file->precision);
    if ((int64_t)block > file->tokens) block = (size_t)file->tokens;
    mlce_status status = direct ? MLCE_OK : reserve_scratch(dataset, file, block);
    for (int64_t first = 0; first < file->tokens && !status; first += (int64_t)block) {
        size_t left = (size_t)(file->tokens - first), count = left < block ? left : block;
        char *kept = keep ? (char *)file->rows + (size_t)first * width * size : NULL;
        void *stored = direct ? kept : dataset->scratch;
        status = read_stored(file, first, count, stored);
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

static mlce_status visit_file(mlce_dataset *dataset, const mlce_dataset_file *file,
                              mlce_rows_visitor *visit, void *context) {
    mlce_h5_lock();
    size_t block = rows_of_block(dataset, file), width = (size_t)dataset->width;
    mlce_h5_unlock();
    bool kept = dataset->resident;
    mlce_precision precision =
        kept && file->precision == MLCE_FLOAT64 ? MLCE_FLOAT32 : file->precision;
    if ((int64_t)block > file->tokens) block = (size_t)file->tokens;
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
            status = read_stored(file, first, count, dataset->scratch);
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

mlce_status mlce_rows_read(mlce_dataset *dataset, int64_t s, float *rows, size_t stride) {
    if (s < 0 || s >= dataset->sequences)
        return mlce_fail(MLCE_E_ARGUMENT, "%s: there is no %s %lld: it has %lld", dataset->name,
                         mlce_dataset_layout_of(dataset)->sequence, (long long)s,
                         (long long)dataset->sequences);
    const mlce_dataset_file *file = mlce_dataset_file_of(dataset, s);
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
    bool direct = file->precision == MLCE_FLOAT32 && stride == width;
    mlce_status status = direct ? MLCE_OK : reserve_scratch(dataset, file, length);
    void *stored = direct ? rows : dataset->scratch;
    if (!status) status = read_stored(file, first, length, stored);
    if (!status) status = check_finite(dataset, file, first, length, stored);
    if (!status && !direct) widen_rows(rows, stride, stored, length, width, file->precision);
    return status;
}
