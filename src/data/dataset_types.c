/* dataset_types.c - entity types: reading them, and bringing them into another's order. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_parts.h"

/* A name with its number, for sorting and searching. */
typedef struct named {
    const char *name;
    int id;
} named;

static int compare_named(const void *left, const void *right) {
    return strcmp(((const named *)left)->name, ((const named *)right)->name);
}

static named *sort_names(const char *const *names, size_t count) {
    named *sorted = mlce_calloc(count, sizeof *sorted);
    if (!sorted) return NULL;
    for (size_t i = 0; i < count; i++) sorted[i] = (named){names[i], (int)i};
    qsort(sorted, count, sizeof *sorted, compare_named);
    return sorted;
}

mlce_status mlce_check_type_names(const char *const *names, size_t count) {
    if (count == 0) return mlce_fail(MLCE_E_DATA, "/types: is empty, must name at least one type");
    if (count > INT_MAX) return mlce_fail(MLCE_E_DATA, "/types: has too many types (%zu)", count);
    for (size_t i = 0; i < count; i++) {
        if (!names[i][0]) return mlce_fail(MLCE_E_DATA, "/types: the name of type %zu is empty", i);
        if (mlce_utf8_length(names[i]) < 0)
            return mlce_fail(MLCE_E_DATA, "/types: the name of type %zu is not UTF-8", i);
    }
    named *sorted = sort_names(names, count);
    if (!sorted) return MLCE_E_MEMORY;
    mlce_status status = MLCE_OK;
    for (size_t i = 1; i < count && !status; i++)
        if (compare_named(&sorted[i - 1], &sorted[i]) == 0)
            status = mlce_fail(MLCE_E_DATA, "/types: types %d and %d are both named '%s'",
                               sorted[i - 1].id < sorted[i].id ? sorted[i - 1].id : sorted[i].id,
                               sorted[i - 1].id < sorted[i].id ? sorted[i].id : sorted[i - 1].id,
                               sorted[i].name);
    free(sorted);
    return status;
}

/* map[i] = the number of from[i] among to[], or -1; *missing gets the first i without one, or -1.
 */
static mlce_status map_names(const char *const *from, int from_count, const char *const *to,
                             int to_count, int *map, int *missing) {
    named *sorted = sort_names(to, (size_t)to_count);
    if (!sorted) return MLCE_E_MEMORY;
    *missing = -1;
    for (int i = 0; i < from_count; i++) {
        named wanted = {from[i], 0};
        const named *found =
            bsearch(&wanted, sorted, (size_t)to_count, sizeof *sorted, compare_named);
        map[i] = found ? found->id : -1;
        if (!found && *missing < 0) *missing = i;
    }
    free(sorted);
    return MLCE_OK;
}

static void free_names(char **names, int count) {
    for (int i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

static char **copy_names(const char *const *names, int count) {
    char **copy = mlce_calloc((size_t)count, sizeof *copy);
    for (int i = 0; copy && i < count; i++) {
        if ((copy[i] = mlce_strdup(names[i]))) continue;
        free_names(copy, count);
        return NULL;
    }
    return copy;
}

/* Both have the same names if they have as many and each of the file's is the dataset's. */
static mlce_status match_file(const mlce_dataset *dataset, const mlce_dataset_file *file,
                              const char *const *names, int count, int *map) {
    const char *const *ours = (const char *const *)dataset->types;
    int missing;
    mlce_status status = map_names(names, count, ours, dataset->type_count, map, &missing);
    if (status) return status;
    if (missing >= 0)
        return mlce_fail(MLCE_E_DATA,
                         "%s: /types: the type '%s' is not in %s: files that are read together "
                         "must have the same types",
                         file->path, names[missing], dataset->files[0].path);
    if (count == dataset->type_count) return MLCE_OK;
    int *back = mlce_calloc((size_t)dataset->type_count, sizeof *back);
    if (!back) return MLCE_E_MEMORY;
    status = map_names(ours, dataset->type_count, names, count, back, &missing);
    free(back);
    if (status) return status;
    return mlce_fail(MLCE_E_DATA,
                     "%s: /types: lacks the type '%s' of %s: files that are read together must "
                     "have the same types",
                     file->path, ours[missing < 0 ? 0 : missing], dataset->files[0].path);
}

mlce_status mlce_dataset_add_types(mlce_dataset *dataset, const mlce_dataset_file *file,
                                   int **map) {
    mlce_h5_strings read;
    *map = NULL;
    mlce_status status = mlce_h5_read_strings(&file->h5, "/types", &read);
    if (status) return status;
    const char *const *names = (const char *const *)read.items;
    status = mlce_check_type_names(names, read.count);
    int count = (int)read.count;
    if (status == MLCE_E_DATA) mlce_fail_prefix(status, "%s: ", file->path);
    if (!status && !dataset->types) {
        dataset->type_count = count;
        if (!(dataset->types = copy_names(names, count))) status = MLCE_E_MEMORY;
    }
    if (!status && !(*map = mlce_calloc(read.count, sizeof **map))) status = MLCE_E_MEMORY;
    if (!status) status = match_file(dataset, file, names, count, *map);
    mlce_h5_strings_free(&read);
    if (status) {
        free(*map);
        *map = NULL;
    }
    return status;
}

mlce_status mlce_dataset_match_types(mlce_dataset *dataset, const char *const *names, int count,
                                     const char *whose) {
    int missing = -1;
    char **copy = copy_names(names, count);
    int *map = mlce_calloc((size_t)dataset->type_count, sizeof *map);
    mlce_status status = MLCE_E_MEMORY;
    if (copy && map)
        status = map_names((const char *const *)dataset->types, dataset->type_count, names, count,
                           map, &missing);
    if (!status && missing >= 0)
        status = mlce_fail(MLCE_E_DATA,
                           "%s: the type '%s' is not one of %s: take it out of the file, rename "
                           "it, or train with it",
                           dataset->name, dataset->types[missing], whose);
    if (!status) {
        for (int64_t i = 0; i < dataset->spans; i++)
            dataset->gold[i].type = map[dataset->gold[i].type];
        char **old = dataset->types;
        int old_count = dataset->type_count;
        dataset->types = copy;
        dataset->type_count = count;
        copy = old;
        count = old_count;
        if (dataset->task == MLCE_TASK_LABELS) status = mlce_dataset_sort_labels(dataset);
    }
    free_names(copy, count);
    free(map);
    return status;
}
