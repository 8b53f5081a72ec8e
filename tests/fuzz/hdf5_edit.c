/* hdf5_edit.c - a good HDF5 file and a list of edits. */
#include "hdf5_edit.h"

#include <hdf5.h>
#include <string.h>

#include "data/hdf5.h"

/* ---- The good file ---- */

static herr_t add_name(hid_t place, const char *name, const H5O_info_t *info, void *context) {
    (void)place, (void)info;
    hdf5_base *base = context;
    char path[256];
    snprintf(path, sizeof path, "/%s", strcmp(name, ".") ? name : "");
    FUZZ_CHECK(base->count < (int)(sizeof base->objects / sizeof *base->objects));
    FUZZ_CHECK(base->objects[base->count++] = strdup(path));
    return 0;
}

void mlce_fuzz_base_read(hdf5_base *base, const char *path, const char *const *more) {
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file && !fseek(file, 0, SEEK_END));
    base->size = (size_t)ftell(file);
    rewind(file);
    base->bytes = malloc(base->size);
    FUZZ_CHECK(base->bytes && fread(base->bytes, 1, base->size, file) == base->size);
    fclose(file);
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    FUZZ_CHECK(id >= 0 &&
               H5Ovisit2(id, H5_INDEX_NAME, H5_ITER_INC, add_name, base, H5O_INFO_BASIC) >= 0);
    H5Fclose(id);
    unlink(path);
    for (; more && *more; more++) add_name(-1, *more + 1, NULL, base);
}

/* ---- Types, shapes, values ---- */

typedef struct edit {
    const char *object;
    unsigned kind, parameter;
    const uint8_t *payload;
    size_t size;
} edit;

static hid_t string_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    return type;
}

static hid_t odd_float(void) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 20, 3, 2, 5, 15);
    return type;
}

static hid_t compound_type(void) {
    hid_t type = H5Tcreate(H5T_COMPOUND, 12);
    H5Tinsert(type, "a", 0, H5T_STD_I64LE);
    H5Tinsert(type, "b", 8, H5T_IEEE_F32LE);
    return type;
}

/* To be closed. */
static hid_t type_of(unsigned choice) {
    switch (choice % 16) {
    case 0:
        return H5Tcopy(H5T_STD_I64LE);
    case 1:
        return H5Tcopy(H5T_STD_U64BE);
    case 2:
        return H5Tcopy(H5T_STD_I8LE);
    case 3:
        return H5Tcopy(H5T_STD_I32BE);
    case 4:
        return H5Tcopy(H5T_STD_U16LE);
    case 5:
        return mlce_h5_float_type(MLCE_FLOAT16, false);
    case 6:
        return H5Tcopy(H5T_IEEE_F32LE);
    case 7:
        return H5Tcopy(H5T_IEEE_F64BE);
    case 8:
        return mlce_h5_string_type();
    case 9:
        return string_type(1);
    case 10:
        return string_type(9);
    case 11: {
        hid_t type = string_type(5);
        H5Tset_strpad(type, H5T_STR_SPACEPAD);
        return type;
    }
    case 12:
        return odd_float();
    case 13:
        return compound_type();
    case 14:
        return H5Tcopy(H5T_STD_B16LE);
    default:
        return H5Tvlen_create(H5T_STD_I16LE);
    }
}

/* Rank and sizes from a byte: small ones, 0, one that is unlikely. */
static hid_t space_of(unsigned choice) {
    static const hsize_t sizes[] = {0, 1, 2, 3, 4, 7, 13, 40};
    hsize_t size[4];
    int rank = (int)(choice % 6);
    if (rank == 5) return H5Screate(H5S_NULL);
    if (rank == 0) return H5Screate(H5S_SCALAR);
    for (int i = 0; i < rank; i++) size[i] = sizes[(choice / 6 + (unsigned)i * 5) % 8];
    return H5Screate_simple(rank, size, NULL);
}

/* Elements for writing in the memory of `type`: the payload over and over. Strings of variable
   length are what stands between NULs. */
static void *values_of(const edit *e, hid_t type, size_t count) {
    size_t each = H5Tget_size(type);
    uint8_t *values = calloc(count + 1, each);
    FUZZ_CHECK(values);
    if (!e->size || H5Tget_class(type) == H5T_VLEN) return values; /* of length 0 */
    if (H5Tis_variable_str(type) > 0) {
        static char text[256];
        memcpy(text, e->payload, e->size);
        text[e->size] = '\0';
        size_t at = 0;
        for (size_t i = 0; i < count; i++) {
            ((char **)(void *)values)[i] = text + at;
            at += strlen(text + at) + 1;
            if (at >= e->size) at = 0;
        }
        return values;
    }
    for (size_t i = 0; i < count * each; i++) values[i] = e->payload[i % e->size];
    return values;
}

/* ---- Edits ---- */

static void remove_object(hid_t file, const char *name) {
    if (strcmp(name, "/")) H5Ldelete(file, name, H5P_DEFAULT);
}

/* Writes the payload over the values at the place that the parameter says. */
static void change_values(hid_t file, const edit *e) {
    hid_t id = H5Dopen2(file, e->object, H5P_DEFAULT);
    if (id < 0) return;
    hid_t type = H5Dget_type(id), space = H5Dget_space(id);
    size_t count = (size_t)H5Sget_simple_extent_npoints(space), each = H5Tget_size(type);
    if (count > 10000) count = 0; /* only claimed */
    if (count && H5Tis_variable_str(type) > 0) {
        void *values = values_of(e, type, count);
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        free(values);
    } else if (count && H5Tget_class(type) != H5T_VLEN) {
        uint8_t *values = calloc(count, each);
        FUZZ_CHECK(values);
        H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        for (size_t i = 0; i < e->size; i++)
            values[(e->parameter * each + i) % (count * each)] = e->payload[i];
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        free(values);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(id);
}

/* Another dataset in its place: type and shape by the payload's first two bytes; half of them in
   chunks, compressed; some never written. */
static void replace(hid_t file, const edit *e) {
    if (e->size < 2 || !strcmp(e->object, "/")) return;
    edit rest = *e;
    rest.payload += 2;
    rest.size -= 2;
    hid_t type = type_of(e->payload[0]), space = space_of(e->payload[1]);
    hid_t create = H5Pcreate(H5P_DATASET_CREATE), link = H5Pcreate(H5P_LINK_CREATE);
    hsize_t size[4], chunk[4] = {2, 2, 2, 2};
    int rank = H5Sget_simple_extent_dims(space, size, NULL);
    H5Pset_create_intermediate_group(link, 1);
    if (rank > 0 && e->parameter & 1) H5Pset_chunk(create, rank, chunk);
    if (rank > 0 && (e->parameter & 3) == 3) H5Pset_deflate(create, 1);
    remove_object(file, e->object);
    hid_t id = H5Dcreate2(file, e->object, type, space, link, create, H5P_DEFAULT);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    if (id >= 0 && count > 0 && (e->parameter & 0x1C) != 0x1C) {
        void *values = values_of(&rest, type, (size_t)count);
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        free(values);
    }
    if (id >= 0) H5Dclose(id);
    H5Pclose(link);
    H5Pclose(create);
    H5Sclose(space);
    H5Tclose(type);
}

/* A dataset that says it is large, of which little or nothing is there. */
static void claim_size(hid_t file, const edit *e) {
    static const hsize_t sizes[] = {100000, 3000000000, (hsize_t)1 << 33, (hsize_t)1 << 40};
    if (!strcmp(e->object, "/")) return;
    int rank = 1 + (int)(e->parameter & 1);
    hsize_t size[2] = {sizes[e->parameter >> 1 & 3], e->parameter & 8 ? 100000 : 8};
    hsize_t chunk[2] = {4, 4};
    if (e->parameter & 32) size[1] = 4;
    hid_t create = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, size, NULL);
    H5Pset_chunk(create, rank, chunk);
    hid_t type = type_of(e->parameter >> 5);
    remove_object(file, e->object);
    hid_t id =
        space < 0 ? -1 : H5Dcreate2(file, e->object, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    if (id >= 0 && e->size) {
        hsize_t start[2] = {0, 0}, one[2] = {1, 1};
        hid_t memory = H5Screate_simple(rank, one, NULL);
        void *values = values_of(e, type, 1);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, one, NULL);
        H5Dwrite(id, type, memory, space, H5P_DEFAULT, values);
        free(values);
        H5Sclose(memory);
    }
    if (id >= 0) H5Dclose(id);
    H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    H5Pclose(create);
}

/* The attribute of that number becomes one of another type, shape, value; or it goes. */
static void change_attribute(hid_t file, const edit *e) {
    char name[128] = "";
    hid_t id = H5Oopen(file, e->object, H5P_DEFAULT);
    if (id < 0) return;
    H5Aget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, e->parameter, name, sizeof name,
                       H5P_DEFAULT);
    if (*name) H5Adelete(id, name);
    if (*name && e->size >= 2) {
        edit rest = *e;
        rest.payload += 2;
        rest.size -= 2;
        /* Mostly one string or number as long as the payload. */
        bool usual = e->payload[1] & 3;
        hid_t type = usual && rest.size && e->payload[0] >= 128 ? string_type(rest.size)
                                                                : type_of(e->payload[0]);
        hid_t space = usual ? H5Screate(H5S_SCALAR) : space_of(e->payload[1] >> 2);
        hssize_t count = H5Sget_simple_extent_npoints(space);
        hid_t attribute = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (attribute >= 0 && count > 0) {
            void *values = values_of(&rest, type, (size_t)count);
            H5Awrite(attribute, type, values);
            free(values);
        }
        if (attribute >= 0) H5Aclose(attribute);
        H5Sclose(space);
        H5Tclose(type);
    }
    H5Oclose(id);
}

/* The name leads to another object, to itself, or nowhere. */
static void link_elsewhere(hid_t file, const edit *e, const hdf5_base *base) {
    if (!strcmp(e->object, "/")) return;
    const char *target = base->objects[e->parameter % (unsigned)base->count];
    remove_object(file, e->object);
    if (e->size & 1)
        H5Lcreate_hard(file, target, file, e->object, H5P_DEFAULT, H5P_DEFAULT);
    else if (e->size & 2)
        H5Gclose(H5Gcreate2(file, e->object, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    else
        H5Lcreate_soft(e->size ? "nowhere" : target, file, e->object, H5P_DEFAULT, H5P_DEFAULT);
}

static void apply(hid_t file, const edit *e, const hdf5_base *base) {
    switch (e->kind % 6) {
    case 0:
        change_values(file, e);
        break;
    case 1:
        replace(file, e);
        break;
    case 2:
        change_attribute(file, e);
        break;
    case 3:
        remove_object(file, e->object);
        break;
    case 4:
        claim_size(file, e);
        break;
    default:
        link_elsewhere(file, e, base);
    }
}

const char *mlce_fuzz_edit(const hdf5_base *base, const uint8_t *edits, size_t size) {
    const char *path = fuzz_file(0, base->bytes, base->size);
    mlce_h5_lock(); /* which keeps HDF5 quiet */
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    FUZZ_CHECK(file >= 0);
    for (int n = 0; size >= 4 && n < 16; n++) {
        edit e = {.object = base->objects[edits[0] % base->count],
                  .kind = edits[1],
                  .parameter = edits[2],
                  .payload = edits + 4,
                  .size = edits[3]};
        if (e.size > size - 4) e.size = size - 4;
        apply(file, &e, base);
        edits += 4 + e.size;
        size -= 4 + e.size;
    }
    FUZZ_CHECK(H5Fclose(file) >= 0);
    mlce_h5_unlock();
    return path;
}
