/* factored_memory.c - the memory of the factored span loss. */
#include "span/factored.h"

enum {
    MOST_GROUPS = 8,       /* of tiles, each with a dk and E^T (c x) of its own */
    GROUP_FLOATS = 1 << 25 /* that these take together at most, two groups aside */
};

/* Tiles of a long unit are dealt out to groups, which fix the order of sums over rows. */
static int groups_for(size_t length, size_t types, size_t head_size) {
    size_t groups = GROUP_FLOATS / (length * (types + head_size) + 1);
    return groups > MOST_GROUPS ? MOST_GROUPS : groups < 2 ? 2 : (int)groups;
}

static bool take(mlce_arena *arena, float **floats, size_t count) {
    return (*floats = mlce_arena_alloc(arena, count, sizeof **floats)) != NULL;
}

static bool new_state(mlce_arena *arena, mlce_factored_state *s, size_t length, size_t types,
                      size_t head_size, bool terms, int groups, bool keeps, size_t gold) {
    size_t wide = terms ? length * types : length, blocks = length / MLCE_COLUMN_BLOCK + 1;
    size_t tile_area = (length + MLCE_TILE_ROWS) * (length + MLCE_TILE_ROWS) / 2;
    *s = (mlce_factored_state){.groups = groups};
    return take(arena, &s->row_top, length) && take(arena, &s->block_top, blocks * length) &&
           take(arena, &s->x, wide) && take(arena, &s->g, wide) &&
           (!terms || (take(arena, &s->y, wide) && take(arena, &s->h, (size_t)groups * wide))) &&
           (groups == 1 || take(arena, &s->dk, (size_t)groups * length * head_size)) &&
           (!keeps || take(arena, &s->kept, tile_area + MLCE_TILE_ROWS * length)) &&
           take(arena, &s->top_u, types) && take(arena, &s->top_v, types) &&
           take(arena, &s->top_x, types) && take(arena, &s->c, types) &&
           take(arena, &s->gold_dA, gold) &&
           (s->z = mlce_arena_alloc(arena, types, sizeof *s->z)) &&
           (s->log_c = mlce_arena_alloc(arena, types, sizeof *s->log_c)) &&
           (s->log_d = mlce_arena_alloc(arena, types, sizeof *s->log_d)) &&
           (s->direct = mlce_arena_alloc(arena, types, sizeof *s->direct));
}

/* The largest unit that is, or is not, long. */
typedef struct extent {
    int length, gold, block;
    bool keeps;
} extent;

static extent largest_unit(const mlce_span_unit *units, int count, bool is_long) {
    extent most = {0};
    for (int n = 0; n < count; n++) {
        const mlce_span_unit *unit = &units[n];
        if (mlce_span_is_long(unit) != is_long) continue;
        if (unit->view.length > most.length) most.length = unit->view.length;
        if (unit->gold_count > most.gold) most.gold = unit->gold_count;
        if (mlce_span_block_of(unit) > most.block) most.block = mlce_span_block_of(unit);
        most.keeps = most.keeps || mlce_span_keeps_tiles(unit);
    }
    return most;
}

mlce_factored_scratch *mlce_factored_scratch_new(mlce_arena *arena, const mlce_span_unit *units,
                                                 int count, int threads) {
    mlce_factored_scratch *scratch = mlce_arena_alloc(arena, 1, sizeof *scratch);
    if (!scratch || count == 0) return scratch;
    size_t T = (size_t)units->types, d = (size_t)units->view.head_size, all = (size_t)threads;
    bool terms = units->u != NULL;
    extent shorts = largest_unit(units, count, false), longs = largest_unit(units, count, true);
    size_t block = (size_t)(shorts.block > longs.block ? shorts.block : longs.block);
    int longest = shorts.length > longs.length ? shorts.length : longs.length;
    scratch->tiles = mlce_arena_alloc(arena, all, sizeof *scratch->tiles);
    scratch->states = mlce_arena_alloc(arena, all, sizeof *scratch->states);
    scratch->streamed = mlce_arena_alloc(arena, all, sizeof *scratch->streamed);
    if (!scratch->tiles || !scratch->states || !scratch->streamed) return NULL;
    for (int t = 0; t < threads; t++) {
        mlce_tile_scratch *tile = &scratch->tiles[t];
        if (!take(arena, &tile->E, MLCE_TILE_ROWS * block) ||
            !take(arena, &tile->P, MLCE_TILE_ROWS * block) ||
            !take(arena, &tile->cx, MLCE_TILE_ROWS * T) ||
            !new_state(arena, &scratch->states[t], (size_t)shorts.length, T, d, terms, 1, true,
                       (size_t)shorts.gold) ||
            !mlce_streamed_scratch_new(arena, longest, &scratch->streamed[t]))
            return NULL;
    }
    size_t kept_length = longs.length < MLCE_KEEP_LENGTH ? (size_t)longs.length : MLCE_KEEP_LENGTH;
    if (longs.length == 0) return scratch;
    if (!new_state(arena, &scratch->long_state, (size_t)longs.length, T, d, terms,
                   groups_for((size_t)longs.length, T, d), false, (size_t)longs.gold))
        return NULL;
    size_t kept_area = (kept_length + MLCE_TILE_ROWS) * (kept_length + MLCE_TILE_ROWS) / 2 +
                       MLCE_TILE_ROWS * kept_length;
    return !longs.keeps || take(arena, &scratch->long_state.kept, kept_area) ? scratch : NULL;
}
