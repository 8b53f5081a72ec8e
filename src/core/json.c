/* json.c - JSON that is made and read whole or not at all. */
#include "core/json.h"

#include <errno.h>
#include <stdlib.h>

static void drop(json_t **whole) {
    json_decref(*whole);
    *whole = NULL;
}

void mlce_json_set(json_t **object, const char *key, json_t *value) {
    if (json_object_set_new(*object, key, value)) drop(object);
}

void mlce_json_append(json_t **list, json_t *value) {
    if (json_array_append_new(*list, value)) drop(list);
}

json_t *mlce_json_id(const char *id, bool is_integer) {
    return is_integer ? json_integer(strtoll(id, NULL, 10)) : json_string(id);
}

/* jansson does not say that memory ran out, and blames the text: errno tells. */
static mlce_status check(const json_t *value) {
    if (value) return MLCE_OK;
    return errno == ENOMEM ? mlce_fail(MLCE_E_MEMORY, "out of memory: reading JSON") : MLCE_E_DATA;
}

mlce_status mlce_json_parse(const char *text, size_t length, size_t flags, json_t **value,
                            json_error_t *error) {
    errno = 0;
    *value = json_loadb(text, length, flags, error);
    return check(*value);
}

mlce_status mlce_json_read(FILE *file, size_t flags, json_t **value, json_error_t *error) {
    errno = 0;
    *value = json_loadf(file, flags, error);
    return check(*value);
}
