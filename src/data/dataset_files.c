/* dataset_files.c - the files of a dataset and their embeddings, opened as they are needed. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "data/dataset_parts.h"

enum { MOST_OPEN = 64 }; /* files of a dataset at a time; the others are opened again */

/* ---- Type and shape ---- */

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

/* The chunks that a row passes through: their rows and bytes. */
static void find_chunks(mlce_dataset_file *file) {
    hsize_t chunk[H5S_MAX_RANK];
    hid_t created = H5Dget_create_plist(file->embeddings);
    if (created < 0) return;
    if (H5Pget_layout(created) == H5D_CHUNKED &&
        H5Pget_chunk(created, H5S_MAX_RANK, chunk) == file->rank) {
        size_t bytes = mlce_rows_stored_size(file->precision) * (size_t)chunk[0];
        for (int i = 1; i < file->rank; i++)
            bytes *= (file->size[i] + (size_t)chunk[i] - 1) / (size_t)chunk[i] * (size_t)chunk[i];
        file->chunk_rows = (size_t)chunk[0];
        file->chunk_bytes = bytes;
    }
    H5Pclose(created);
}

/* ---- Changes ---- */

/* The descriptor of an open file; -1 where the driver has none. */
static int descriptor_of(const mlce_dataset_file *file) {
    void *descriptor;
    if (H5Fget_vfd_handle(file->h5.id, H5P_DEFAULT, &descriptor) < 0) return -1;
    return *(int *)descriptor;
}

/* Where a file has become shorter HDF5 reads zeros from behind its end, and reports nothing; of one
   that was written anew it may read anything. */
mlce_status mlce_rows_check_unchanged(const mlce_dataset_file *file) {
    struct stat now;
    const struct stat *before = &file->state;
    if (fstat(descriptor_of(file), &now)) return MLCE_OK;
    if (now.st_size < before->st_size)
        return mlce_fail(
            MLCE_E_DATA,
            "%s: has been cut from %lld to %lld bytes since it was opened: write it again",
            file->path, (long long)before->st_size, (long long)now.st_size);
    if (now.st_dev == before->st_dev && now.st_ino == before->st_ino &&
        now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return MLCE_OK;
    return mlce_fail(MLCE_E_DATA,
                     "%s: has been changed since it was opened: leave it as it is while it is read",
                     file->path);
}

/* ---- Opening and closing ---- */

/* HDF5 keeps chunks that were unpacked: with none, a block of whole chunks is read as fast, and
   many files take no memory; sequence by sequence, it must keep one that all of them pass through.
 */
static mlce_status open_embeddings(mlce_dataset_file *file, bool is_block) {
    enum { SLOTS = 4099, LEAST_BYTES = 4 << 20, MOST_BYTES = 1 << 30 };
    size_t bytes = file->chunk_bytes < LEAST_BYTES  ? LEAST_BYTES
                   : file->chunk_bytes > MOST_BYTES ? MOST_BYTES
                                                    : file->chunk_bytes;
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, SLOTS, is_block ? 0 : bytes, 0.75);
    mlce_status status =
        mlce_h5_open_dataset(&file->h5, file->layout->rows, access, &file->embeddings);
    H5Pclose(access);
    if (!status && (file->space = H5Dget_space(file->embeddings)) < 0)
        status =
            mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read the shape", file->layout->rows);
    file->keeps_chunks = !is_block;
    return status;
}

static void close_embeddings(mlce_dataset_file *file) {
    if (file->space > 0) H5Sclose(file->space);
    if (file->embeddings > 0) H5Dclose(file->embeddings);
    file->space = file->embeddings = 0;
}

mlce_status mlce_rows_open(mlce_dataset_file *file) {
    mlce_h5_shape shape;
    mlce_h5_lock();
    fstat(descriptor_of(file), &file->state);
    mlce_status status = mlce_h5_shape_of(&file->h5, file->layout->rows, &shape);
    if (!status) status = open_embeddings(file, true);
    if (!status) status = check_type(file);
    if (!status) status = check_shape(file, &shape);
    if (!status) find_chunks(file);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_rows_close(mlce_dataset_file *file) {
    mlce_h5_lock();
    close_embeddings(file);
    mlce_status status = mlce_h5_close(&file->h5);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_rows_limit_open(mlce_dataset *dataset) {
    mlce_dataset_file *oldest = NULL;
    int open = 0;
    for (size_t i = 0; i < dataset->file_count; i++) {
        mlce_dataset_file *file = &dataset->files[i];
        if (file->h5.id <= 0) continue;
        open++;
        if (!oldest || file->used < oldest->used) oldest = file;
    }
    return open > MOST_OPEN ? mlce_rows_close(oldest) : MLCE_OK;
}

mlce_status mlce_rows_ready(mlce_dataset *dataset, mlce_dataset_file *file, bool is_block) {
    mlce_status status = MLCE_OK;
    file->used = ++dataset->clock;
    if (file->h5.id <= 0) {
        status = mlce_h5_open(file->path, &file->h5);
        if (!status) status = mlce_rows_check_unchanged(file);
        if (!status) status = mlce_rows_limit_open(dataset);
    }
    if (file->chunk_bytes && !is_block && dataset->keeper != file) {
        if (dataset->keeper) close_embeddings(dataset->keeper);
        close_embeddings(file);
        dataset->keeper = file;
    }
    if (file->chunk_bytes && is_block && file->keeps_chunks) {
        close_embeddings(file);
        if (dataset->keeper == file) dataset->keeper = NULL;
    }
    if (!status && file->embeddings <= 0) status = open_embeddings(file, is_block);
    if (status) mlce_rows_close(file);
    return status;
}

int64_t mlce_rows_of_block(const mlce_dataset *dataset, const mlce_dataset_file *file) {
    enum { LEAST_BYTES = 2 << 20, MOST_BYTES = 4 << 20, CHUNKS = 4 };
    size_t row = (size_t)dataset->width * mlce_rows_stored_size(file->precision);
    if (!file->chunk_bytes) return row < LEAST_BYTES ? (int64_t)(LEAST_BYTES / row) : 1;
    size_t bytes =
        file->chunk_bytes < MOST_BYTES / CHUNKS ? file->chunk_bytes * CHUNKS : MOST_BYTES;
    if (bytes < LEAST_BYTES) bytes = LEAST_BYTES;
    size_t chunks = bytes / file->chunk_bytes;
    return (int64_t)((chunks ? chunks : 1) * file->chunk_rows);
}

/* Where the rows of a chunk, or of a dataset that is not chunked, begin in the file, and their
   bytes; 0 where that cannot be said. */
static haddr_t address_of(const mlce_dataset_file *file, int64_t row, hsize_t *bytes) {
    haddr_t address = HADDR_UNDEF;
    *bytes = mlce_rows_stored_size(file->precision);
    for (int i = 1; i < file->rank; i++) *bytes *= file->size[i];
    if (!file->chunk_bytes) {
        address = H5Dget_offset(file->embeddings);
        return address == HADDR_UNDEF ? 0 : address + (haddr_t)row * *bytes;
    }
#if H5_VERSION_GE(1, 10, 5)
    hsize_t chunk[3] = {(hsize_t)row / file->chunk_rows * file->chunk_rows};
    unsigned mask;
    if (H5Dget_chunk_info_by_coord(file->embeddings, chunk, &mask, &address, bytes) < 0)
        address = HADDR_UNDEF;
#endif
    return address == HADDR_UNDEF ? 0 : address;
}

/* HDF5 reads chunk after chunk, each of which would wait for the disk. */
void mlce_rows_advise(const mlce_dataset_file *file, int64_t first, size_t count) {
    enum { MOST_BYTES = 32 << 20 };
    hsize_t bytes;
    haddr_t begin = address_of(file, first, &bytes);
    haddr_t end = address_of(file, first + (int64_t)count - 1, &bytes) + bytes;
    if (begin && begin < end && end - begin <= MOST_BYTES)
        posix_fadvise(descriptor_of(file), (off_t)begin, (off_t)(end - begin), POSIX_FADV_WILLNEED);
}
