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
 * Sequences up to MLCE_KEEP_LENGTH keep their tiles of E for the second pass; longer ones compute
 * them again: then the memory is O(length * (head size + types)).
 */
#include "span/factored.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/vector.h"

MLCE_KERNEL static void set_products(float *to, const float *x, const float *y, int count) {
    for (int a = 0; a < count; a++) to[a] = x[a] * y[a];
}

MLCE_KERNEL static void multiply_by(float *x, const float *c, int count) {
    for (int a = 0; a < count; a++) x[a] *= c[a];
}

MLCE_KERNEL static void add_to(float *to, const float *from, int count) {
    for (int c = 0; c < count; c++) to[c] += from[c];
}

/* ---- The second pass ---- */

/* Every groups-th tile, from the group's number on. */
static void differentiate_group(const mlce_span_unit *unit, const mlce_factored_state *s, int group,
                                const mlce_tile_scratch *scratch) {
    size_t length = (size_t)mlce_panel_columns(unit->view.length), number = (size_t)group;
    size_t T = (size_t)s->T, d = (size_t)s->d;
    float *h = s->h ? s->h + number * length * T : NULL, *dk = s->dk + number * length * d;
    if (h) memset(h, 0, length * T * sizeof *h);
    memset(dk, 0, length * d * sizeof *dk);
    for (int first = group * MLCE_TILE_ROWS; first < unit->view.length;
         first += s->groups * MLCE_TILE_ROWS)
        mlce_factored_differentiate_tile(unit, s, first, h, dk, scratch);
}

/* Of token i: the groups' parts together, in the first one. */
static float *sum_groups(float *parts, int groups, size_t part_size, size_t i, int count) {
    float *sum = parts + i * (size_t)count;
    for (int group = 1; group < groups; group++)
        add_to(sum, sum + (size_t)group * part_size, count);
    return sum;
}

/* du_i = c x_i G_i,  dv_i = y_i h_i,  dk_i */
static void collect_token(const mlce_span_unit *unit, const mlce_factored_state *s, int i) {
    size_t T = (size_t)s->T, d = (size_t)s->d, token = (size_t)i;
    size_t length = (size_t)mlce_panel_columns(unit->view.length);
    if (unit->dk) {
        const float *dk = sum_groups(s->dk, s->groups, length * d, token, s->d);
        memcpy(unit->dk + token * (size_t)unit->view.stride, dk,
               (size_t)unit->view.head_size * sizeof *dk);
    }
    if (!unit->du) return;
    set_products(unit->du + token * unit->step, s->x + token * T, s->g + token * T, unit->types);
    const float *h = sum_groups(s->h, s->groups, length * T, token, s->T);
    for (int a = 0; a < unit->types; a += MLCE_PANEL) {
        const float *y = s->y + (size_t)a * (size_t)unit->view.length + token * MLCE_PANEL;
        int count = unit->types - a < MLCE_PANEL ? unit->types - a : MLCE_PANEL;
        set_products(unit->dv + token * unit->step + a, y, h + a, count);
    }
}

static void differentiate_unit(const mlce_span_unit *unit, mlce_factored_state *s,
                               mlce_tile_scratch *tiles) {
    int length = unit->view.length;
    mlce_factored_gold_products(unit, s);
#pragma omp parallel for schedule(static) if (unit->split)
    for (int i = 0; i < length; i++) multiply_by(s->x + (size_t)i * (size_t)s->T, s->c, s->T);
#pragma omp parallel for schedule(dynamic, 1) if (unit->split)
    for (int group = 0; group < s->groups; group++)
        differentiate_group(unit, s, group, &tiles[omp_get_thread_num()]);
#pragma omp parallel for schedule(static) if (unit->split)
    for (int i = 0; i < length; i++) collect_token(unit, s, i);
    if (unit->du) mlce_factored_gold_terms(unit, s);
}

/* ---- The first pass ---- */

static int blocks_of_types(const mlce_span_unit *unit) {
    return (unit->types + MLCE_TYPE_BLOCK - 1) / MLCE_TYPE_BLOCK;
}

static int types_in_block(const mlce_span_unit *unit, int number) {
    int first = number * MLCE_TYPE_BLOCK;
    return unit->types - first < MLCE_TYPE_BLOCK ? unit->types - first : MLCE_TYPE_BLOCK;
}

static void sum_unit(mlce_span_unit *unit, mlce_factored_state *s, mlce_tile_scratch *tiles) {
    int blocks = blocks_of_types(unit), length = unit->view.length;
#pragma omp parallel if (unit->split)
    {
#pragma omp for schedule(static) nowait
        for (int first = 0; first < length; first += MLCE_PANEL)
            mlce_factored_fill_keys(unit, s, first);
#pragma omp for schedule(dynamic, 1)
        for (int n = 0; n < blocks; n++)
            mlce_factored_prepare(unit, s, n * MLCE_TYPE_BLOCK, types_in_block(unit, n));
#pragma omp for schedule(dynamic, 1)
        for (int first = 0; first < length; first += MLCE_TILE_ROWS)
            mlce_factored_sum_tile(unit, s, first, &tiles[omp_get_thread_num()]);
#pragma omp for schedule(dynamic, 1)
        for (int n = 0; n < blocks; n++)
            mlce_factored_sum(unit, s, n * MLCE_TYPE_BLOCK, types_in_block(unit, n));
    }
    mlce_factored_finish(unit, s);
}

void mlce_span_factored(mlce_span_unit *unit, mlce_factored_scratch *scratch, int thread) {
    if (unit->view.length == 0) return;
    unit->view.tile_rows = MLCE_TILE_ROWS; /* as a tile is not computed where it has no pairs */
    mlce_factored_state s = unit->split ? scratch->split_state : scratch->states[thread];
    if (!mlce_span_keeps_tiles(unit)) s.kept = NULL;
    mlce_tile_scratch *tiles = unit->split ? scratch->tiles : &scratch->tiles[thread];
    sum_unit(unit, &s, tiles);
    if (unit->dq || unit->du) differentiate_unit(unit, &s, tiles);
    for (int a = 0; a < unit->types; a++)
        if (s.direct[a]) mlce_span_streamed_sums(unit, a, &scratch->streamed[thread]);
}
