/* import.c - a model with the weights of a safetensors file. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/lines.h"
#include "data/dataset_parts.h"
#include "export/misfit.h"
#include "export/safetensors.h"
#include "mlce/export.h"
#include "model/parts.h"

/* ---- Types, from the metadata, a dataset or a text file ---- */

typedef struct names {
    char **items;
    size_t count, capacity;
} names;

static void free_names(names *list) {
    for (size_t i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
}

static mlce_status add_name(names *list, const char *name) {
    mlce_status status =
        mlce_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    if (status) return status;
    list->items[list->count] = mlce_strdup(name);
    return list->items[list->count++] ? MLCE_OK : MLCE_E_MEMORY;
}

/* A list in a text of the metadata; NULL (message set) where it is none. */
static json_t *parse_list(const mlce_tensors *t, const char *key) {
    const char *text = mlce_tensors_metadata(t, key);
    json_error_t error;
    json_t *list;
    mlce_status status = mlce_json_parse(text, strlen(text), JSON_REJECT_DUPLICATES, &list, &error);
    if (json_is_array(list)) return list;
    json_decref(list);
    if (status != MLCE_E_MEMORY)
        mlce_fail(MLCE_E_DATA, "%s: metadata: %s is no JSON array", t->path, key);
    return NULL;
}

static mlce_status names_from_metadata(const mlce_tensors *t, names *list) {
    if (!mlce_tensors_metadata(t, "types"))
        return mlce_fail(MLCE_E_DATA,
                         "%s: its metadata names no types: give a file with them, one a line, or "
                         "the dataset it was trained on (--types)",
                         t->path);
    json_t *array = parse_list(t, "types");
    if (!array) return MLCE_E_DATA;
    mlce_status status = MLCE_OK;
    for (size_t i = 0; i < json_array_size(array) && !status; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        status = name ? add_name(list, name)
                      : mlce_fail(MLCE_E_DATA, "%s: metadata: type %zu is no text", t->path, i);
    }
    json_decref(array);
    return status;
}

static mlce_status names_from_text(FILE *file, const char *path, names *list) {
    mlce_lines lines = {.file = file, .name = path};
    char *line;
    mlce_status status;
    while (!(status = mlce_lines_next(&lines, &line)) && line)
        if ((status = add_name(list, line))) break;
    mlce_lines_free(&lines);
    return status;
}

static mlce_status names_from_dataset(const char *path, names *list) {
    mlce_dataset *dataset = NULL;
    mlce_dataset_options options = {0};
    mlce_status status = mlce_dataset_open(path, &options, &dataset);
    for (int a = 0; !status && a < mlce_dataset_types(dataset); a++)
        status = add_name(list, mlce_dataset_type_name(dataset, a));
    mlce_dataset_close(dataset);
    return status;
}

static mlce_status names_from_file(const char *path, names *list) {
    static const char HDF5[8] = "\x89HDF\r\n\x1a\n";
    char start[sizeof HDF5];
    FILE *file = fopen(path, "rb");
    if (!file) return mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    bool is_dataset = fread(start, 1, sizeof start, file) == sizeof start &&
                      memcmp(start, HDF5, sizeof HDF5) == 0;
    rewind(file);
    mlce_status status =
        is_dataset ? names_from_dataset(path, list) : names_from_text(file, path, list);
    fclose(file);
    return status;
}

static mlce_status take_names(const mlce_tensors *t, const char *path, names *list) {
    mlce_status status = path ? names_from_file(path, list) : names_from_metadata(t, list);
    if (status) return status;
    status = mlce_check_type_names((const char *const *)list->items, list->count);
    if (status) mlce_fail_prefix(status, "%s: ", path ? path : t->path);
    return status;
}

/* ---- Weights ---- */

static mlce_status read_weights(const mlce_tensors *t, mlce_model *model) {
    const mlce_parameters *parameters = mlce_model_parameters(model);
    mlce_status status = MLCE_OK;
    for (int p = 0; p < mlce_parameters_count(parameters) && !status; p++) {
        mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        status = mlce_tensors_read(t, mlce_tensors_find(t, parameter->name), parameter->value);
    }
    return status;
}

static mlce_status read_thresholds(const mlce_tensors *t, mlce_model *model) {
    if (!mlce_tensors_metadata(t, "thresholds") || !mlce_model_has_thresholds(model))
        return MLCE_OK;
    json_t *array = parse_list(t, "thresholds");
    if (!array) return MLCE_E_DATA;
    size_t types = (size_t)mlce_model_types(model);
    bool right = json_array_size(array) == types;
    for (size_t a = 0; a < types && right; a++) {
        const json_t *number = json_array_get(array, a);
        mlce_model_thresholds(model)[a] = (float)json_number_value(number);
        right = json_is_number(number) && isfinite(mlce_model_thresholds(model)[a]);
    }
    json_decref(array);
    return right ? MLCE_OK
                 : mlce_fail(MLCE_E_DATA, "%s: metadata: thresholds are not %zu numbers", t->path,
                             types);
}

static mlce_status read_calibration(const mlce_tensors *t, mlce_model *model) {
    if (!mlce_tensors_metadata(t, "calibration")) return MLCE_OK;
    json_t *array = parse_list(t, "calibration");
    if (!array) return MLCE_E_DATA;
    mlce_calibration calibration = {
        .slope = (float)json_number_value(json_array_get(array, 0)),
        .intercept = (float)json_number_value(json_array_get(array, 1)),
    };
    bool right = json_array_size(array) == 2 && json_is_number(json_array_get(array, 0)) &&
                 json_is_number(json_array_get(array, 1)) && isfinite(calibration.slope) &&
                 calibration.slope > 0 && isfinite(calibration.intercept);
    json_decref(array);
    if (!right)
        return mlce_fail(MLCE_E_DATA,
                         "%s: metadata: calibration is not [slope, intercept] with a slope over 0",
                         t->path);
    mlce_model_set_calibration(model, calibration);
    return MLCE_OK;
}

static mlce_status import_model(const mlce_tensors *t, const mlce_config *config,
                                const names *types, mlce_model **model) {
    const char *const *items = (const char *const *)types->items;
    const char *embedding = mlce_tensors_metadata(t, "embedding");
    int width = 0;
    mlce_status status = mlce_find_width(t, config, items, (int)types->count, &width);
    if (!status) status = mlce_model_new(config, width, items, (int)types->count, model);
    if (!status) status = read_weights(t, *model);
    if (!status) status = read_thresholds(t, *model);
    if (!status) status = read_calibration(t, *model);
    if (!status && embedding) status = mlce_model_set_embedding(*model, embedding);
    return status;
}

mlce_status mlce_import(const char *path, const mlce_config *config, const char *types,
                        mlce_model **model) {
    *model = NULL;
    mlce_tensors tensors;
    names list = {0};
    mlce_status status = mlce_tensors_open(path, &tensors);
    if (status) return status;
    status = take_names(&tensors, types, &list);
    if (!status) status = import_model(&tensors, config, &list, model);
    if (status) {
        mlce_model_free(*model);
        *model = NULL;
    }
    free_names(&list);
    mlce_tensors_close(&tensors);
    return status;
}

mlce_status mlce_import_config(const char *path, mlce_config *config) {
    mlce_tensors tensors;
    mlce_status status = mlce_tensors_open(path, &tensors);
    if (status) return status;
    const char *json = mlce_tensors_metadata(&tensors, "config");
    if (!json)
        status = mlce_fail(MLCE_E_DATA,
                           "%s: its metadata has no config: give the model's configuration "
                           "(--config)",
                           path);
    else if ((status = mlce_config_from_json(config, json)))
        mlce_fail_prefix(status, "%s: metadata: ", path);
    mlce_tensors_close(&tensors);
    return status;
}
