/* safetensors_read.c - reading safetensors files. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/json.h"
#include "data/half.h"
#include "export/safetensors.h"
#include "mlce/memory.h"

/* The format's own limit. */
static const uint64_t LONGEST_HEADER = 100000000;
enum { LENGTH_BYTES = 8 };
static const char METADATA[] = "__metadata__";

static const struct {
    const char *name;
    size_t size;
} types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2},    {"I64", 8},
             {"I32", 4}, {"I16", 2}, {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
             {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},      {"BOOL", 1}};

static size_t size_of_type(const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0) return types[i].size;
    return 0;
}

static uint64_t little_endian(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t b = 0; b < size; b++) value |= (uint64_t)bytes[b] << 8 * b;
    return value;
}

/* ---- One tensor of the header ---- */

static mlce_status bad(const mlce_tensors *t, const char *name, const char *what) {
    return mlce_fail(MLCE_E_DATA, "%s: tensor '%.80s': %s", t->path, name, what);
}

/* A whole number that is not negative. */
static bool take_size(const json_t *value, uint64_t *size) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *size = (uint64_t)json_integer_value(value);
    return true;
}

/* The product of the dims, and that times the size of a number, if a size_t holds them. */
static bool count_numbers(const json_t *dims, size_t size, size_t *count, size_t *bytes) {
    size_t index;
    const json_t *dim;
    *count = 1;
    json_array_foreach(dims, index, dim) {
        uint64_t n;
        if (!take_size(dim, &n) || __builtin_mul_overflow(*count, n, count)) return false;
    }
    return !__builtin_mul_overflow(*count, size, bytes);
}

static mlce_status take_tensor(mlce_tensors *t, const char *name, const json_t *entry,
                               uint64_t data_bytes, mlce_tensor *tensor) {
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *dims = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t begin, end;
    size_t bytes;
    if (!type || !json_is_array(dims) || !json_is_array(offsets) || json_object_size(entry) != 3)
        return bad(t, name, "needs dtype, shape and data_offsets, and nothing else");
    *tensor = (mlce_tensor){.name = name, .type = type, .size = size_of_type(type), .dims = dims};
    if (!tensor->size) return bad(t, name, "is of no type that the format has");
    if (!count_numbers(dims, tensor->size, &tensor->count, &bytes))
        return bad(t, name, "its shape is not a list of whole numbers that a computer can hold");
    if (json_array_size(offsets) != 2 || !take_size(json_array_get(offsets, 0), &begin) ||
        !take_size(json_array_get(offsets, 1), &end))
        return bad(t, name, "data_offsets must be two whole numbers");
    if (begin > end || end > data_bytes)
        return mlce_fail(MLCE_E_DATA,
                         "%s: tensor '%.80s': its bytes %" PRIu64 " to %" PRIu64
                         " are not among the file's %" PRIu64 ": is the file whole?",
                         t->path, name, begin, end, data_bytes);
    if (end - begin != bytes) return bad(t, name, "its shape and its data_offsets differ in size");
    tensor->begin = begin;
    return MLCE_OK;
}

/* ---- The header ---- */

static mlce_status check_metadata(const mlce_tensors *t, const json_t *metadata) {
    const char *key;
    json_t *value;
    bool right = json_is_object(metadata);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value) right =
        right && json_is_string(value);
    return right ? MLCE_OK
                 : mlce_fail(MLCE_E_DATA, "%s: %s must be an object of texts", t->path, METADATA);
}

static int by_place(const void *left, const void *right) {
    const mlce_tensor *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return (a->count > 0) - (b->count > 0);
}

/* Puts the tensors into the order of the file, where each must begin where the last one ends. */
static mlce_status check_places(mlce_tensors *t, uint64_t data_start, uint64_t data_bytes) {
    qsort(t->items, t->count, sizeof *t->items, by_place);
    uint64_t end = 0;
    for (size_t i = 0; i < t->count; i++) {
        mlce_tensor *tensor = &t->items[i];
        if (tensor->begin < end) return bad(t, tensor->name, "overlaps another tensor");
        if (tensor->begin > end) return bad(t, tensor->name, "there is a hole before its bytes");
        end += tensor->count * tensor->size;
        tensor->begin += data_start;
    }
    if (end == data_bytes) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%s: %" PRIu64 " bytes at its end belong to no tensor", t->path,
                     data_bytes - end);
}

static int by_name(const void *left, const void *right) {
    const mlce_tensor *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static mlce_status sort_names(mlce_tensors *t) {
    t->by_name = mlce_calloc(t->count, sizeof *t->by_name);
    if (!t->by_name) return MLCE_E_MEMORY;
    for (size_t i = 0; i < t->count; i++) t->by_name[i] = &t->items[i];
    qsort(t->by_name, t->count, sizeof *t->by_name, by_name);
    return MLCE_OK;
}

static mlce_status take_header(mlce_tensors *t, uint64_t data_start, uint64_t data_bytes) {
    t->items = mlce_calloc(json_object_size(t->header), sizeof *t->items);
    mlce_status status = t->items ? MLCE_OK : MLCE_E_MEMORY;
    const char *name;
    json_t *entry;
    if (!status) json_object_foreach(t->header, name, entry) {
            status = strcmp(name, METADATA) == 0
                         ? check_metadata(t, entry)
                         : take_tensor(t, name, entry, data_bytes, &t->items[t->count++]);
            if (status) break;
        }
    if (!status) status = check_places(t, data_start, data_bytes);
    return status ? status : sort_names(t);
}

/* The header's text, `length` bytes that come next in the file. */
static mlce_status parse_header(mlce_tensors *t, size_t length) {
    char *text = mlce_calloc(length, 1);
    if (!text) return MLCE_E_MEMORY;
    mlce_status status = MLCE_OK;
    json_error_t error = {.text = "it is no object"};
    if (fread(text, 1, length, t->file) != length)
        status = mlce_fail(MLCE_E_IO, "%s: cannot read: %s", t->path, strerror(errno));
    else if (length && text[0] == '{')
        status = mlce_json_parse(text, length, JSON_REJECT_DUPLICATES, &t->header, &error);
    else
        status = MLCE_E_DATA;
    free(text);
    if (status == MLCE_E_DATA)
        mlce_fail(MLCE_E_DATA, "%s: its header is not right JSON: %s", t->path, error.text);
    return status;
}

static mlce_status read_file(mlce_tensors *t) {
    struct stat info;
    unsigned char bytes[LENGTH_BYTES];
    if (fstat(fileno(t->file), &info) || !S_ISREG(info.st_mode))
        return mlce_fail(MLCE_E_IO, "%s: is not a file", t->path);
    uint64_t size = (uint64_t)info.st_size;
    if (size < LENGTH_BYTES || fread(bytes, 1, LENGTH_BYTES, t->file) != LENGTH_BYTES)
        return mlce_fail(MLCE_E_DATA, "%s: is no safetensors file: it has %" PRIu64 " bytes",
                         t->path, size);
    uint64_t length = little_endian(bytes, LENGTH_BYTES);
    if (length > LONGEST_HEADER || length > size - LENGTH_BYTES)
        return mlce_fail(MLCE_E_DATA,
                         "%s: is no safetensors file, or not all of it: its header would have "
                         "%" PRIu64 " bytes, the file has %" PRIu64,
                         t->path, length, size);
    mlce_status status = parse_header(t, (size_t)length);
    uint64_t data_start = LENGTH_BYTES + length;
    return status ? status : take_header(t, data_start, size - data_start);
}

mlce_status mlce_tensors_open(const char *path, mlce_tensors *tensors) {
    *tensors = (mlce_tensors){.path = path, .file = fopen(path, "rb")};
    mlce_status status = tensors->file
                             ? read_file(tensors)
                             : mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    if (status) mlce_tensors_close(tensors);
    return status;
}

void mlce_tensors_close(mlce_tensors *tensors) {
    if (tensors->file) fclose(tensors->file);
    json_decref(tensors->header);
    free(tensors->items);
    free(tensors->by_name);
    *tensors = (mlce_tensors){0};
}

const char *mlce_tensors_metadata(const mlce_tensors *tensors, const char *key) {
    return json_string_value(json_object_get(json_object_get(tensors->header, METADATA), key));
}

const mlce_tensor *mlce_tensors_find(const mlce_tensors *tensors, const char *name) {
    const mlce_tensor wanted = {.name = name}, *key = &wanted;
    const mlce_tensor **found =
        bsearch(&key, tensors->by_name, tensors->count, sizeof key, by_name);
    return found ? *found : NULL;
}

/* ---- Numbers ---- */

enum { CHUNK = 4096 };

/* `count` <= CHUNK numbers from their bytes. */
static void widen(const mlce_tensor *tensor, const unsigned char *bytes, float *values,
                  size_t count) {
    uint16_t halves[CHUNK];
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = little_endian(bytes + i * tensor->size, tensor->size);
        uint32_t single = (uint32_t)bits;
        double number;
        if (tensor->size == 8) {
            memcpy(&number, &bits, sizeof number);
            values[i] = (float)number;
            continue;
        }
        halves[i] = (uint16_t)bits;
        if (tensor->type[0] == 'B') single <<= 16; /* bfloat16: the upper half of a float32 */
        memcpy(&values[i], &single, sizeof single);
    }
    if (strcmp(tensor->type, "F16") == 0) mlce_floats_from_halves(values, halves, count);
}

static mlce_status check_finite(const mlce_tensors *t, const mlce_tensor *tensor,
                                const float *values) {
    for (size_t i = 0; i < tensor->count; i++)
        if (!isfinite(values[i]))
            return mlce_fail(MLCE_E_DATA, "%s: tensor '%s': number %zu is not finite as float32",
                             t->path, tensor->name, i);
    return MLCE_OK;
}

mlce_status mlce_tensors_read(const mlce_tensors *tensors, const mlce_tensor *tensor,
                              float *values) {
    unsigned char bytes[CHUNK * 8];
    if (strcmp(tensor->type, "F64") && strcmp(tensor->type, "F32") && strcmp(tensor->type, "F16") &&
        strcmp(tensor->type, "BF16"))
        return mlce_fail(MLCE_E_DATA, "%s: tensor '%s' is %s: weights are F64, F32, F16 or BF16",
                         tensors->path, tensor->name, tensor->type);
    bool failed = fseeko(tensors->file, (off_t)tensor->begin, SEEK_SET) != 0;
    for (size_t i = 0; i < tensor->count && !failed; i += CHUNK) {
        size_t count = tensor->count - i < CHUNK ? tensor->count - i : CHUNK;
        failed = fread(bytes, tensor->size, count, tensors->file) != count;
        if (!failed) widen(tensor, bytes, values + i, count);
    }
    if (failed)
        return mlce_fail(MLCE_E_IO, "%s: tensor '%s': cannot read: %s", tensors->path, tensor->name,
                         feof(tensors->file) ? "the file has become shorter" : strerror(errno));
    return check_finite(tensors, tensor, values);
}
