/* hdf5_dataset.c - whole datasets of strings, integers and floats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/half.h"
#include "data/hdf5.h"
#include "mlce/memory.h"

/* ---- Types ---- */

/* 1 sign bit, 5 exponent bits, 10 fraction bits; HDF5 wants the fields set in this order. */
static hid_t half_type(H5T_order_t order) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_precision(type, 16);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    H5Tset_order(type, order);
    return type;
}

hid_t mlce_h5_float_type(mlce_precision precision, bool in_memory) {
    mlce_h5_lock();
    H5T_order_t native = H5Tget_order(H5T_NATIVE_FLOAT);
    hid_t type = precision == MLCE_FLOAT16 ? half_type(in_memory ? native : H5T_ORDER_LE)
                 : precision == MLCE_FLOAT32
                     ? H5Tcopy(in_memory ? H5T_NATIVE_FLOAT : H5T_IEEE_F32LE)
                     : H5Tcopy(in_memory ? H5T_NATIVE_DOUBLE : H5T_IEEE_F64LE);
    mlce_h5_unlock();
    return type;
}

hid_t mlce_h5_string_type(void) {
    mlce_h5_lock();
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    mlce_h5_unlock();
    return type;
}

/* ---- Opening and creating ---- */

static mlce_status shape_of_space(const mlce_h5 *file, const char *name, hid_t space,
                                  mlce_h5_shape *shape) {
    hsize_t size[H5S_MAX_RANK];
    *shape = (mlce_h5_shape){.rank = H5Sget_simple_extent_ndims(space), .count = 1};
    if (shape->rank < 0)
        return mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read the shape", name);
    if (shape->rank > 3)
        return mlce_fail(MLCE_E_DATA, "%s: %s: has %d dimensions, expected 3 at most", file->path,
                         name, shape->rank);
    H5Sget_simple_extent_dims(space, size, NULL);
    if (H5Sget_simple_extent_type(space) == H5S_NULL) shape->count = 0;
    for (int i = 0; i < shape->rank; i++) {
        if (__builtin_mul_overflow((size_t)size[i], shape->count, &shape->count) ||
            shape->count > PTRDIFF_MAX)
            return mlce_fail(MLCE_E_DATA, "%s: %s: is too large for this machine", file->path,
                             name);
        shape->size[i] = (size_t)size[i];
    }
    return MLCE_OK;
}

static mlce_status dataset_shape(const mlce_h5 *file, const char *name, hid_t dataset,
                                 mlce_h5_shape *shape) {
    hid_t space = H5Dget_space(dataset);
    *shape = (mlce_h5_shape){0};
    if (space < 0) return mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read the shape", name);
    mlce_status status = shape_of_space(file, name, space, shape);
    H5Sclose(space);
    return status;
}

/* How many chunks the shape takes; SIZE_MAX where they cannot be counted. */
static size_t chunks_of(hid_t created, const mlce_h5_shape *shape) {
    hsize_t chunk[H5S_MAX_RANK];
    size_t count = 1;
    if (H5Pget_chunk(created, H5S_MAX_RANK, chunk) != shape->rank) return SIZE_MAX;
    for (int i = 0; i < shape->rank; i++) {
        size_t along = chunk[i] ? shape->size[i] / chunk[i] + (shape->size[i] % chunk[i] != 0) : 0;
        if (__builtin_mul_overflow(count, along, &count)) return SIZE_MAX;
    }
    return count;
}

/* HDF5 would read zeros from what was never written, as much of them as the file claims to have. */
static mlce_status check_chunks(const mlce_h5 *file, const char *name, hid_t dataset, hid_t created,
                                const mlce_h5_shape *shape) {
    hsize_t written = 0;
#if H5_VERSION_GE(1, 10, 5) /* which can count them */
    size_t wanted = chunks_of(created, shape);
    hid_t space = H5Dget_space(dataset);
    herr_t counted = space < 0 ? -1 : H5Dget_num_chunks(dataset, space, &written);
    if (counted < 0) mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot count the chunks", name);
    if (space >= 0) H5Sclose(space);
    if (counted < 0) return MLCE_E_DATA;
#else
    size_t wanted = 1;
    written = H5Dget_storage_size(dataset) > 0;
    (void)created, (void)shape;
#endif
    if (written == wanted) return MLCE_OK;
    if (!written)
        return mlce_fail(MLCE_E_DATA, "%s: %s: has a shape but was never written", file->path,
                         name);
    return mlce_fail(MLCE_E_DATA, "%s: %s: has a shape of %zu chunks, of which %llu were written",
                     file->path, name, wanted, (unsigned long long)written);
}

/* Bytes of the file that the dataset is in, another one where a link leads there; 0 where that
   cannot be told. */
static hsize_t size_of_holder(hid_t dataset) {
    hsize_t size = 0;
    hid_t holder = H5Iget_file_id(dataset);
    if (holder >= 0) H5Fget_filesize(holder, &size);
    if (holder >= 0) H5Fclose(holder);
    return size;
}

/* What is stored elsewhere than in an HDF5 file could be any file of the machine. */
static mlce_status check_contiguous(const mlce_h5 *file, const char *name, hid_t dataset,
                                    hid_t created) {
    hsize_t stored = H5Dget_storage_size(dataset);
    if (H5Pget_external_count(created) > 0)
        return mlce_fail(MLCE_E_DATA, "%s: %s: is stored in another file, which is not read",
                         file->path, name);
    if (stored == 0)
        return mlce_fail(MLCE_E_DATA, "%s: %s: has a shape but was never written", file->path,
                         name);
    if (stored <= size_of_holder(dataset)) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%s: %s: is larger than its file", file->path, name);
}

static mlce_status check_was_written(const mlce_h5 *file, const char *name, hid_t dataset) {
    mlce_h5_shape shape;
    mlce_status status = dataset_shape(file, name, dataset, &shape);
    if (status || shape.count == 0) return status;
    hid_t created = H5Dget_create_plist(dataset);
    if (created < 0)
        return mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read the layout", name);
    H5D_layout_t layout = H5Pget_layout(created);
    if (layout == H5D_CHUNKED)
        status = check_chunks(file, name, dataset, created, &shape);
    else if (layout == H5D_VIRTUAL)
        status = mlce_fail(MLCE_E_DATA,
                           "%s: %s: is virtual, made of other datasets, which are not read: write "
                           "it whole, or give the files that have it as one split",
                           file->path, name);
    else
        status = check_contiguous(file, name, dataset, created);
    H5Pclose(created);
    return status;
}

mlce_status mlce_h5_open_dataset(const mlce_h5 *file, const char *name, hid_t access,
                                 hid_t *dataset) {
    bool found;
    mlce_h5_lock();
    *dataset = -1;
    mlce_status status = mlce_h5_find(file, name, &found);
    if (!status && !found) status = mlce_fail(MLCE_E_DATA, "%s: %s is missing", file->path, name);
    if (!status && (*dataset = H5Dopen2(file->id, name, access)) < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot open the dataset", name);
    if (!status) status = check_was_written(file, name, *dataset);
    if (status && *dataset >= 0) {
        H5Dclose(*dataset);
        *dataset = -1;
    }
    mlce_h5_unlock();
    return status;
}

/* The same content gives the same bytes: no times are stored. HDF5 verifies the checksum of a chunk
   whenever it reads it; strings of variable length, which are stored elsewhere, can have none. */
static hid_t creation_list(hid_t type, int rank, const hsize_t *chunk) {
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(list, false);
    if (chunk) H5Pset_chunk(list, rank, chunk);
    if (chunk && !H5Tis_variable_str(type)) H5Pset_fletcher32(list);
    return list;
}

mlce_status mlce_h5_create_dataset(const mlce_h5 *file, const char *name, hid_t type, int rank,
                                   const hsize_t *size, const hsize_t *chunk, hid_t *dataset) {
    mlce_status status = MLCE_OK;
    hsize_t most[3] = {0};
    for (int i = 0; i < rank; i++) most[i] = size[i];
    if (chunk) most[0] = H5S_UNLIMITED;
    mlce_h5_lock();
    hid_t space = rank ? H5Screate_simple(rank, size, most) : H5Screate(H5S_SCALAR);
    hid_t create = creation_list(type, rank, chunk);
    hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    H5Pset_char_encoding(link, H5T_CSET_UTF8);
    *dataset = H5Dcreate2(file->id, name, type, space, link, create, H5P_DEFAULT);
    if (*dataset < 0)
        status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot create the dataset", name);
    H5Pclose(link);
    H5Pclose(create);
    H5Sclose(space);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_h5_shape_of(const mlce_h5 *file, const char *name, mlce_h5_shape *shape) {
    hid_t dataset;
    mlce_h5_lock();
    mlce_status status = mlce_h5_open_dataset(file, name, H5P_DEFAULT, &dataset);
    if (!status) status = dataset_shape(file, name, dataset, shape);
    if (dataset >= 0) H5Dclose(dataset);
    mlce_h5_unlock();
    return status;
}

/* ---- Strings ---- */

/* What reading a list of strings needs: they come in blocks, and their bytes pile up. */
typedef struct string_reader {
    hid_t dataset, type;
    bool variable, trim;
    size_t size;           /* bytes of an element in memory: of a pointer, where variable */
    size_t block;          /* elements read at once */
    char *elements;        /* [block * size] */
    size_t used, capacity; /* bytes in strings->bytes */
    /* Of strings of variable length: */
    hid_t transfer;    /* says that HDF5 takes memory from the arena */
    mlce_arena *arena; /* of a block */
    size_t room;       /* bytes that those not yet read may have */
    bool is_over;      /* they had more */
    bool memory_short; /* there was none for them; the message is set */
} string_reader;

/* Each string of a good file has bytes of its own in it. One that has more of them than bytes would
   otherwise take any amount of memory. */
static void *take_room(size_t size, void *context) {
    string_reader *reader = context;
    reader->is_over = size > reader->room;
    if (reader->is_over) return NULL;
    reader->room -= size;
    void *memory = mlce_arena_alloc(reader->arena, size, 1);
    reader->memory_short = !memory;
    return memory;
}

static void leave_to_arena(void *memory, void *context) {
    (void)memory, (void)context;
}

static mlce_status prepare_transfer(const mlce_h5 *file, const char *name, string_reader *reader,
                                    size_t count) {
    reader->room = (size_t)size_of_holder(reader->dataset) + count; /* each with a 0 behind it */
    reader->arena = mlce_arena_new();
    if (!reader->arena) return MLCE_E_MEMORY;
    reader->transfer = H5Pcreate(H5P_DATASET_XFER);
    if (reader->transfer >= 0 &&
        H5Pset_vlen_mem_manager(reader->transfer, take_room, reader, leave_to_arena, NULL) >= 0)
        return MLCE_OK;
    return mlce_h5_fail(MLCE_E_MEMORY, file->path, "%s: cannot read the strings", name);
}

static mlce_status append_string(string_reader *reader, mlce_h5_strings *strings, const char *text,
                                 size_t limit) {
    size_t length = text ? strnlen(text, limit) : 0;
    while (reader->trim && length && text[length - 1] == ' ') length--;
    mlce_status status =
        mlce_grow((void **)&strings->bytes, &reader->capacity, reader->used + length + 1, 1);
    if (status) return status;
    if (length) memcpy(strings->bytes + reader->used, text, length);
    strings->bytes[reader->used + length] = '\0';
    reader->used += length + 1;
    return MLCE_OK;
}

/* The errors of H5Dread() must still be there for the caller: nothing is closed after a failure. */
static mlce_status read_block(string_reader *reader, hid_t space, hid_t memory,
                              mlce_h5_strings *strings, size_t count) {
    if (H5Dread(reader->dataset, reader->type, memory, space, reader->transfer, reader->elements) <
        0)
        return reader->memory_short ? MLCE_E_MEMORY : MLCE_E_DATA;
    mlce_status status = MLCE_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const char *element = reader->elements + i * reader->size;
        const char *text = element;
        if (reader->variable) memcpy(&text, element, sizeof text);
        status = append_string(reader, strings, text, reader->variable ? SIZE_MAX : reader->size);
    }
    if (reader->variable) mlce_arena_reset(reader->arena);
    return status;
}

static mlce_status read_blocks(const mlce_h5 *file, const char *name, string_reader *reader,
                               mlce_h5_strings *strings, size_t count, bool scalar) {
    mlce_status status = MLCE_OK;
    hid_t space = H5Dget_space(reader->dataset);
    for (size_t first = 0; first < count && !status; first += reader->block) {
        hsize_t start = first, n = count - first < reader->block ? count - first : reader->block;
        if (!scalar) H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &n, NULL);
        hid_t memory = H5Screate_simple(1, &n, NULL);
        status = read_block(reader, space, memory, strings, n);
        if (status == MLCE_E_DATA && reader->is_over)
            mlce_fail(status,
                      "%s: %s: the strings from %zu on have more bytes than the whole file: it is "
                      "damaged, do not use it",
                      file->path, name, first);
        else if (status == MLCE_E_DATA)
            mlce_h5_fail(status, file->path, "%s: cannot read the strings from %zu on", name,
                         first);
        H5Sclose(memory);
    }
    H5Sclose(space);
    return status;
}

static mlce_status read_strings(const mlce_h5 *file, const char *name, string_reader *reader,
                                mlce_h5_strings *strings) {
    enum { BLOCK_BYTES = 1 << 20 };
    mlce_h5_shape shape;
    mlce_status status = dataset_shape(file, name, reader->dataset, &shape);
    if (status) return status;
    if (shape.rank > 1 || H5Tget_class(reader->type) != H5T_STRING)
        return mlce_fail(MLCE_E_DATA, "%s: %s: must be a list of strings", file->path, name);
    reader->variable = H5Tis_variable_str(reader->type) > 0;
    reader->trim = !reader->variable && H5Tget_strpad(reader->type) == H5T_STR_SPACEPAD;
    reader->size = H5Tget_size(reader->type);
    reader->block = reader->size < BLOCK_BYTES ? BLOCK_BYTES / reader->size : 1;
    if (reader->block > shape.count) reader->block = shape.count ? shape.count : 1;
    strings->items = mlce_calloc(shape.count, sizeof *strings->items);
    reader->elements = mlce_calloc(reader->block, reader->size);
    if (!strings->items || !reader->elements) return MLCE_E_MEMORY;
    if (reader->variable && (status = prepare_transfer(file, name, reader, shape.count)))
        return status;
    status = read_blocks(file, name, reader, strings, shape.count, shape.rank == 0);
    if (status) return status;
    char *next = strings->bytes; /* it has moved while it grew: the items are known only now */
    for (size_t i = 0; i < shape.count; i++, next += strlen(next) + 1) strings->items[i] = next;
    strings->count = shape.count;
    return MLCE_OK;
}

mlce_status mlce_h5_read_strings(const mlce_h5 *file, const char *name, mlce_h5_strings *strings) {
    string_reader reader = {.type = -1, .transfer = H5P_DEFAULT};
    *strings = (mlce_h5_strings){0};
    mlce_h5_lock();
    mlce_status status = mlce_h5_open_dataset(file, name, H5P_DEFAULT, &reader.dataset);
    if (!status && (reader.type = H5Dget_type(reader.dataset)) < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read the type", name);
    if (!status) status = read_strings(file, name, &reader, strings);
    if (reader.transfer > H5P_DEFAULT) H5Pclose(reader.transfer);
    if (reader.type >= 0) H5Tclose(reader.type);
    if (reader.dataset >= 0) H5Dclose(reader.dataset);
    mlce_h5_unlock();
    mlce_arena_free(reader.arena);
    free(reader.elements);
    if (status) mlce_h5_strings_free(strings);
    return status;
}

void mlce_h5_strings_free(mlce_h5_strings *strings) {
    free(strings->items);
    free(strings->bytes);
    *strings = (mlce_h5_strings){0};
}

/* ---- Integers and floats ---- */

/* Reads a dataset of a class of types whole, as `memory_type` with elements of `size` bytes. */
static mlce_status read_numbers(const mlce_h5 *file, const char *name, H5T_class_t class,
                                const char *noun, hid_t memory_type, size_t size, void **values,
                                mlce_h5_shape *shape) {
    hid_t dataset = -1, type = -1;
    *values = NULL;
    mlce_h5_lock();
    mlce_status status = mlce_h5_open_dataset(file, name, H5P_DEFAULT, &dataset);
    if (!status) status = dataset_shape(file, name, dataset, shape);
    if (!status && ((type = H5Dget_type(dataset)) < 0 || H5Tget_class(type) != class))
        status = mlce_fail(MLCE_E_DATA, "%s: %s: must hold %s", file->path, name, noun);
    if (!status && !(*values = mlce_calloc(shape->count, size))) status = MLCE_E_MEMORY;
    if (!status && shape->count &&
        H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *values) < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "%s: cannot read", name);
    if (type >= 0) H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
    mlce_h5_unlock();
    if (status) {
        free(*values);
        *values = NULL;
    }
    return status;
}

mlce_status mlce_h5_read_integers(const mlce_h5 *file, const char *name, int64_t **values,
                                  mlce_h5_shape *shape) {
    void *read = NULL;
    mlce_status status = read_numbers(file, name, H5T_INTEGER, "integers", H5T_NATIVE_INT64,
                                      sizeof **values, &read, shape);
    *values = read;
    return status;
}

mlce_status mlce_h5_read_floats(const mlce_h5 *file, const char *name, float **values,
                                mlce_h5_shape *shape) {
    void *read = NULL;
    mlce_status status = read_numbers(file, name, H5T_FLOAT, "floats", H5T_NATIVE_FLOAT,
                                      sizeof **values, &read, shape);
    *values = read;
    return status;
}

mlce_status mlce_h5_read_matrix(const mlce_h5 *file, const char *name, float **values, size_t *rows,
                                size_t *columns) {
    mlce_h5_shape shape;
    mlce_status status = mlce_h5_read_floats(file, name, values, &shape);
    if (status) return status;
    *rows = shape.size[0];
    *columns = shape.size[1];
    if (shape.rank == 2) return MLCE_OK;
    free(*values);
    *values = NULL;
    return mlce_fail(MLCE_E_DATA, "%s: %s: has %d dimensions, expected 2", file->path, name,
                     shape.rank);
}

/* Creates a contiguous dataset and writes it whole. */
static mlce_status write_whole(const mlce_h5 *file, const char *name, hid_t file_type,
                               hid_t memory_type, int rank, const size_t *size,
                               const void *values) {
    hid_t dataset;
    hsize_t dimensions[3] = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= dimensions[i] = size[i];
    mlce_h5_lock();
    mlce_status status =
        mlce_h5_create_dataset(file, name, file_type, rank, dimensions, NULL, &dataset);
    if (!status && count &&
        H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot write", name);
    if (dataset >= 0 && H5Dclose(dataset) < 0 && !status)
        status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot write", name);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_h5_write_strings(const mlce_h5 *file, const char *name, const char *const *items,
                                  size_t count) {
    mlce_h5_lock();
    hid_t type = mlce_h5_string_type();
    mlce_status status = write_whole(file, name, type, type, 1, &count, items);
    H5Tclose(type);
    mlce_h5_unlock();
    return status;
}

/* HDF5's own rounding to float16 is wrong: halves are made here. */
mlce_status mlce_h5_write_matrix(const mlce_h5 *file, const char *name, const float *values,
                                 size_t rows, size_t columns, mlce_precision precision) {
    uint16_t *halves = NULL;
    if (precision == MLCE_FLOAT16) {
        if (!(halves = mlce_calloc(rows * columns, sizeof *halves))) return MLCE_E_MEMORY;
        mlce_halves_from_floats(halves, values, rows * columns);
    }
    mlce_h5_lock();
    hid_t file_type = mlce_h5_float_type(precision, false);
    hid_t memory_type =
        mlce_h5_float_type(precision == MLCE_FLOAT16 ? MLCE_FLOAT16 : MLCE_FLOAT32, true);
    mlce_status status =
        write_whole(file, name, file_type, memory_type, 2, (const size_t[]){rows, columns},
                    halves ? (const void *)halves : values);
    H5Tclose(memory_type);
    H5Tclose(file_type);
    mlce_h5_unlock();
    free(halves);
    return status;
}
