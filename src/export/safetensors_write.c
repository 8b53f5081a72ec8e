/* safetensors.c - weights in a safetensors file: the length of a JSON header as a 64-bit
 * little-endian number, the header (padded with spaces to a multiple of 8), and the numbers of all
 * tensors, in the order of their names, without holes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "export/formats.h"
#include "export/metadata.h"

static int by_name(const void *left, const void *right) {
    const mlce_parameter *a = *(const mlce_parameter *const *)left;
    const mlce_parameter *b = *(const mlce_parameter *const *)right;
    return strcmp(a->name, b->name);
}

/* The parameters in the order of their names; *count of them, on the heap. */
static const mlce_parameter **sorted_parameters(mlce_model *model, size_t *count) {
    const mlce_parameters *parameters = mlce_model_parameters(model);
    *count = (size_t)mlce_parameters_count(parameters);
    const mlce_parameter **sorted = mlce_calloc(*count, sizeof *sorted);
    for (size_t p = 0; sorted && p < *count; p++)
        sorted[p] = mlce_parameters_at(parameters, (int)p);
    if (sorted) qsort(sorted, *count, sizeof *sorted, by_name);
    return sorted;
}

static size_t bytes_of(const mlce_parameter *parameter) {
    return (size_t)parameter->rows * (size_t)parameter->cols * sizeof(float);
}

/* The header's text, on the heap; NULL when out of memory. A bias [1, n] is a vector [n], as
   other programs have it. */
static char *header_text(mlce_model *model, const mlce_parameter *const *sorted, size_t count) {
    json_t *header = json_object();
    mlce_json_set(&header, "__metadata__", mlce_export_metadata(model));
    size_t start = 0;
    for (size_t p = 0; p < count; p++) {
        size_t end = start + bytes_of(sorted[p]);
        json_t *shape = sorted[p]->rows == 1
                            ? json_pack("[i]", sorted[p]->cols)
                            : json_pack("[i, i]", sorted[p]->rows, sorted[p]->cols);
        mlce_json_set(&header, sorted[p]->name,
                      json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                                "data_offsets", (json_int_t)start, (json_int_t)end));
        start = end;
    }
    return mlce_json_text(header, JSON_COMPACT, "the header");
}

static bool write_numbers(FILE *file, const float *values, size_t count) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return fwrite(values, sizeof *values, count, file) == count;
#else
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (int shift = 0; shift < 32; shift += 8)
            if (putc((int)(bits >> shift & 0xFF), file) == EOF) return false;
    }
    return true;
#endif
}

static bool write_all(FILE *file, const char *header, const mlce_parameter *const *sorted,
                      size_t count) {
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    for (int shift = 0; shift < 64; shift += 8)
        if (putc((int)((uint64_t)padded >> shift & 0xFF), file) == EOF) return false;
    if (fprintf(file, "%s%*s", header, (int)(padded - length), "") < 0) return false;
    for (size_t p = 0; p < count; p++)
        if (!write_numbers(file, sorted[p]->value, bytes_of(sorted[p]) / sizeof(float)))
            return false;
    return true;
}

mlce_status mlce_export_safetensors(mlce_model *model, const char *part, const char *path) {
    size_t count;
    const mlce_parameter **sorted = sorted_parameters(model, &count);
    char *header = sorted ? header_text(model, sorted, count) : NULL;
    mlce_status status = header ? MLCE_OK : mlce_fail(MLCE_E_MEMORY, "%s: out of memory", path);
    FILE *file = header ? fopen(part, "wb") : NULL;
    if (header) {
        bool failed = !file || !write_all(file, header, sorted, count);
        if (file && fclose(file)) failed = true;
        if (failed) status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    }
    free(header);
    free(sorted);
    return status;
}
