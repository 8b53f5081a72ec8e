/* config_json.c - configurations as a flat JSON object of strings. */
#include <stdlib.h>
#include <string.h>

#include "core/config_store.h"
#include "core/json.h"

char *mlce_config_to_json(const mlce_config *config) {
    json_t *object = json_object();
    for (size_t i = 0; i < config->count; i++) {
        const mlce_config_entry *entry = &config->entries[i];
        if (mlce_config_has_effect(config, entry, NULL))
            mlce_json_set(&object, entry->name, json_string(entry->value.text));
    }
    return mlce_json_text(object, JSON_SORT_KEYS | JSON_INDENT(2), "a configuration");
}

static mlce_status set_member(mlce_config *config, const char *name, const json_t *value) {
    if (!json_is_string(value))
        return mlce_fail(MLCE_E_CONFIG, "the value of '%s' must be a JSON string, in quotes",
                         mlce_config_show(name).text);
    mlce_status status = mlce_config_set(config, name, json_string_value(value));
    if (!status) mlce_config_find(config, name)->line = 1;
    return status;
}

mlce_status mlce_config_from_json(mlce_config *config, const char *json) {
    json_error_t error;
    json_t *object;
    mlce_status status =
        mlce_json_parse(json, strlen(json), JSON_REJECT_DUPLICATES, &object, &error);
    if (status == MLCE_E_DATA)
        return mlce_fail(MLCE_E_CONFIG, "configuration in JSON: line %d: %s", error.line,
                         error.text);
    if (status) return status;
    mlce_config *copy = NULL;
    if (!json_is_object(object))
        status = mlce_fail(MLCE_E_CONFIG, "configuration in JSON: it must be one object");
    else if (!(copy = mlce_config_copy(config)))
        status = MLCE_E_MEMORY;
    const char *name;
    json_t *value;
    if (!status) json_object_foreach(object, name, value) {
            status = set_member(copy, name, value);
            if (!status) continue;
            mlce_fail_prefix(status, "configuration in JSON: ");
            break;
        }
    if (!status) status = mlce_config_take(config, copy);
    mlce_config_free(copy);
    json_decref(object);
    return status;
}
