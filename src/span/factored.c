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
 * A tile is up to MLCE_TILE_ROWS rows of pairs, worked on in blocks of MLCE_COLUMN_BLOCK columns;
 * r_i grows from block to block, and what came before is scaled to it. Sequences up to
 * MLCE_KEEP_LENGTH keep their tiles of E for the second pass; longer ones compute them again: then
 * the memory is O(length * (head size + types)).
 */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/vector.h"
#include "span/factored.h"

bool mlce_span_is_long(const mlce_span_unit *unit) {
    return unit->view.length > MLCE_SPLIT_LENGTH;
}

/* Floats of the kept tiles before the one that begins at row `first`: tiles are as wide as the rows
   that they start with, so that this has a closed form. */
static size_t kept_before(const mlce_span_view *view, int first) {
    size_t rows = (size_t)first, length = (size_t)view->length, tile = (size_t)view->tile_rows;
    return rows * length - rows * (rows - tile) / 2;
}

/* ---- Kernels ---- */

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
        float e = expf(x > MLCE_LOWEST ? x : MLCE_LOWEST);
        A[j] = x > MLCE_LOWEST ? e : 0.0f;
        sum += A[j];
    }
    return sum;
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

MLCE_KERNEL static void type_scale(float *to, const float *x, const float *c, int count) {
    for (int a = 0; a < count; a++) to[a] = x[a] * c[a];
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
static void raise_top(const mlce_span_unit *unit, mlce_factored_state *s, block b, int i,
                      const float *row) {
    int from, to;
    row_range(&unit->view, b, i, &from, &to);
    float top = row_top(row + (from - b.start), to - from), before = s->row_top[i];
    if (!(top > before)) return;
    s->row_top[i] = top;
    if (before == -INFINITY) return;
    int width = unit->u ? unit->types : 1;
    float factor = expf(before - top > MLCE_LOWEST ? before - top : MLCE_LOWEST);
    row_scale(s->g + (size_t)i * (size_t)width, factor, width);
}

/* Where the block of a kept tile is; NULL where tiles are not kept. */
static float *kept_block(const mlce_span_unit *unit, const mlce_factored_state *s, block b) {
    size_t rows = (size_t)(b.tile.last - b.tile.first);
    size_t before = rows * (size_t)(b.start - b.tile.first);
    return s->kept ? s->kept + kept_before(&unit->view, b.tile.first) + before : NULL;
}

/* r_i as it was when row i of the block was finished. */
static float *block_top(const mlce_span_unit *unit, const mlce_factored_state *s, block b, int i) {
    size_t number = (size_t)((b.start - b.tile.first) / mlce_span_block_of(unit));
    return s->block_top + number * (size_t)unit->view.length + i;
}

/* E and G of a block. */
static void sum_block(const mlce_span_unit *unit, mlce_factored_state *s, block b, float *E) {
    int rows = b.tile.last - b.tile.first, ld = b.end - b.start, T = unit->types;
    bool is_first = b.start == b.tile.first;
    block_products(unit, b, E);
    for (int i = b.tile.first; i < b.tile.last; i++) {
        float *row = E + (size_t)(i - b.tile.first) * (size_t)ld;
        raise_top(unit, s, b, i, row);
        *block_top(unit, s, b, i) = s->row_top[i];
        float sum = finish_row(&unit->view, b, i, s->row_top[i], row);
        if (!unit->u) s->g[i] = sum + (is_first ? 0.0f : s->g[i]);
    }
    if (unit->u)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, T, ld, 1, E, ld,
                    s->y + (size_t)b.start * (size_t)T, T, is_first ? 0 : 1,
                    s->g + (size_t)b.tile.first * (size_t)T, T);
}

static void sum_tile(const mlce_span_unit *unit, mlce_factored_state *s, int first,
                     mlce_tile_scratch *scratch) {
    mlce_span_tile tile = mlce_span_tile_at(&unit->view, first);
    int columns = mlce_span_block_of(unit);
    for (int i = tile.first; i < tile.last; i++) s->row_top[i] = -INFINITY;
    for (int start = tile.first; start < tile.end; start += columns) {
        block b = {tile, start, start + columns < tile.end ? start + columns : tile.end};
        float *kept = kept_block(unit, s, b);
        sum_block(unit, s, b, kept ? kept : scratch->E);
    }
}

/* ---- The second pass: dA of a tile, and dq, dk, E^T (c x) ---- */

/* A kept block of E, brought to the rows' final r_i. */
static void rescale_block(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                          float *E) {
    for (int i = b.tile.first; i < b.tile.last; i++) {
        float before = *block_top(unit, s, b, i), top = s->row_top[i];
        if (before == top || before == -INFINITY) continue;
        float factor = expf(before - top > MLCE_LOWEST ? before - top : MLCE_LOWEST);
        row_scale(E + (size_t)(i - b.tile.first) * (size_t)(b.end - b.start), factor,
                  b.end - b.start);
    }
}

/* E of the block again. */
static float *block_of_E(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                         mlce_tile_scratch *scratch) {
    float *kept = kept_block(unit, s, b);
    if (kept) {
        rescale_block(unit, s, b, kept);
        return kept;
    }
    block_products(unit, b, scratch->E);
    for (int i = b.tile.first; i < b.tile.last; i++) {
        float *row = scratch->E + (size_t)(i - b.tile.first) * (size_t)(b.end - b.start);
        finish_row(&unit->view, b, i, s->row_top[i], row);
    }
    return scratch->E;
}

/* E := dA = E o (c x y^T), with the gold pairs' dA in their places. */
static void turn_into_dA(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                         float *E, mlce_tile_scratch *scratch) {
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
        last = mlce_factored_end_of_pair(unit, n);
        const mlce_gold_pair *pair = &unit->gold[n];
        if (pair->i >= b.tile.first && pair->i < b.tile.last && pair->j >= b.start &&
            pair->j < b.end)
            E[(size_t)(pair->i - b.tile.first) * (size_t)ld + (size_t)(pair->j - b.start)] =
                s->gold_dA[n];
    }
}

static void differentiate_block(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                                float *h, float *dk, int dk_stride, mlce_tile_scratch *scratch) {
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
static void differentiate_group(const mlce_span_unit *unit, const mlce_factored_state *s, int group,
                                mlce_tile_scratch *scratch) {
    const mlce_span_view *v = &unit->view;
    size_t length = (size_t)v->length, T = (size_t)unit->types, d = (size_t)v->head_size;
    float *h = s->h ? s->h + (size_t)group * length * T : NULL;
    float *dk = s->groups > 1 ? s->dk + (size_t)group * length * d : unit->dk;
    int dk_stride = s->groups > 1 ? v->head_size : v->stride, columns = mlce_span_block_of(unit);
    if (h) memset(h, 0, length * T * sizeof *h);
    if (s->groups > 1) memset(dk, 0, length * d * sizeof *dk);
    for (int first = group * v->tile_rows; first < v->length; first += s->groups * v->tile_rows) {
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
static void collect_token(const mlce_span_unit *unit, const mlce_factored_state *s, int i) {
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
    return (unit->types + MLCE_TYPE_BLOCK - 1) / MLCE_TYPE_BLOCK;
}

static int types_in_block(const mlce_span_unit *unit, int number) {
    int first = number * MLCE_TYPE_BLOCK;
    return unit->types - first < MLCE_TYPE_BLOCK ? unit->types - first : MLCE_TYPE_BLOCK;
}

static void sum_unit(mlce_span_unit *unit, mlce_factored_state *s, mlce_tile_scratch *tiles,
                     bool is_long) {
    int blocks = blocks_of_types(unit), rows = unit->view.length;
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int n = 0; n < blocks; n++)
        mlce_factored_prepare(unit, s, n * MLCE_TYPE_BLOCK, types_in_block(unit, n));
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int first = 0; first < rows; first += unit->view.tile_rows)
        sum_tile(unit, s, first, &tiles[omp_get_thread_num()]);
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int n = 0; n < blocks; n++)
        mlce_factored_sum(unit, s, n * MLCE_TYPE_BLOCK, types_in_block(unit, n));
    mlce_factored_finish(unit, s);
}

static void differentiate_unit(mlce_span_unit *unit, mlce_factored_state *s,
                               mlce_tile_scratch *tiles, bool is_long) {
    mlce_factored_gold_gradients(unit, s);
#pragma omp parallel for schedule(dynamic, 1) if (is_long)
    for (int group = 0; group < s->groups; group++)
        differentiate_group(unit, s, group, &tiles[omp_get_thread_num()]);
#pragma omp parallel for schedule(static) if (is_long)
    for (int i = 0; i < unit->view.length; i++) collect_token(unit, s, i);
}

void mlce_span_factored(mlce_span_unit *unit, mlce_factored_scratch *scratch, int thread) {
    if (unit->view.length == 0) return;
    bool is_long = mlce_span_is_long(unit);
    mlce_factored_state s = is_long ? scratch->long_state : scratch->states[thread];
    if (!mlce_span_keeps_tiles(unit)) s.kept = NULL;
    mlce_tile_scratch *tiles = is_long ? scratch->tiles : &scratch->tiles[thread];
    sum_unit(unit, &s, tiles, is_long);
    if (unit->dq) differentiate_unit(unit, &s, tiles, is_long);
    for (int a = 0; a < unit->types; a++)
        if (s.direct[a]) mlce_span_streamed_sums(unit, a, &scratch->streamed[thread]);
}
