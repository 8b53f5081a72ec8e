/* hdf5_visit.c - touches all that is in an HDF5 file. */
#include "data/hdf5_visit.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"

enum {
    SEEN_SLOTS = 1 << 17, /* more than twice MLCE_H5_MOST_OBJECTS */
    ATTRIBUTE_BYTES = 64 << 10,
    SMALL_BYTES = 4 << 20,  /* datasets up to this size, stored and in memory, are read whole */
    CHUNK_BYTES = 64 << 20, /* a compressed chunk is read up to this size */
    ALL_BYTES = 128 << 20,  /* once so much was read, all datasets count as large */
};

typedef struct visit {
    struct {
        unsigned long file;
        haddr_t address;
        bool is_taken;
    } seen[SEEN_SLOTS];
    size_t count, bytes;
    int depth;
    bool memory_short, too_much, unlisted;
} visit;

/* ---- What HDF5 refuses is passed by, but for want of memory, and where it hides the rest ---- */

static herr_t look_for_memory(unsigned index, const H5E_error2_t *error, void *context) {
    (void)index;
    if (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC)
        ((visit *)context)->memory_short = true;
    return 0;
}

/* Whether the call succeeded. Its errors must be the last ones. */
static bool fine(visit *v, long long result) {
    if (result >= 0) return true;
    hid_t stack = H5Eget_current_stack();
    if (stack < 0) return false;
    H5Ewalk2(stack, H5E_WALK_UPWARD, look_for_memory, v);
    H5Eclose_stack(stack);
    return false;
}

/* Whether the call that leads to what the programs would find by name succeeded. */
static bool listed(visit *v, long long result) {
    if (fine(v, result)) return true;
    v->unlisted = true;
    return false;
}

/* ---- Values ---- */

/* The type that mlce would read it as, to be closed with H5Tclose(); -1 where it reads none. */
static hid_t memory_type(hid_t type) {
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return H5Tcopy(H5T_NATIVE_INT64);
    case H5T_FLOAT:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case H5T_STRING:
        return H5Tcopy(type);
    default:
        return -1;
    }
}

/* Reads what is selected in `space`, all of a dataset or, where it is -1, an attribute. */
static void read_values(visit *v, hid_t id, hid_t type, hid_t space, size_t count) {
    hid_t memory = memory_type(type);
    hsize_t size = count;
    size_t each = memory < 0 ? 0 : H5Tget_size(memory);
    void *values = each && count <= (size_t)(SMALL_BYTES * 2) / each ? calloc(count, each) : NULL;
    if (values) v->bytes += count * each;
    if (values) {
        hid_t shape = H5Screate_simple(1, &size, NULL);
        if (fine(v, space < 0 ? H5Aread(id, memory, values)
                              : H5Dread(id, memory, shape, space, H5P_DEFAULT, values)) &&
            H5Tis_variable_str(memory) > 0)
            H5Dvlen_reclaim(memory, shape, H5P_DEFAULT, values);
        H5Sclose(shape);
    }
    free(values);
    if (memory >= 0) H5Tclose(memory);
}

static void visit_attribute(visit *v, hid_t object, hsize_t index) {
    hid_t id =
        H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_NATIVE, index, H5P_DEFAULT, H5P_DEFAULT);
    if (!listed(v, id)) return;
    hid_t type = H5Aget_type(id), space = H5Aget_space(id);
    hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    if (type >= 0 && count > 0 && H5Aget_storage_size(id) <= ATTRIBUTE_BYTES &&
        count <= ATTRIBUTE_BYTES)
        read_values(v, id, type, -1, (size_t)count);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Aclose(id);
}

/* ---- Datasets ---- */

/* Touches the index of the chunks, and tells whether values may be read. */
static bool visit_storage(visit *v, hid_t dataset, hid_t space) {
    hid_t created = H5Dget_create_plist(dataset);
    if (!fine(v, created)) return false;
    H5D_layout_t layout = H5Pget_layout(created);
    bool readable = layout != H5D_VIRTUAL; /* of which no program reads a value */
    hsize_t chunk[H5S_MAX_RANK], count = 0;
    int rank = layout == H5D_CHUNKED ? H5Pget_chunk(created, H5S_MAX_RANK, chunk) : 0;
    if (rank > 0 && H5Pget_nfilters(created) > 0) {
        hid_t type = H5Dget_type(dataset);
        double bytes = type < 0 ? 0 : (double)H5Tget_size(type);
        for (int i = 0; i < rank; i++) bytes *= (double)chunk[i];
        readable = bytes <= CHUNK_BYTES;
        if (type >= 0) H5Tclose(type);
    }
#if H5_VERSION_GE(1, 10, 5)
    if (rank > 0) fine(v, H5Dget_num_chunks(dataset, space, &count));
#else
    (void)space, (void)count;
#endif
    H5Pclose(created);
    return readable;
}

/* The first and the last row. */
static void visit_ends(visit *v, hid_t dataset, hid_t type, hid_t space, int rank, hsize_t *size) {
    hsize_t start[H5S_MAX_RANK] = {0}, rows = size[0], count = 1;
    size[0] = 1;
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(count, size[i], &count) || count > SMALL_BYTES) return;
    for (int end = 0; end < 2; end++) {
        start[0] = end ? rows - 1 : 0;
        if (!fine(v, H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL))) return;
        read_values(v, dataset, type, space, count);
    }
}

static void visit_dataset(visit *v, hid_t dataset) {
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    hsize_t stored = H5Dget_storage_size(dataset), size[H5S_MAX_RANK];
    int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, size, NULL);
    if (type >= 0 && count > 0 && visit_storage(v, dataset, space)) {
        bool is_small = count <= SMALL_BYTES && stored <= SMALL_BYTES && v->bytes < ALL_BYTES;
        if (is_small)
            read_values(v, dataset, type, space, (size_t)count);
        else if (rank > 0)
            visit_ends(v, dataset, type, space, rank, size);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
}

/* ---- Objects ---- */

static void visit_object(visit *v, hid_t place, const char *name);

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)info;
    visit *v = context;
    visit_object(v, group, name);
    return v->too_much;
}

/* Whether it is met for the first time. */
static bool is_new(visit *v, const H5O_info_t *info) {
    uint64_t slot = (info->addr ^ (uint64_t)info->fileno << 48) * 0x9E3779B97F4A7C15u >> 32;
    for (; v->seen[slot %= SEEN_SLOTS].is_taken; slot++)
        if (v->seen[slot].file == info->fileno && v->seen[slot].address == info->addr) return false;
    if (v->count == MLCE_H5_MOST_OBJECTS) {
        v->too_much = true;
        return false;
    }
    v->seen[slot].file = info->fileno;
    v->seen[slot].address = info->addr;
    v->seen[slot].is_taken = true;
    v->count++;
    return true;
}

static void visit_new_object(visit *v, hid_t id, const H5O_info_t *info) {
    if (info->num_attrs > MLCE_H5_MOST_ATTRIBUTES || v->depth == MLCE_H5_MOST_DEPTH) {
        v->too_much = true;
        return;
    }
    v->depth++;
    for (hsize_t i = 0; i < info->num_attrs; i++) visit_attribute(v, id, i);
    if (info->type == H5O_TYPE_DATASET) visit_dataset(v, id);
    if (info->type == H5O_TYPE_GROUP)
        listed(v, H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, v));
    v->depth--;
}

/* Links of any kind are followed, also into other files. */
static void visit_object(visit *v, hid_t place, const char *name) {
    H5O_info_t info;
    if (v->too_much) return;
    hid_t id = H5Oopen(place, name, H5P_DEFAULT);
    if (!fine(v, id)) return;
    if (listed(v, H5Oget_info2(id, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS)) && is_new(v, &info))
        visit_new_object(v, id, &info);
    H5Oclose(id);
}

/* What a dataset's reader looks for by name, which takes other ways through a damaged group than
   going through all of it. */
static void visit_layouts(visit *v, hid_t file) {
    for (int task = MLCE_TASK_SPANS; task <= MLCE_TASK_LABELS; task++) {
        const mlce_dataset_layout *l = &mlce_dataset_layouts[task];
        const char *const names[] = {"/types",        l->rows,       l->offsets,     l->token_text,
                                     l->token_chars,  l->text,       l->id,          l->document,
                                     l->gold_offsets, l->gold_items, l->gold_weights};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (names[i]) visit_object(v, file, names[i]);
    }
}

mlce_h5_visit_result mlce_h5_visit(const char *path) {
    visit *v = calloc(1, sizeof *v);
    if (!v) return MLCE_H5_VISIT_NONE;
    hid_t file = H5Fis_hdf5(path) > 0 ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
    if (fine(v, file)) {
        visit_layouts(v, file);
        visit_object(v, file, "/");
        H5Fclose(file);
    }
    mlce_h5_visit_result result = v->memory_short ? MLCE_H5_VISIT_MEMORY
                                  : v->too_much   ? MLCE_H5_VISIT_TOO_MUCH
                                  : v->unlisted   ? MLCE_H5_VISIT_UNLISTED
                                                  : MLCE_H5_VISIT_PASSED;
    free(v);
    return result;
}
