/* factored_memory.c - the memory of the factored span loss. */
#include "span/factored.h"

enum {
    MOST_GROUPS = 8,       /* of tiles, each with a dk and E^T (c x) of its own */
    GROUP_FLOATS = 1 << 25 /* that these take together at most, two groups aside */
};

/* Tiles of a split unit are dealt out to groups, which fix the order of sums over rows. */
static int groups_for(size_t length, size_t types, size_t head_size) {
    size_t groups = GROUP_FLOATS / (length * (types + head_size) + 1);
    return groups > MOST_GROUPS ? MOST_GROUPS : groups < 2 ? 2 : (int)groups;
}

static bool take(mlce_arena *arena, float **floats, size_t count) {
    return (*floats = mlce_arena_alloc(arena, count, sizeof **floats)) != NULL;
}

/* Floats of all tiles of E: up to MLCE_TILE_ROWS rows, as wide as the first of them. */
static size_t tiles_of(size_t length) {
    size_t rows = (length + MLCE_TILE_ROWS - 1) / MLCE_TILE_ROWS * MLCE_TILE_ROWS;
    return rows * (rows + MLCE_TILE_ROWS) / 2;
}

/* What the units of a call need, of those that are split or of the others. */
typedef struct extent {
    int length, gold;
    int kept; /* length of the longest that keeps its tiles */
} extent;

static extent largest_unit(const mlce_span_unit *units, int count, bool split) {
    extent most = {0};
    for (int n = 0; n < count; n++) {
        const mlce_span_unit *unit = &units[n];
        if (unit->split != split) continue;
        if (unit->view.length > most.length) most.length = unit->view.length;
        if (unit->gold_count > most.gold) most.gold = unit->gold_count;
        if (mlce_span_keeps_tiles(unit) && unit->view.length > most.kept)
            most.kept = unit->view.length;
    }
    return most;
}

static bool new_state(mlce_arena *arena, const mlce_span_unit *unit, extent most, bool split,
                      mlce_factored_state *s) {
    bool terms = unit->u != NULL;
    size_t length = (size_t)mlce_panel_columns(most.length);
    size_t d = (size_t)mlce_panel_columns(unit->view.head_size);
    size_t T = terms ? (size_t)mlce_panel_columns(unit->types) : 1;
    size_t blocks = length / MLCE_COLUMN_BLOCK + 1;
    *s = (mlce_factored_state){.T = (int)T, .d = (int)d, .groups = 1};
    if (split) s->groups = groups_for(length, T, d);
    size_t groups = (size_t)s->groups;
    bool ok = take(arena, &s->keys, length * d) && take(arena, &s->keys_across, length * d) &&
              take(arena, &s->row_top, length) && take(arena, &s->x, length * T) &&
              take(arena, &s->g, length * T) && take(arena, &s->dk, groups * length * d) &&
              take(arena, &s->block_top, blocks * length) && take(arena, &s->top_u, T) &&
              take(arena, &s->top_v, T) && take(arena, &s->top_x, T) && take(arena, &s->c, T) &&
              take(arena, &s->gold_dA, (size_t)most.gold);
    if (ok && most.kept) ok = take(arena, &s->kept, tiles_of((size_t)most.kept));
    if (ok && terms)
        ok = take(arena, &s->y, length * T) && take(arena, &s->y_across, length * T) &&
             take(arena, &s->h, groups * length * T);
    return ok && (s->z = mlce_arena_alloc(arena, T, sizeof *s->z)) &&
           (s->log_c = mlce_arena_alloc(arena, T, sizeof *s->log_c)) &&
           (s->log_d = mlce_arena_alloc(arena, T, sizeof *s->log_d)) &&
           (s->direct = mlce_arena_alloc(arena, T, sizeof *s->direct));
}

static bool new_tile(mlce_arena *arena, const mlce_span_unit *unit, mlce_tile_scratch *tile) {
    size_t d = (size_t)mlce_panel_columns(unit->view.head_size);
    size_t T = (size_t)mlce_panel_columns(unit->types);
    return take(arena, &tile->E, MLCE_TILE_ROWS * MLCE_COLUMN_BLOCK) &&
           take(arena, &tile->cx, MLCE_TILE_ROWS * T) &&
           take(arena, &tile->q, MLCE_TILE_ROWS * d) && take(arena, &tile->dq, MLCE_TILE_ROWS * d);
}

mlce_factored_scratch *mlce_factored_scratch_new(mlce_arena *arena, const mlce_span_unit *units,
                                                 int count, int threads) {
    mlce_factored_scratch *scratch = mlce_arena_alloc(arena, 1, sizeof *scratch);
    if (!scratch || count == 0) return scratch;
    size_t all = (size_t)threads;
    extent whole = largest_unit(units, count, false), split = largest_unit(units, count, true);
    int longest = whole.length > split.length ? whole.length : split.length;
    scratch->tiles = mlce_arena_alloc(arena, all, sizeof *scratch->tiles);
    scratch->states = mlce_arena_alloc(arena, all, sizeof *scratch->states);
    scratch->streamed = mlce_arena_alloc(arena, all, sizeof *scratch->streamed);
    if (!scratch->tiles || !scratch->states || !scratch->streamed) return NULL;
    for (int t = 0; t < threads; t++)
        if (!new_tile(arena, units, &scratch->tiles[t]) ||
            !new_state(arena, units, whole, false, &scratch->states[t]) ||
            !mlce_streamed_scratch_new(arena, longest, &scratch->streamed[t]))
            return NULL;
    if (split.length && !new_state(arena, units, split, true, &scratch->split_state)) return NULL;
    return scratch;
}
