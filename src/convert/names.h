/* names.h - a set of strings that grows, numbered in the order in which they came. */
#ifndef MLCE_CONVERT_NAMES_H
#define MLCE_CONVERT_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "mlce/status.h"

/* {0} is empty. Free with mlce_names_free(). */
typedef struct mlce_names {
    char **items; /* [count] */
    size_t count, capacity;
    uint32_t *slots; /* hash table: number of a name + 1, 0 where free */
    size_t slot_count;
    uint64_t seed; /* of the hashes: whoever chooses the names does not know it */
} mlce_names;

/* The number of `name`, which is added where it is new. */
mlce_status mlce_names_add(mlce_names *names, const char *name, int *number);
/* The number of `name`, or -1. */
int mlce_names_find(const mlce_names *names, const char *name);
/* Sorted by their bytes, and numbered anew. */
void mlce_names_sort(mlce_names *names);
void mlce_names_free(mlce_names *names);

#endif
