/* factored.c - multilabel_ce, threshold_ce and topk_ce of all types that share a head.
 *
 *   e^s_a(i, j) = e^A_ij e^u_a(i) e^v_a(j)
 *
 * so with E = e^A over the pairs i <= j, x = e^u and y = e^v, the sums over all pairs and types and
 * their gradients are matrix products: one exponential a pair, not one a pair and type.
 *
 *   G = E Y,   Z_a = sum_i x_ai G_ia,   c_a from Z_a (mlce_span_coefficients_of)
 *   dA = E o (X diag(c) Y^T),   dq = scale dA k,   dk = scale dA^T q
 *   du = c x G,   dv = y (E^T (c x))
 *
 * Shifts keep every factor in [0, 1]: row i of E is e^(A_ij - r_i) with r_i its largest A, y is
 * e^(v - top_v), x is e^(u + r - M). A term e^s is lost only where it is under e^-87 of the largest
 * possible one; where that might matter (GUARD) the type goes the direct way, streamed.c.
 *
 * Gold pairs are no part of E. The types that a gold pair is not gold for are added to Z_a, dA, du
 * and dv pair by pair: nothing is ever subtracted.
 *
 * A tile is MLCE_TILE_ROWS rows of pairs. Sequences up to KEEP_LENGTH keep their tiles of E for the
 * second pass; longer ones compute them again, in blocks of COLUMN_BLOCK columns: then the memory
 * is O(length * (head size + types)).
 */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/vector.h"
#include "span/private.h"

enum {
    SPLIT_LENGTH = 512,     /* longer sequences are cut up among threads */
    KEEP_LENGTH = 2048,     /* longer sequences compute E twice */
    COLUMN_BLOCK = 1024,    /* of those */
    MOST_GROUPS = 8,        /* of tiles, each with a dk and E^T (c x) of its own */
    GROUP_FLOATS = 1 << 25, /* that these take together at most, two groups aside */
    TYPE_BLOCK = 64         /* types that one thread takes at once */
};

static const float LOWEST = -87.0f; /* e^-87 is about the smallest that float32 holds in full */
static const double GUARD_TOP = 60.0, GUARD_SUM = 4.2e-18 /* e^-40 */;

/* What one thread works with. */
typedef struct tile_scratch {
    float *E, *P; /* [MLCE_TILE_ROWS, longest block] */
    float *cx;    /* [MLCE_TILE_ROWS, types] c x of a tile's rows */
} tile_scratch;

/* What belongs to a unit while it is worked on. T = types. */
typedef struct state {
    float *row_top;       /* [length] r_i; -infinity where a row has no pair */
    float *x, *y, *g;     /* [length, T]; without terms: x, g [length], y NULL */
    float *h;             /* [groups, length, T] E^T (c x) of each group of tiles */
    float *dk;            /* [groups, length, d], long units only */
    float *kept;          /* tiles of E, one after the other; NULL: computed again */
    float *top_u, *top_v; /* [T] */
    float *top_x;         /* [T] M - top_u: the largest u - top_u + r */
    float *c;  /* [T] weight * c_a, scaled for x, y, E; 0 where the direct way is taken */
    double *z; /* [T] Z_a in that scale */
    double *log_c, *log_d; /* [T] */
    bool *direct;          /* [T] */
    float *gold_dA;        /* [gold spans] the pair's dA, at its first type */
    int groups;
} state;

struct mlce_factored_scratch {
    tile_scratch *tiles;             /* [threads] */
    state *states;                   /* [threads] for units that are not long */
    state long_state;                /* for one long unit after the other */
    mlce_streamed_scratch *streamed; /* [threads] */
};

bool mlce_span_is_long(const mlce_span_unit *unit) {
    return unit->view.length > SPLIT_LENGTH;
}

static bool keeps_tiles(const mlce_span_unit *unit) {
    return unit->view.length <= KEEP_LENGTH;
}

/* Columns of a tile that are worked on at once. */
static int block_of(const mlce_span_unit *unit) {
    return keeps_tiles(unit) ? unit->view.length : COLUMN_BLOCK;
}

/* Floats of the kept tiles before the one that begins at row `first`: tiles are as wide as the rows
   that they start with, so that this has a closed form. */
static size_t kept_before(const mlce_span_view *view, int first) {
    size_t rows = (size_t)first, length = (size_t)view->length, tile = MLCE_TILE_ROWS;
    return rows * length - rows * (rows - tile) / 2;
}

/* Tiles of a long unit are dealt out to groups, which fix the order of sums over rows. */
static int groups_for(size_t length, size_t types, size_t head_size) {
    size_t groups = GROUP_FLOATS / (length * (types + head_size) + 1);
    return groups > MOST_GROUPS ? MOST_GROUPS : groups < 2 ? 2 : (int)groups;
}

/* ---- Memory ---- */

static bool take(mlce_arena *arena, float **floats, size_t count) {
    return (*floats = mlce_arena_alloc(arena, count, sizeof **floats)) != NULL;
}

static bool new_state(mlce_arena *arena, state *s, size_t length, size_t types, size_t head_size,
                      bool terms, int groups, bool keeps, size_t gold) {
    size_t wide = terms ? length * types : length;
    size_t tile_area = (length + MLCE_TILE_ROWS) * (length + MLCE_TILE_ROWS) / 2;
    *s = (state){.groups = groups};
    return take(arena, &s->row_top, length) && take(arena, &s->x, wide) &&
           take(arena, &s->g, wide) &&
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
        if (block_of(unit) > most.block) most.block = block_of(unit);
        most.keeps = most.keeps || keeps_tiles(unit);
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
        tile_scratch *tile = &scratch->tiles[t];
        if (!take(arena, &tile->E, MLCE_TILE_ROWS * block) ||
            !take(arena, &tile->P, MLCE_TILE_ROWS * block) ||
            !take(arena, &tile->cx, MLCE_TILE_ROWS * T) ||
            !new_state(arena, &scratch->states[t], (size_t)shorts.length, T, d, terms, 1, true,
                       (size_t)shorts.gold) ||
            !mlce_streamed_scratch_new(arena, longest, &scratch->streamed[t]))
            return NULL;
    }
    size_t kept_length = longs.length < KEEP_LENGTH ? (size_t)longs.length : KEEP_LENGTH;
    if (longs.length == 0) return scratch;
    if (!new_state(arena, &scratch->long_state, (size_t)longs.length, T, d, terms,
                   groups_for((size_t)longs.length, T, d), false, (size_t)longs.gold))
        return NULL;
    size_t kept_area = (kept_length + MLCE_TILE_ROWS) * (kept_length + MLCE_TILE_ROWS) / 2 +
                       MLCE_TILE_ROWS * kept_length;
    return !longs.keeps || take(arena, &scratch->long_state.kept, kept_area) ? scratch : NULL;
}

/* ---- Kernels: rows of a tile, types of a token ---- */

MLCE_KERNEL static float row_top(const float *A, int count) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int j = 0; j < count; j++) top = A[j] > top ? A[j] : top;
    return top;
}

/* A_j := e^(A_j - top); returns their sum. */
MLCE_KERNEL static float row_exp(float *A, float top, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < count; j++) {
        float x = A[j] - top;
        float e = expf(x > LOWEST ? x : LOWEST);
        A[j] = x > LOWEST ? e : 0.0f;
        sum += A[j];
    }
    return sum;
}

MLCE_KERNEL static void max_into(float *top, const float *values, float add, int count) {
    for (int a = 0; a < count; a++) {
        float value = values[a] + add;
        top[a] = value > top[a] ? value : top[a];
    }
}

/* e_a = e^(values_a + add - top_a) */
MLCE_KERNEL static void type_exp(float *e, const float *values, float add, const float *top,
                                 int count) {
#pragma omp simd
    for (int a = 0; a < count; a++) {
        float x = values[a] - top[a] + add;
        float value = expf(x > LOWEST ? x : LOWEST);
        e[a] = x > LOWEST ? value : 0.0f;
    }
}

/* E_j := E_j * P_j */
MLCE_KERNEL static void row_multiply(float *E, const float *P, int count) {
    for (int j = 0; j < count; j++) E[j] *= P[j];
}

MLCE_KERNEL static void row_scale(float *E, float factor, int count) {
    for (int j = 0; j < count; j++) E[j] *= factor;
}

/* to_a += x_a * y_a */
MLCE_KERNEL static void add_products(float *to, const float *x, const float *y, int count) {
    for (int a = 0; a < count; a++) to[a] += x[a] * y[a];
}

MLCE_KERNEL static void add_products_double(double *to, const float *x, const float *y, int count) {
    for (int a = 0; a < count; a++) to[a] += (double)x[a] * (double)y[a];
}

MLCE_KERNEL static void type_scale(float *to, const float *x, const float *c, int count) {
    for (int a = 0; a < count; a++) to[a] = x[a] * c[a];
}

/* ---- Before the tiles: largest u and v, and y = e^(v - top_v) ---- */

static void prepare_types(const mlce_span_unit *unit, state *s, int first, int count) {
    size_t T = (size_t)unit->types;
    for (int a = first; a < first + count; a++) {
        s->top_u[a] = s->top_v[a] = unit->u ? -INFINITY : 0.0f;
        s->direct[a] = false;
    }
    for (int i = 0; unit->u && i < unit->view.length; i++) {
        max_into(s->top_u + first, unit->u + (size_t)i * unit->step + first, 0, count);
        max_into(s->top_v + first, unit->v + (size_t)i * unit->step + first, 0, count);
    }
    for (int i = 0; unit->v && i < unit->view.length; i++)
        type_exp(s->y + (size_t)i * T + first, unit->v + (size_t)i * unit->step + first, 0,
                 s->top_v + first, count);
}

/* ---- The first pass: E, r and G of a tile ---- */

/* A block of a tile: columns [start, end) of its rows. */
typedef struct block {
    mlce_span_tile tile;
    int start, end;
} block;

/* Columns of row i within the block: [*from, *to). */
static void row_range(const mlce_span_view *view, block b, int i, int *from, int *to) {
    int row_end = mlce_span_row_end(view, i);
    *from = i > b.start ? i : b.start;
    *to = row_end < b.end ? row_end : b.end;
    if (*to < *from) *to = *from = b.start;
}

/* A of the block into E; gold pairs get -infinity. */
static void block_products(const mlce_span_unit *unit, block b, float *E) {
    const mlce_span_view *view = &unit->view;
    int ld = b.end - b.start;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b.tile.last - b.tile.first, ld,
                view->head_size, view->scale, view->q + (size_t)b.tile.first * (size_t)view->stride,
                view->stride, view->k + (size_t)b.start * (size_t)view->stride, view->stride, 0, E,
                ld);
    for (int n = 0; n < unit->gold_count; n++) {
        const mlce_gold_pair *pair = &unit->gold[n];
        if (pair->i >= b.tile.first && pair->i < b.tile.last && pair->j >= b.start &&
            pair->j < b.end)
            E[(size_t)(pair->i - b.tile.first) * (size_t)ld + (size_t)(pair->j - b.start)] =
                -INFINITY;
    }
}

/* Row i of the block from A to E = e^(A - r_i), zero outside the pairs. Returns the sum. */
static float finish_row(const mlce_span_view *view, block b, int i, float top, float *row) {
    int from, to;
    row_range(view, b, i, &from, &to);
    memset(row, 0, (size_t)(from - b.start) * sizeof *row);
    memset(row + (to - b.start), 0, (size_t)(b.end - to) * sizeof *row);
    if (top > -INFINITY) return row_exp(row + (from - b.start), top, to - from);
    memset(row + (from - b.start), 0, (size_t)(to - from) * sizeof *row);
    return 0;
}

/* r_i grows with the block's largest A; what G holds is brought to the new scale. */
static void raise_top(const mlce_span_unit *unit, state *s, block b, int i, const float *row) {
    int from, to;
    row_range(&unit->view, b, i, &from, &to);
    float top = row_top(row + (from - b.start), to - from), before = s->row_top[i];
    if (!(top > before)) return;
    s->row_top[i] = top;
    if (before == -INFINITY) return;
    int width = unit->u ? unit->types : 1;
    float factor = expf(before - top > LOWEST ? before - top : LOWEST);
    row_scale(s->g + (size_t)i * (size_t)width, factor, width);
}

static void sum_tile(const mlce_span_unit *unit, state *s, int first, tile_scratch *scratch) {
    const mlce_span_view *view = &unit->view;
    mlce_span_tile tile = mlce_span_tile_at(view, first);
    int rows = tile.last - tile.first, T = unit->types, columns = block_of(unit);
    for (int i = tile.first; i < tile.last; i++) s->row_top[i] = -INFINITY;
    for (int start = tile.first; start < tile.end; start += columns) {
        block b = {tile, start, start + columns < tile.end ? start + columns : tile.end};
        int ld = b.end - b.start;
        float *E = s->kept ? s->kept + kept_before(view, first) : scratch->E;
        block_products(unit, b, E);
        for (int i = tile.first; i < tile.last; i++) {
            float *row = E + (size_t)(i - tile.first) * (size_t)ld;
            raise_top(unit, s, b, i, row);
            float sum = finish_row(view, b, i, s->row_top[i], row);
            if (!unit->u) s->g[i] = sum + (start > tile.first ? s->g[i] : 0.0f);
        }
        if (unit->u)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, T, ld, 1, E, ld,
                        s->y + (size_t)b.start * (size_t)T, T, start > tile.first ? 1 : 0,
                        s->g + (size_t)first * (size_t)T, T);
    }
}

/* ---- Between the passes: x, Z, the loss, c ---- */

/* x = e^(u - top_u + r - top_x) and z = sum of x G, over all rows. */
static void sum_types(const mlce_span_unit *unit, state *s, int first, int count) {
    static const float none[TYPE_BLOCK] = {0};
    size_t T = (size_t)unit->types;
    for (int a = first; a < first + count; a++) {
        s->top_x[a] = -INFINITY;
        s->z[a] = 0;
    }
    for (int i = 0; i < unit->view.length; i++) {
        const float *u = unit->u ? unit->u + (size_t)i * unit->step + first : none;
        float *x = s->x + (size_t)i * T + first;
        for (int a = 0; a < count; a++) x[a] = u[a] - s->top_u[first + a];
        max_into(s->top_x + first, x, s->row_top[i], count);
    }
    for (int a = first; a < first + count; a++)
        if (s->top_x[a] == -INFINITY) s->top_x[a] = 0; /* no pair that is not gold */
    for (int i = 0; i < unit->view.length; i++) {
        float *x = s->x + (size_t)i * T + first;
        type_exp(x, x, s->row_top[i], s->top_x + first, count);
        add_products_double(s->z + first, x, s->g + (size_t)i * T + first, count);
    }
}

static const float HIGHEST = 60.0f; /* a gold pair's other types may pass the shift by e^60 */

/* e_a = e^(A + u_a + v_a) of one pair of tokens, in the scale of z. Returns the largest exponent.
 */
MLCE_KERNEL static float pair_exp(float *e, float product, const float *u, const float *v,
                                  const float *top_u, const float *top_v, const float *top_x,
                                  int count) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int a = 0; a < count; a++) {
        float x = product + (u[a] - top_u[a]) + (v[a] - top_v[a]) - top_x[a];
        top = x > top ? x : top;
        float bounded = x < HIGHEST ? x : HIGHEST;
        float value = expf(bounded > LOWEST ? bounded : LOWEST);
        e[a] = x > LOWEST ? value : 0.0f;
    }
    return top;
}

/* A block of types of one gold pair: e^s in the scale of z for the types that it is not gold for,
   0 for those it is. The gold spans of one pair are first .. last-1. */
static float other_types(const mlce_span_unit *unit, const state *s, int first, int last, int a,
                         int count, float *e) {
    static const float none[TYPE_BLOCK] = {0};
    const mlce_gold_pair *pair = &unit->gold[first];
    const float *u = unit->u ? unit->u + (size_t)pair->i * unit->step + a : none;
    const float *v = unit->v ? unit->v + (size_t)pair->j * unit->step + a : none;
    float top = pair_exp(e, pair->product, u, v, s->top_u + a, s->top_v + a, s->top_x + a, count);
    for (int n = first; n < last; n++) {
        int type = unit->gold[n].type - unit->first_type - a;
        if (type >= 0 && type < count) e[type] = 0;
    }
    return top;
}

/* Gold spans first .. result-1 are of one pair of tokens. */
static int end_of_pair(const mlce_span_unit *unit, int first) {
    int last = first + 1;
    while (last < unit->gold_count && unit->gold[last].i == unit->gold[first].i &&
           unit->gold[last].j == unit->gold[first].j)
        last++;
    return last;
}

static void add_other_types(const mlce_span_unit *unit, state *s) {
    float e[TYPE_BLOCK];
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = end_of_pair(unit, n);
        for (int a = 0; a < unit->types; a += TYPE_BLOCK) {
            int count = unit->types - a < TYPE_BLOCK ? unit->types - a : TYPE_BLOCK;
            bool is_high = other_types(unit, s, n, last, a, count, e) >= HIGHEST;
            for (int t = 0; t < count; t++) {
                s->z[a + t] += (double)e[t];
                if (is_high && e[t] > 1e26f) s->direct[a + t] = true; /* e^60 is 1.14e26 */
            }
        }
    }
}

/* Z_N, the loss and the coefficients of each type. */
static void finish_types(mlce_span_unit *unit, state *s) {
    add_other_types(unit, s);
    for (int a = 0; a < unit->types; a++) {
        double scale = (double)s->top_u[a] + (double)s->top_v[a] + (double)s->top_x[a] -
                       mlce_span_threshold(unit, a);
        if (scale > GUARD_TOP && s->z[a] < GUARD_SUM) s->direct[a] = true;
        s->c[a] = 0;
        if (s->direct[a]) continue;
        double log_negatives = scale + log(s->z[a]),
               log_positives = mlce_span_log_positives(unit, a);
        mlce_span_coefficients c = mlce_span_coefficients_of(unit, log_negatives, log_positives);
        unit->loss += c.loss;
        s->log_c[a] = c.log_c;
        s->log_d[a] = c.log_d;
        if (s->z[a] > 0) s->c[a] = unit->weight * (float)exp(scale + c.log_c);
        if (unit->dthreshold)
            unit->dthreshold[a] += (double)unit->weight *
                                   (exp(log_positives + c.log_d) - exp(log_negatives + c.log_c));
    }
}

/* Gradients of the gold pairs: all types' du and dv, and their sum, dA of the pair. */
static void add_gold_gradients(const mlce_span_unit *unit, state *s) {
    float e[TYPE_BLOCK];
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = end_of_pair(unit, n);
        const mlce_gold_pair *pair = &unit->gold[n];
        double dA = 0;
        float *du = unit->du ? unit->du + (size_t)pair->i * unit->step : NULL;
        float *dv = unit->dv ? unit->dv + (size_t)pair->j * unit->step : NULL;
        for (int a = 0; a < unit->types; a += TYPE_BLOCK) {
            int count = unit->types - a < TYPE_BLOCK ? unit->types - a : TYPE_BLOCK;
            other_types(unit, s, n, last, a, count, e);
            for (int t = 0; t < count; t++) {
                float g = s->c[a + t] * e[t];
                dA += (double)g;
                if (du) du[a + t] += g;
                if (dv) dv[a + t] += g;
            }
        }
        for (int m = n; m < last; m++) {
            int a = unit->gold[m].type - unit->first_type;
            if (s->direct[a]) continue;
            double score = mlce_span_pair_score(unit, &unit->gold[m], a);
            double g = -(double)unit->weight * exp(s->log_d[a] - score);
            dA += g;
            if (du) du[a] += (float)g;
            if (dv) dv[a] += (float)g;
        }
        s->gold_dA[n] = (float)dA;
    }
}

/* ---- The second pass: dA of a tile, and dq, dk, E^T (c x) ---- */

/* E of the block again. */
static float *block_of_E(const mlce_span_unit *unit, const state *s, block b,
                         tile_scratch *scratch) {
    if (s->kept) return s->kept + kept_before(&unit->view, b.tile.first);
    block_products(unit, b, scratch->E);
    for (int i = b.tile.first; i < b.tile.last; i++) {
        float *row = scratch->E + (size_t)(i - b.tile.first) * (size_t)(b.end - b.start);
        finish_row(&unit->view, b, i, s->row_top[i], row);
    }
    return scratch->E;
}

/* E := dA = E o (c x y^T), with the gold pairs' dA in their places. */
static void turn_into_dA(const mlce_span_unit *unit, const state *s, block b, float *E,
                         tile_scratch *scratch) {
    int rows = b.tile.last - b.tile.first, ld = b.end - b.start, T = unit->types;
    if (unit->u)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, ld, T, 1, scratch->cx, T,
                    s->y + (size_t)b.start * (size_t)T, T, 0, scratch->P, ld);
    for (int r = 0; r < rows; r++) {
        float *row = E + (size_t)r * (size_t)ld;
        if (unit->u)
            row_multiply(row, scratch->P + (size_t)r * (size_t)ld, ld);
        else
            row_scale(row, scratch->cx[r], ld);
    }
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = end_of_pair(unit, n);
        const mlce_gold_pair *pair = &unit->gold[n];
        if (pair->i >= b.tile.first && pair->i < b.tile.last && pair->j >= b.start &&
            pair->j < b.end)
            E[(size_t)(pair->i - b.tile.first) * (size_t)ld + (size_t)(pair->j - b.start)] =
                s->gold_dA[n];
    }
}

static void differentiate_block(const mlce_span_unit *unit, const state *s, block b, float *h,
                                float *dk, int dk_stride, tile_scratch *scratch) {
    const mlce_span_view *v = &unit->view;
    int rows = b.tile.last - b.tile.first, ld = b.end - b.start, T = unit->types, d = v->head_size;
    size_t row = (size_t)b.tile.first * (size_t)v->stride, column = (size_t)b.start;
    float *E = block_of_E(unit, s, b, scratch);
    if (unit->dv)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, ld, T, rows, 1, E, ld, scratch->cx, T,
                    1, h + column * (size_t)T, T);
    turn_into_dA(unit, s, b, E, scratch);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, d, ld, v->scale, E, ld,
                v->k + column * (size_t)v->stride, v->stride, 1, unit->dq + row, v->stride);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, ld, d, rows, v->scale, E, ld, v->q + row,
                v->stride, 1, dk + column * (size_t)dk_stride, dk_stride);
}

/* Every groups-th tile, from the group's number on. */
static void differentiate_group(const mlce_span_unit *unit, const state *s, int group,
                                tile_scratch *scratch) {
    const mlce_span_view *v = &unit->view;
    size_t length = (size_t)v->length, T = (size_t)unit->types, d = (size_t)v->head_size;
    float *h = s->h ? s->h + (size_t)group * length * T : NULL;
    float *dk = s->groups > 1 ? s->dk + (size_t)group * length * d : unit->dk;
    int dk_stride = s->groups > 1 ? v->head_size : v->stride, columns = block_of(unit);
    if (h) memset(h, 0, length * T * sizeof *h);
    if (s->groups > 1) memset(dk, 0, length * d * sizeof *dk);
    for (int first = group * MLCE_TILE_ROWS; first < v->length;
         first += s->groups * MLCE_TILE_ROWS) {
        mlce_span_tile tile = mlce_span_tile_at(v, first);
        for (int i = tile.first; i < tile.last; i++)
            type_scale(scratch->cx + (size_t)(i - first) * T, s->x + (size_t)i * T, s->c,
                       unit->types);
        for (int start = first; start < tile.end; start += columns) {
            block b = {tile, start, start + columns < tile.end ? start + columns : tile.end};
            differentiate_block(unit, s, b, h, dk, dk_stride, scratch);
        }
    }
}

/* du_i += c x_i G_i,  dv_i += y_i h_i,  dk_i += the groups' */
static void collect_token(const mlce_span_unit *unit, const state *s, int i) {
    size_t T = (size_t)unit->types, length = (size_t)unit->view.length, token = (size_t)i;
    size_t d = (size_t)unit->view.head_size;
    if (unit->du) {
        float *x = s->x + token * T;
        type_scale(x, x, s->c, unit->types);
        add_products(unit->du + token * unit->step, x, s->g + token * T, unit->types);
    }
    for (size_t group = 0; unit->dv && group < (size_t)s->groups; group++)
        add_products(unit->dv + token * unit->step, s->y + token * T,
                     s->h + (group * length + token) * T, unit->types);
    for (size_t group = 0; s->groups > 1 && group < (size_t)s->groups; group++) {
        const float *from = s->dk + (group * length + token) * d;
        float *to = unit->dk + token * (size_t)unit->view.stride;
        for (size_t c = 0; c < d; c++) to[c] += from[c];
    }
}

/* ---- A unit ---- */

static int blocks_of_types(const mlce_span_unit *unit) {
    return (unit->types + TYPE_BLOCK - 1) / TYPE_BLOCK;
}

static int types_in_block(const mlce_span_unit *unit, int number) {
    int first = number * TYPE_BLOCK;
    return unit->types - first < TYPE_BLOCK ? unit->types - first : TYPE_BLOCK;
}

static void sum_unit(mlce_span_unit *unit, state *s, tile_scratch *tiles, bool is_long) {
    int blocks = blocks_of_types(unit), rows = unit->view.length;
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int n = 0; n < blocks; n++)
        prepare_types(unit, s, n * TYPE_BLOCK, types_in_block(unit, n));
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int first = 0; first < rows; first += MLCE_TILE_ROWS)
        sum_tile(unit, s, first, &tiles[omp_get_thread_num()]);
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int n = 0; n < blocks; n++) sum_types(unit, s, n * TYPE_BLOCK, types_in_block(unit, n));
    finish_types(unit, s);
}

static void differentiate_unit(mlce_span_unit *unit, state *s, tile_scratch *tiles, bool is_long) {
    add_gold_gradients(unit, s);
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int group = 0; group < s->groups; group++)
        differentiate_group(unit, s, group, &tiles[omp_get_thread_num()]);
#pragma omp parallel for schedule(static) if (is_long)
    for (int i = 0; i < unit->view.length; i++) collect_token(unit, s, i);
}

void mlce_span_factored(mlce_span_unit *unit, mlce_factored_scratch *scratch, int thread) {
    if (unit->view.length == 0) return;
    bool is_long = mlce_span_is_long(unit);
    state s = is_long ? scratch->long_state : scratch->states[thread];
    if (!keeps_tiles(unit)) s.kept = NULL;
    tile_scratch *tiles = is_long ? scratch->tiles : &scratch->tiles[thread];
    sum_unit(unit, &s, tiles, is_long);
    if (unit->dq) differentiate_unit(unit, &s, tiles, is_long);
    for (int a = 0; a < unit->types; a++)
        if (s.direct[a]) mlce_span_streamed_sums(unit, a, &scratch->streamed[thread]);
}
