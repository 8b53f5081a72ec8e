/* names.c - a set of strings that grows: open addressing, at most half full. */
#include "convert/names.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mix.h"
#include "mlce/memory.h"

enum { FIRST_SLOTS = 64 };

/* Another in each process, of the time and of where the system put the memory. */
static uint64_t make_seed(const void *memory) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return mlce_mix((uint64_t)now.tv_nsec ^
                    mlce_mix((uint64_t)now.tv_sec ^ mlce_mix((uintptr_t)memory)));
}

/* FNV-1a from the seed on. */
static uint64_t hash_of(uint64_t seed, const char *name) {
    uint64_t hash = seed;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    return mlce_mix(hash);
}

/* The slot that holds `name`, or the free one where it belongs. */
static size_t slot_of(const mlce_names *names, const char *name) {
    size_t mask = names->slot_count - 1, slot = (size_t)hash_of(names->seed, name) & mask;
    while (names->slots[slot] && strcmp(names->items[names->slots[slot] - 1], name))
        slot = (slot + 1) & mask;
    return slot;
}

static void fill_slots(mlce_names *names) {
    memset(names->slots, 0, names->slot_count * sizeof *names->slots);
    for (size_t i = 0; i < names->count; i++)
        names->slots[slot_of(names, names->items[i])] = (uint32_t)(i + 1);
}

static mlce_status grow_slots(mlce_names *names) {
    size_t count = names->slot_count ? 2 * names->slot_count : FIRST_SLOTS;
    uint32_t *slots = mlce_calloc(count, sizeof *slots);
    if (!slots) return MLCE_E_MEMORY;
    if (!names->slots) names->seed = make_seed(slots);
    free(names->slots);
    names->slots = slots;
    names->slot_count = count;
    fill_slots(names);
    return MLCE_OK;
}

int mlce_names_find(const mlce_names *names, const char *name) {
    return names->slot_count ? (int)names->slots[slot_of(names, name)] - 1 : -1;
}

mlce_status mlce_names_add(mlce_names *names, const char *name, int *number) {
    *number = mlce_names_find(names, name);
    if (*number >= 0) return MLCE_OK;
    if (names->count >= INT_MAX / 2)
        return mlce_fail(MLCE_E_MEMORY, "more than %zu different names", names->count);
    mlce_status status = MLCE_OK;
    if (2 * (names->count + 1) > names->slot_count) status = grow_slots(names);
    if (!status)
        status = mlce_grow((void **)&names->items, &names->capacity, names->count + 1,
                           sizeof *names->items);
    char *copy = status ? NULL : mlce_strdup(name);
    if (!copy) return MLCE_E_MEMORY;
    size_t slot = slot_of(names, name);
    names->items[names->count++] = copy;
    names->slots[slot] = (uint32_t)names->count;
    *number = (int)names->count - 1;
    return MLCE_OK;
}

static int compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void mlce_names_sort(mlce_names *names) {
    if (!names->count) return;
    qsort(names->items, names->count, sizeof *names->items, compare);
    fill_slots(names);
}

void mlce_names_free(mlce_names *names) {
    for (size_t i = 0; i < names->count; i++) free(names->items[i]);
    free(names->items);
    free(names->slots);
    *names = (mlce_names){0};
}
