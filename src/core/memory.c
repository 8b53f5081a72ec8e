/* memory.c - arenas and growing arrays. */
#include "mlce/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, FIRST_BLOCK = 1 << 16 };

typedef struct block {
    struct block *previous;
    size_t size, used; /* bytes behind the header */
} block;

struct mlce_arena {
    block *current;
    size_t capacity; /* bytes of all blocks */
};

static const size_t HEADER = (sizeof(block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

mlce_arena *mlce_arena_new(void) {
    return mlce_calloc(1, sizeof(mlce_arena));
}

static void free_blocks(mlce_arena *arena) {
    while (arena->current) {
        block *previous = arena->current->previous;
        free(arena->current);
        arena->current = previous;
    }
    arena->capacity = 0;
}

void mlce_arena_free(mlce_arena *arena) {
    if (!arena) return;
    free_blocks(arena);
    free(arena);
}

static bool add_block(mlce_arena *arena, size_t size) {
    block *added =
        size > SIZE_MAX - HEADER - ALIGNMENT ? NULL : aligned_alloc(ALIGNMENT, HEADER + size);
    if (!added) {
        mlce_fail(MLCE_E_MEMORY, "out of memory: %zu bytes", size);
        return false;
    }
    *added = (block){.previous = arena->current, .size = size};
    arena->current = added;
    arena->capacity += size;
    return true;
}

void *mlce_arena_alloc(mlce_arena *arena, size_t count, size_t size) {
    if (size && count > (SIZE_MAX - 2 * (size_t)ALIGNMENT - HEADER) / size) {
        mlce_fail(MLCE_E_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
        return NULL;
    }
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *current = arena->current;
    if (!current || current->size - current->used < bytes) {
        size_t wanted = arena->capacity > FIRST_BLOCK ? arena->capacity : FIRST_BLOCK;
        if (wanted < bytes) wanted = bytes;
        if (!add_block(arena, wanted)) return NULL;
        current = arena->current;
    }
    void *memory = (char *)current + HEADER + current->used;
    current->used += bytes;
    return memory;
}

/* Several blocks become one as large as all together, so that the next round finds room in it. */
void mlce_arena_reset(mlce_arena *arena) {
    if (arena->current && arena->current->previous) {
        size_t size = arena->capacity;
        free_blocks(arena);
        if (!add_block(arena, size)) return;
    }
    if (arena->current) arena->current->used = 0;
}

size_t mlce_arena_capacity(const mlce_arena *arena) {
    return arena->capacity;
}

mlce_status mlce_grow(void **items, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return MLCE_OK;
    size_t wanted = *capacity < 16 ? 16 : *capacity;
    while (wanted < needed && wanted <= SIZE_MAX / 2) wanted *= 2;
    void *grown =
        wanted < needed || wanted > SIZE_MAX / size ? NULL : realloc(*items, wanted * size);
    if (!grown)
        return mlce_fail(MLCE_E_MEMORY, "out of memory: %zu items of %zu bytes", needed, size);
    *items = grown;
    *capacity = wanted;
    return MLCE_OK;
}

void *mlce_calloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) mlce_fail(MLCE_E_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
    return memory;
}

char *mlce_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = mlce_calloc(size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}
