/* metadata.c - what an exported model says of itself beside its weights. */
#include "export/metadata.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"

/* Takes over `value`, and sets its text under `key`. */
static void set_json(json_t **object, const char *key, json_t *value) {
    char *text = mlce_json_text(value, JSON_COMPACT | JSON_REAL_PRECISION(9), key);
    mlce_json_set(object, key, text ? json_string(text) : NULL);
    free(text);
}

static void set_types(json_t **object, const mlce_model *model) {
    json_t *types = json_array();
    for (int a = 0; a < mlce_model_types(model); a++)
        mlce_json_append(&types, json_string(mlce_model_type_names(model)[a]));
    set_json(object, "types", types);
}

static void set_thresholds(json_t **object, mlce_model *model) {
    if (!mlce_model_has_thresholds(model)) return;
    json_t *thresholds = json_array();
    for (int a = 0; a < mlce_model_types(model); a++)
        mlce_json_append(&thresholds, json_real((double)mlce_model_thresholds(model)[a]));
    set_json(object, "thresholds", thresholds);
}

static void set_calibration(json_t **object, const mlce_model *model) {
    mlce_calibration calibration = mlce_model_calibration(model);
    if (!(calibration.slope > 0)) return;
    set_json(object, "calibration",
             json_pack("[f, f]", (double)calibration.slope, (double)calibration.intercept));
}

json_t *mlce_export_metadata(mlce_model *model) {
    bool labels = mlce_model_task(model) == MLCE_TASK_LABELS;
    char width[16], input[16], *config = mlce_config_to_json(mlce_model_config(model));
    snprintf(width, sizeof width, "%d", mlce_model_width(model));
    snprintf(input, sizeof input, "%d", mlce_model_input_width(model));
    json_t *object = config
                         ? json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", "mlce",
                                     "version", MLCE_VERSION, "task", labels ? "labels" : "spans",
                                     "config", config, "width", width, "input_width", input,
                                     "embedding", mlce_model_embedding(model))
                         : NULL;
    free(config);
    set_types(&object, model);
    set_thresholds(&object, model);
    set_calibration(&object, model);
    return object;
}
