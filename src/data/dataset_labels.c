/* dataset_labels.c - the labels of items, and their weights. */
#include <limits.h>
#include <stdlib.h>

#include "data/dataset_parts.h"

/* A label on its way into order. */
typedef struct label {
    mlce_span span;
    float weight;
    int64_t row; /* in the file */
} label;

/* Room for the labels of an item. */
typedef struct sorter {
    label *labels;
    size_t capacity;
} sorter;

static int compare_labels(const void *left, const void *right) {
    const label *a = left, *b = right;
    if (a->span.type != b->span.type) return a->span.type < b->span.type ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Sorts gold[first .. first + count - 1]; *twice gets the number within them, before sorting, of
   the second of two equal ones, or -1. */
static mlce_status sort_item(mlce_dataset *dataset, int64_t first, int64_t count, sorter *s,
                             int64_t *twice) {
    mlce_span *gold = dataset->gold + first;
    float *weights = dataset->gold_weights ? dataset->gold_weights + first : NULL;
    int64_t i = 1;
    *twice = -1;
    while (i < count && gold[i - 1].type < gold[i].type) i++;
    if (i >= count) return MLCE_OK; /* they are in order, and differ */
    mlce_status status =
        mlce_grow((void **)&s->labels, &s->capacity, (size_t)count, sizeof *s->labels);
    if (status) return status;
    for (i = 0; i < count; i++) s->labels[i] = (label){gold[i], weights ? weights[i] : 1, i};
    qsort(s->labels, (size_t)count, sizeof *s->labels, compare_labels);
    for (i = 0; i < count; i++) {
        gold[i] = s->labels[i].span;
        if (weights) weights[i] = s->labels[i].weight;
        if (i && gold[i].type == gold[i - 1].type && *twice < 0) *twice = s->labels[i].row;
    }
    return MLCE_OK;
}

mlce_status mlce_dataset_sort_labels(mlce_dataset *dataset) {
    sorter s = {0};
    mlce_status status = MLCE_OK;
    for (int64_t i = 0; i < dataset->sequences && !status; i++) {
        int64_t twice, first = dataset->span_offsets[i];
        status = sort_item(dataset, first, dataset->span_offsets[i + 1] - first, &s, &twice);
    }
    free(s.labels);
    return status;
}

/* ---- Reading ---- */

static mlce_status name_label(mlce_status status, const mlce_dataset_file *file, int64_t item,
                              int64_t number, int64_t row, const char *dataset) {
    return mlce_fail_prefix(status, "%s: item %lld, label %lld (row %lld of %s): ", file->path,
                            (long long)item, (long long)number, (long long)row, dataset);
}

/* Labels first .. end - 1 of the file, of its item i, go to gold[first..]. */
static mlce_status add_labels(mlce_dataset *dataset, const mlce_dataset_file *file, int64_t i,
                              const int64_t *items, int64_t first, int64_t end, const int *types,
                              sorter *s) {
    mlce_span *gold = dataset->gold + dataset->spans;
    const float *weights = dataset->gold_weights ? dataset->gold_weights + dataset->spans : NULL;
    if (end - first > INT_MAX)
        return mlce_fail(MLCE_E_DATA, "%s: /labels/offsets: item %lld has more than %d labels",
                         file->path, (long long)i, INT_MAX);
    for (int64_t n = first; n < end; n++) {
        if (items[n] < 0 || items[n] >= dataset->type_count)
            return name_label(mlce_fail(MLCE_E_DATA,
                                        "%lld is out of range: there are %d labels, "
                                        "from 0",
                                        (long long)items[n], dataset->type_count),
                              file, i, n - first, n, "/labels/items");
        if (weights && mlce_check_weight(weights[n]))
            return name_label(MLCE_E_DATA, file, i, n - first, n, "/labels/weights");
        gold[n] = (mlce_span){0, 1, types[items[n]]};
    }
    int64_t twice;
    mlce_status status = sort_item(dataset, dataset->spans + first, end - first, s, &twice);
    if (status || twice < 0) return status;
    return name_label(
        mlce_fail(MLCE_E_DATA, "%lld stands twice in the item", (long long)items[first + twice]),
        file, i, twice, first + twice, "/labels/items");
}

/* Makes room for the weights of the file's `total` labels. Where any file has some, labels without
   have 1. */
static mlce_status read_weights(mlce_dataset *dataset, const mlce_dataset_file *file,
                                int64_t total) {
    const char *name = file->layout->gold_weights;
    bool has_weights, is_first = !dataset->gold_weights;
    mlce_status status = mlce_h5_find(&file->h5, name, &has_weights);
    if (status || (!has_weights && is_first)) return status;
    float *values = NULL;
    mlce_h5_shape shape;
    if (has_weights) status = mlce_h5_read_floats(&file->h5, name, &values, &shape);
    if (!status && has_weights && (shape.rank != 1 || (int64_t)shape.size[0] != total))
        status =
            mlce_fail(MLCE_E_DATA, "%s: %s: must be a list of %lld numbers, one for each of %s",
                      file->path, name, (long long)total, file->layout->gold_items);
    if (!status)
        status = mlce_grow((void **)&dataset->gold_weights, &dataset->weights_capacity,
                           (size_t)(dataset->spans + total) + 1, sizeof *dataset->gold_weights);
    if (!status) {
        float *weights = dataset->gold_weights;
        for (int64_t n = 0; n < dataset->spans && is_first; n++) weights[n] = 1;
        for (int64_t n = 0; n < total; n++) weights[dataset->spans + n] = values ? values[n] : 1;
    }
    free(values);
    return status;
}

mlce_status mlce_dataset_read_labels(mlce_dataset *dataset, mlce_dataset_file *file,
                                     const int *types) {
    int64_t *items, *offsets = NULL;
    mlce_h5_shape shape;
    sorter s = {0};
    mlce_status status = mlce_h5_read_integers(&file->h5, file->layout->gold_items, &items, &shape);
    if (status) return status;
    int64_t total = (int64_t)shape.count;
    if (shape.rank != 1)
        status =
            mlce_fail(MLCE_E_DATA, "%s: /labels/items: must be a list of integers", file->path);
    if (!status) status = mlce_read_gold_offsets(file, total, &offsets);
    if (!status) status = mlce_dataset_grow_gold(dataset, file, offsets);
    if (!status) status = read_weights(dataset, file, total);
    for (int64_t i = 0; i < file->sequences && !status; i++)
        status = add_labels(dataset, file, i, items, offsets[i], offsets[i + 1], types, &s);
    if (!status) dataset->spans += total;
    free(s.labels);
    free(offsets);
    free(items);
    return status;
}
