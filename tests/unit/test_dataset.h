/* test_dataset.h - datasets made through the HDF5 API alone, whole and damaged. */
#ifndef TEST_DATASET_H
#define TEST_DATASET_H

#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>

#include "mlce/dataset.h"
#include "unit.h"

/* The dataset that the tests know: 2 types, 5 tokens of 3 features, sequences of 2, 0, 3 tokens. */
enum { TYPES = 2, TOKENS = 5, WIDTH = 3, SEQUENCES = 3, SPANS = 4 };

static const char *const good_types[TYPES] = {"PER", "LOC"};
static const float good_embeddings[TOKENS * WIDTH] = {
    0.5f, -1, 2, 3, 65504, 0x1p-24f, -0.0f, 7, 8, 9, 10.5f, 11, 12, 13, -14};
static const int64_t good_offsets[SEQUENCES + 1] = {0, 2, 2, 5};
static const int64_t good_span_offsets[SEQUENCES + 1] = {0, 2, 2, 4};
static const int64_t good_spans[SPANS * 3] = {0, 2, 1, 0, 1, 0, 1, 3, 0, 1, 3, 1};
static const char *const good_tokens[TOKENS] = {"J\xC3\xBCrgen", "Wien", "a", "\xF0\x9F\x98\x80",
                                                "c"};
static const int64_t good_chars[TOKENS * 2] = {0, 6, 8, 12, 0, 1, 1, 2, 3, 4};
static const char *const good_texts[SEQUENCES] = {"J\xC3\xBCrgen, Wien.", "",
                                                  "a\xF0\x9F\x98\x80 c"};
static const char *const good_ids[SEQUENCES] = {"s0", "s1", "s2"};
static const int64_t good_documents[SEQUENCES] = {7, 7, 9};

/* How a file is stored. {0}: float32, 64-bit integers, contiguous, strings of variable length. */
typedef struct storage {
    hid_t floats, integers, strings; /* types in the file; 0: as above */
    hsize_t chunk[3];                /* of the embeddings; 0: contiguous */
    int gzip, shuffle;
    int layers; /* embeddings as [N, layers, WIDTH / layers] */
    int without_spans, without_text, swap_types;
} storage;

static inline hid_t half_type(H5T_order_t order) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_precision(type, 16);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    H5Tset_order(type, order);
    return type;
}

static inline hid_t text_type(size_t size, H5T_str_t padding, H5T_cset_t cset) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, padding);
    H5Tset_cset(type, cset);
    return type;
}

static inline void put(hid_t file, const char *name, hid_t type, hid_t memory, int rank,
                       const hsize_t *size, hid_t create, const void *values) {
    hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    hid_t space = rank ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, name, type, space, link, create, H5P_DEFAULT);
    ck_assert_int_ge(dataset, 0);
    if (values) ck_assert_int_ge(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, 0, values), 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(link);
}

/* `columns` 0: a list. */
static inline void put_integers(hid_t file, const char *name, hid_t type, hsize_t rows,
                                hsize_t columns, const int64_t *values) {
    put(file, name, type ? type : H5T_STD_I64LE, H5T_NATIVE_INT64, columns ? 2 : 1,
        (const hsize_t[]){rows, columns}, H5P_DEFAULT, values);
}

static inline void put_strings(hid_t file, const char *name, hid_t type, hsize_t count,
                               const char *const *items) {
    hid_t variable = text_type(H5T_VARIABLE, H5T_STR_NULLTERM, H5T_CSET_UTF8);
    if (!type || H5Tis_variable_str(type)) {
        put(file, name, type ? type : variable, type ? type : variable, 1, &count, H5P_DEFAULT,
            items);
    } else {
        size_t size = H5Tget_size(type);
        char *flat = calloc(count, size);
        for (size_t i = 0; i < count; i++) {
            size_t length = strlen(items[i]);
            ck_assert_uint_le(length, size);
            memset(flat + i * size, H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : 0, size);
            memcpy(flat + i * size, items[i], length);
        }
        put(file, name, type, type, 1, &count, H5P_DEFAULT, flat);
        free(flat);
    }
    H5Tclose(variable);
}

static inline void put_attribute(hid_t file, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Awrite(attribute, type, value), 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

/* float16 values go in as bits: HDF5's own rounding is not to be trusted. All of good_embeddings
   are exact in float16. */
static inline uint16_t exact_half(float value) {
    int exponent;
    double fraction = __builtin_frexp(value < 0 ? -(double)value : (double)value, &exponent);
    unsigned sign = __builtin_signbit(value) ? 0x8000 : 0;
    if (fraction == 0) return (uint16_t)sign;
    if (exponent < -13)
        return (uint16_t)(sign | (unsigned)__builtin_ldexp(fraction, exponent + 24));
    unsigned mantissa = (unsigned)__builtin_ldexp(fraction, 11) & 1023;
    return (uint16_t)(sign | (unsigned)(exponent + 14) << 10 | mantissa);
}

static inline void put_embeddings(hid_t file, const storage *how, const float *values) {
    hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    int layers = how->layers ? how->layers : 1, rank = how->layers ? 3 : 2;
    hsize_t size[3] = {TOKENS, how->layers ? (hsize_t)layers : WIDTH, (hsize_t)(WIDTH / layers)};
    if (how->chunk[0]) H5Pset_chunk(create, rank, how->chunk);
    if (how->shuffle) H5Pset_shuffle(create);
    if (how->gzip) H5Pset_deflate(create, (unsigned)how->gzip);
    hid_t type = how->floats ? how->floats : H5T_IEEE_F32LE;
    uint16_t halves[TOKENS * WIDTH];
    if (H5Tget_size(type) == 2) {
        for (int i = 0; i < TOKENS * WIDTH; i++) {
            halves[i] = exact_half(values[i]);
            if (H5Tget_order(type) == H5T_ORDER_BE) halves[i] = __builtin_bswap16(halves[i]);
        }
        put(file, "/tokens/embeddings", type, type, rank, size, create, halves);
    } else {
        put(file, "/tokens/embeddings", type, H5T_NATIVE_FLOAT, rank, size, create, values);
    }
    H5Pclose(create);
}

static inline void write_good(const char *path, const storage *how) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    hid_t text = text_type(10, H5T_STR_NULLPAD, H5T_CSET_ASCII);
    const char *const swapped[] = {good_types[1], good_types[0]};
    int64_t spans[SPANS * 3];
    for (int i = 0; i < SPANS * 3; i++)
        spans[i] = how->swap_types && i % 3 == 2 ? 1 - good_spans[i] : good_spans[i];
    put_attribute(file, "format", text, "mlce-spans");
    put_attribute(file, "version", H5T_NATIVE_INT, &(int){1});
    put_strings(file, "/types", how->strings, TYPES, how->swap_types ? swapped : good_types);
    put_embeddings(file, how, good_embeddings);
    put_integers(file, "/sequences/offsets", how->integers, SEQUENCES + 1, 0, good_offsets);
    if (!how->without_spans) {
        put_integers(file, "/spans/offsets", how->integers, SEQUENCES + 1, 0, good_span_offsets);
        put_integers(file, "/spans/items", how->integers, SPANS, 3, spans);
    }
    if (!how->without_text) {
        put_strings(file, "/tokens/text", how->strings, TOKENS, good_tokens);
        put_integers(file, "/tokens/chars", how->integers, TOKENS, 2, good_chars);
        put_strings(file, "/sequences/text", how->strings, SEQUENCES, good_texts);
        put_strings(file, "/sequences/id", how->strings, SEQUENCES, good_ids);
        put_integers(file, "/sequences/document", how->integers, SEQUENCES, 0, good_documents);
    }
    H5Tclose(text);
    H5Fclose(file);
}

/* The folder and the paths of each test. */
static char *folder;
static char path[128], other[128];

static inline void set_up(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    folder = make_folder();
    snprintf(path, sizeof path, "%s/a.h5", folder);
    snprintf(other, sizeof other, "%s/b.h5", folder);
}

static inline void tear_down(void) {
    remove_folder(folder);
}

/* Every sequence of the known dataset from sequence `first` on. */
static inline void check_rows(mlce_dataset *dataset, int64_t first) {
    float rows[TOKENS * WIDTH];
    for (int s = 0; s < SEQUENCES; s++) {
        size_t length = (size_t)(good_offsets[s + 1] - good_offsets[s]);
        ck_assert_int_eq(mlce_dataset_length(dataset, first + s), (int)length);
        assert_ok(mlce_dataset_read(dataset, first + s, rows));
        ck_assert_mem_eq(rows, good_embeddings + good_offsets[s] * WIDTH,
                         length * WIDTH * sizeof *rows);
    }
}

static inline void check_spans(const mlce_dataset *dataset, int64_t first) {
    for (int s = 0; s < SEQUENCES; s++) {
        int count;
        const mlce_span *gold = mlce_dataset_gold(dataset, first + s, &count);
        const int64_t *expected = good_spans + good_span_offsets[s] * 3;
        ck_assert_int_eq(count, (int)(good_span_offsets[s + 1] - good_span_offsets[s]));
        for (int i = 0; i < count; i++, expected += 3) {
            ck_assert_int_eq(gold[i].start, (int)expected[0]);
            ck_assert_int_eq(gold[i].end, (int)expected[1]);
            ck_assert_str_eq(mlce_dataset_type_name(dataset, gold[i].type),
                             good_types[expected[2]]);
        }
    }
}

#endif
