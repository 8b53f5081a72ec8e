/* label_names.c - the names of tags that a file gives as numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/convert.h"
#include "core/json.h"
#include "core/lines.h"

static mlce_status add(mlce_names *names, const char *name, const char *where) {
    int number;
    size_t count = names->count;
    mlce_status status = mlce_names_add(names, name, &number);
    if (status || names->count > count) return status;
    return mlce_fail(MLCE_E_DATA, "%s: the tag '%s' stands twice", where, name);
}

/* The first list of strings under the key "names", at any depth; jansson bounds the depth. */
static const json_t *find_names(json_t *value) {
    const char *key;
    json_t *member;
    size_t i;
    const json_t *found = NULL;
    json_t *names = json_object_get(value, "names");
    if (json_is_string(json_array_get(names, 0))) return names;
    json_object_foreach(value, key, member) if (!found) found = find_names(member);
    json_array_foreach(value, i, member) if (!found) found = find_names(member);
    return found;
}

static mlce_status read_json(FILE *file, const char *path, mlce_names *names) {
    json_error_t error;
    json_t *root;
    mlce_status status = mlce_json_read(file, 0, &root, &error);
    if (status == MLCE_E_DATA)
        return mlce_fail(MLCE_E_DATA, "%s:%d: is not JSON: %s", path, error.line, error.text);
    if (status) return status;
    const json_t *list = json_is_array(root) ? root : find_names(root);
    for (size_t i = 0; i < json_array_size(list) && !status; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        status = name ? add(names, name, path)
                      : mlce_fail(MLCE_E_DATA, "%s: name %zu is no string", path, i);
    }
    json_decref(root);
    return status;
}

static mlce_status read_lines(FILE *file, const char *path, mlce_names *names) {
    mlce_lines lines = {.file = file, .name = path};
    char *line;
    mlce_status status;
    while (!(status = mlce_lines_next(&lines, &line)) && line)
        if (*line && (status = add(names, line, path))) break;
    mlce_lines_free(&lines);
    return status;
}

static mlce_status read_list(const char *list, mlce_names *names) {
    char *copy = mlce_strdup(list), *rest = copy;
    if (!copy) return MLCE_E_MEMORY;
    mlce_status status = MLCE_OK;
    for (char *name; !status && (name = strsep(&rest, ","));) status = add(names, name, "--labels");
    free(copy);
    return status;
}

mlce_status mlce_label_names_read(const char *what, mlce_names *names) {
    if (strchr(what, ',') || access(what, F_OK)) return read_list(what, names);
    FILE *file = fopen(what, "rb");
    if (!file) return mlce_fail(MLCE_E_IO, "%s: cannot open: %s", what, strerror(errno));
    int c = getc(file);
    ungetc(c, file);
    mlce_status status =
        c == '{' || c == '[' ? read_json(file, what, names) : read_lines(file, what, names);
    fclose(file);
    if (status || names->count) return status;
    return mlce_fail(MLCE_E_DATA, "%s: names no tags: one a line, or JSON with a list \"names\"",
                     what);
}
