/* dataset_paths.c - "train-*.h5, more.h5" to a list of files. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/dataset_parts.h"

typedef struct path_list {
    char **items;
    size_t count, capacity;
} path_list;

static mlce_status append(path_list *list, const char *path) {
    mlce_status status =
        mlce_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    if (status) return status;
    if (!(list->items[list->count] = mlce_strdup(path))) return MLCE_E_MEMORY;
    list->count++;
    return MLCE_OK;
}

/* A file whose name holds * ? or [ is meant itself where it exists. */
static mlce_status expand_one(path_list *list, const char *pattern) {
    if (!strpbrk(pattern, "*?[") || access(pattern, F_OK) == 0) return append(list, pattern);
    glob_t found;
    int result = glob(pattern, 0, NULL, &found);
    if (result == GLOB_NOMATCH) return mlce_fail(MLCE_E_IO, "%s: no file matches", pattern);
    if (result)
        return mlce_fail(result == GLOB_NOSPACE ? MLCE_E_MEMORY : MLCE_E_IO,
                         "%s: cannot list the files that match", pattern);
    mlce_status status = MLCE_OK;
    for (size_t i = 0; i < found.gl_pathc && !status; i++) status = append(list, found.gl_pathv[i]);
    globfree(&found);
    return status;
}

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length && strchr(" \t", text[length - 1])) text[--length] = '\0';
    return text;
}

mlce_status mlce_dataset_expand(const char *paths, char ***items, size_t *count) {
    path_list list = {0};
    mlce_status status = MLCE_OK;
    char *copy = mlce_strdup(paths), *next = copy;
    if (!copy) status = MLCE_E_MEMORY;
    while (next && !status) {
        char *path = trim(strsep(&next, ","));
        status = *path ? expand_one(&list, path)
                       : mlce_fail(MLCE_E_ARGUMENT, "'%s': a path is empty", paths);
    }
    free(copy);
    if (status) {
        while (list.count) free(list.items[--list.count]);
        free(list.items);
        list = (path_list){0};
    }
    *items = list.items;
    *count = list.count;
    return status;
}
