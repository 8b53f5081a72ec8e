/* dataset_check.c - the rules that a reader and a writer of datasets share. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/dataset_parts.h"

mlce_status mlce_check_offsets(const char *name, const int64_t *offsets, size_t count, int64_t end,
                               const char *of) {
    if (count == 0)
        return mlce_fail(MLCE_E_DATA,
                         "%s: is empty, but must begin with 0 even where it ends there", name);
    if (offsets[0] != 0)
        return mlce_fail(MLCE_E_DATA, "%s: begins with %lld, must begin with 0", name,
                         (long long)offsets[0]);
    for (size_t i = 1; i < count; i++)
        if (offsets[i] < offsets[i - 1])
            return mlce_fail(MLCE_E_DATA,
                             "%s: item %zu is %lld, less than the %lld before it: "
                             "offsets must not fall",
                             name, i, (long long)offsets[i], (long long)offsets[i - 1]);
    if (offsets[count - 1] != end)
        return mlce_fail(MLCE_E_DATA,
                         "%s: the last item (%zu) is %lld, but %s has %lld rows: they "
                         "must be equal",
                         name, count - 1, (long long)offsets[count - 1], of, (long long)end);
    return MLCE_OK;
}

mlce_status mlce_check_span(const int64_t span[3], int64_t length, int types) {
    long long start = span[0], end = span[1], type = span[2];
    if (start < 0) return mlce_fail(MLCE_E_DATA, "starts at %lld, before the sequence", start);
    if (end <= start)
        return mlce_fail(MLCE_E_DATA,
                         "start %lld, end %lld: is empty (the end is the first token behind it: "
                         "token i alone is i, i+1)",
                         start, end);
    if (end > length)
        return mlce_fail(MLCE_E_DATA, "start %lld, end %lld: runs past the sequence's %lld tokens",
                         start, end, (long long)length);
    if (type < 0 || type >= types)
        return mlce_fail(MLCE_E_DATA, "has the unknown type %lld: there are %d types, from 0", type,
                         types);
    return MLCE_OK;
}

static int compare_spans(const void *left, const void *right) {
    const mlce_span *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

/* The number of the second span that equals `twin`. */
static int second_of(const mlce_span *spans, int count, const mlce_span *twin) {
    int seen = 0;
    for (int i = 0; i < count; i++)
        if (compare_spans(&spans[i], twin) == 0 && seen++) return i;
    return count;
}

mlce_status mlce_check_spans_differ(mlce_span_checker *checker, const mlce_span *spans, int count,
                                    int *again) {
    int i = 1;
    while (i < count && compare_spans(&spans[i - 1], &spans[i]) < 0) i++;
    if (i >= count) return MLCE_OK; /* rising: none is twice */
    mlce_status status = mlce_grow((void **)&checker->sorted, &checker->capacity, (size_t)count,
                                   sizeof *checker->sorted);
    if (status) return status;
    memcpy(checker->sorted, spans, (size_t)count * sizeof *spans);
    qsort(checker->sorted, (size_t)count, sizeof *spans, compare_spans);
    for (i = 1; i < count; i++) {
        const mlce_span *twin = &checker->sorted[i];
        if (compare_spans(twin - 1, twin) < 0) continue;
        *again = second_of(spans, count, twin);
        return mlce_fail(MLCE_E_DATA, "start %d, end %d, type %d: stands twice in the sequence",
                         (int)twin->start, (int)twin->end, (int)twin->type);
    }
    return MLCE_OK;
}

mlce_status mlce_check_weight(float weight) {
    if (weight > 0 && weight <= 1) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "the weight is %g, must be over 0 and at most 1", (double)weight);
}

int64_t mlce_utf8_length(const char *text) {
    int64_t length = 0;
    const utf8proc_uint8_t *next = (const utf8proc_uint8_t *)text;
    while (*next) {
        utf8proc_int32_t code_point;
        utf8proc_ssize_t size = utf8proc_iterate(next, -1, &code_point);
        if (size <= 0) return -1;
        next += size;
        length++;
    }
    return length;
}

/* A block is tested as a whole, in vectors; only a bad one is searched. */
#define FIND_NOT_FINITE(name, type, is_bad)                                                        \
    static size_t name(const type *values, size_t count) {                                         \
        enum { BLOCK = 1024 };                                                                     \
        for (size_t first = 0; first < count; first += BLOCK) {                                    \
            size_t end = count - first < BLOCK ? count : first + BLOCK;                            \
            int bad = 0;                                                                           \
            for (size_t i = first; i < end; i++) bad |= is_bad(values[i]);                         \
            for (size_t i = first; bad && i < end; i++)                                            \
                if (is_bad(values[i])) return i;                                                   \
        }                                                                                          \
        return count;                                                                              \
    }

#define HALF_IS_BAD(x)   (((x)&0x7C00) == 0x7C00)
#define FLOAT_IS_BAD(x)  (((x)&0x7F800000u) == 0x7F800000u)
#define DOUBLE_IS_BAD(x) (!isfinite((float)(x)))

FIND_NOT_FINITE(find_in_halves, uint16_t, HALF_IS_BAD)
FIND_NOT_FINITE(find_in_doubles, double, DOUBLE_IS_BAD)

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#define FLOAT_VALUE_IS_BAD(x) FLOAT_IS_BAD(bits_of(x))
FIND_NOT_FINITE(find_in_floats, float, FLOAT_VALUE_IS_BAD)

size_t mlce_find_not_finite(const void *values, size_t count, mlce_precision precision) {
    switch (precision) {
    case MLCE_FLOAT16:
        return find_in_halves(values, count);
    case MLCE_FLOAT32:
        return find_in_floats(values, count);
    default:
        return find_in_doubles(values, count);
    }
}
