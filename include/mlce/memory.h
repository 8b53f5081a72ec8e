/* memory.h - arenas: memory that is given back all at once.
 *
 * A training step takes everything it needs from one arena and resets it at its end. After the
 * first steps the arena holds one block as large as the largest step so far, and allocates
 * nothing more.
 */
#ifndef MLCE_MEMORY_H
#define MLCE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_arena mlce_arena;

/* NULL when out of memory. Free with mlce_arena_free(). */
MLCE_API mlce_arena *mlce_arena_new(void);
MLCE_API void mlce_arena_free(mlce_arena *arena);

/* `count` elements of `size` bytes, aligned to 64 bytes, not cleared. NULL (with the thread's
   message set) when out of memory or when count * size overflows. Owned by the arena. */
MLCE_API void *mlce_arena_alloc(mlce_arena *arena, size_t count, size_t size);

/* Takes back everything that was allocated; keeps the memory for the next round. */
MLCE_API void mlce_arena_reset(mlce_arena *arena);

/* Bytes the arena holds from the system, in use or not. */
MLCE_API size_t mlce_arena_capacity(const mlce_arena *arena);

/* Room for at least `needed` elements of `size` bytes in the growing array *items, which has
   room for *capacity: doubles it when it must. *items stays valid (and unchanged) on failure. */
MLCE_API mlce_status mlce_grow(void **items, size_t *capacity, size_t needed, size_t size);

/* count * size bytes of heap memory, cleared; NULL with the thread's message set on failure. */
MLCE_API void *mlce_calloc(size_t count, size_t size);
/* A copy of a string on the heap; NULL with the thread's message set on failure. */
MLCE_API char *mlce_strdup(const char *text);

#ifdef __cplusplus
}
#endif
#endif
