/* factored_tile.c - the two passes of the factored span loss over a tile of pairs.
 *
 * A tile is up to MLCE_TILE_ROWS rows of pairs, worked on in blocks of MLCE_COLUMN_BLOCK columns;
 * r_i grows from block to block, and what came before is scaled to it. Its products take a panel
 * of columns at once and only the rows that have pairs there, or a few rows and only the columns
 * that have pairs in them: little of what lies outside the triangle is computed.
 */
#include <math.h>
#include <string.h>

#include "core/rows.h"
#include "core/vector.h"
#include "span/factored.h"

enum { ROWS_AT_ONCE = 12 /* where a product sums over columns */ };

/* ---- Kernels ---- */

/* E := E o P, a panel wide */
MLCE_KERNEL static void multiply_panel(float *E, size_t stride, const float *P, int rows) {
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < MLCE_PANEL; j++)
            E[(size_t)r * stride + (size_t)j] *= P[r * MLCE_PANEL + j];
}

/* ---- A block of a tile: columns [start, end) of its rows ---- */

typedef struct block {
    mlce_span_tile tile;
    int start, end;
    int stride; /* of E: whole panels */
} block;

static block block_at(mlce_span_tile tile, int start) {
    int end = start + MLCE_COLUMN_BLOCK < tile.end ? start + MLCE_COLUMN_BLOCK : tile.end;
    return (block){tile, start, end, mlce_panel_columns(end - start)};
}

/* Columns of row i within the block: [*from, *to). */
static void row_range(const mlce_span_view *view, block b, int i, int *from, int *to) {
    int row_end = mlce_span_row_end(view, i);
    *from = i > b.start ? i : b.start;
    *to = row_end < b.end ? row_end : b.end;
    if (*to < *from) *to = *from = b.start;
}

/* Rows of the tile with pairs in the panel of columns from j on: [*from, *to). */
static void panel_rows(const mlce_span_view *view, block b, int j, int *from, int *to) {
    *from = j - view->width + 1 > b.tile.first ? j - view->width + 1 : b.tile.first;
    *to = j + MLCE_PANEL < b.tile.last ? j + MLCE_PANEL : b.tile.last;
}

/* Columns of the block with pairs in the rows [i, i + count): [*from, *to). */
static void rows_columns(const mlce_span_view *view, block b, int i, int count, int *from,
                         int *to) {
    int row_end = mlce_span_row_end(view, i + count - 1);
    *from = i > b.start ? i : b.start;
    *to = row_end < b.end ? row_end : b.end;
}

/* The place of row i, column j in the block's E. */
static float *at(float *E, block b, int i, int j) {
    return E + (size_t)(i - b.tile.first) * (size_t)b.stride + (size_t)(j - b.start);
}

static bool is_inside(block b, const mlce_gold_pair *pair) {
    return pair->i >= b.tile.first && pair->i < b.tile.last && pair->j >= b.start &&
           pair->j < b.end;
}

/* Where the block of a kept tile is. Tiles are as wide as the rows that they start with, in whole
   panels, so that what lies before one has a closed form. */
static float *kept_block(const mlce_span_unit *unit, const mlce_factored_state *s, block b) {
    if (!s->kept) return NULL;
    size_t length = (size_t)mlce_panel_columns(unit->view.length), first = (size_t)b.tile.first;
    size_t tiles_before = first * length - first * (first - MLCE_TILE_ROWS) / 2;
    size_t rows = (size_t)(b.tile.last - b.tile.first);
    return s->kept + tiles_before + rows * (size_t)(b.start - b.tile.first);
}

/* r_i as it was when row i of the block was finished. */
static float *block_top(const mlce_span_unit *unit, const mlce_factored_state *s, block b, int i) {
    size_t number = (size_t)((b.start - b.tile.first) / MLCE_COLUMN_BLOCK);
    return s->block_top + number * (size_t)unit->view.length + i;
}

/* ---- The first pass: E, r and G ---- */

/* A = q . scale k of the block into E; gold pairs get -infinity. */
static void block_products(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                           float *E) {
    const mlce_span_view *view = &unit->view;
    const float *q[MLCE_TILE_ROWS];
    for (int i = b.tile.first; i < b.tile.last; i++)
        q[i - b.tile.first] = view->q + (size_t)i * (size_t)view->stride;
    for (int j = b.start, from, to; j < b.end; j += MLCE_PANEL) {
        panel_rows(view, b, j, &from, &to);
        mlce_panel_multiply(q + (from - b.tile.first), 1, to - from,
                            s->keys_across + (size_t)j * (size_t)view->head_size, view->head_size,
                            false, at(E, b, from, j), b.stride);
    }
    for (int n = 0; n < unit->gold_count; n++)
        if (is_inside(b, &unit->gold[n])) *at(E, b, unit->gold[n].i, unit->gold[n].j) = -INFINITY;
}

/* Row i of the block from A to E = e^(A - r_i), zero outside the pairs. Returns the sum. */
static float finish_row(const mlce_span_view *view, block b, int i, float top, float *E) {
    int from, to;
    row_range(view, b, i, &from, &to);
    float *row = at(E, b, i, b.start);
    memset(row, 0, (size_t)(from - b.start) * sizeof *row);
    memset(row + (to - b.start), 0, (size_t)(b.start + b.stride - to) * sizeof *row);
    if (top > -INFINITY) return mlce_row_exp(row + (from - b.start), top, to - from);
    memset(row + (from - b.start), 0, (size_t)(to - from) * sizeof *row);
    return 0;
}

/* r_i grows with the block's largest A; what G holds is brought to the new scale. */
static void raise_top(const mlce_span_unit *unit, const mlce_factored_state *s, block b, int i,
                      float *E) {
    int from, to;
    row_range(&unit->view, b, i, &from, &to);
    float top = mlce_row_top(at(E, b, i, from), to - from), before = s->row_top[i];
    if (!(top > before)) return;
    s->row_top[i] = top;
    if (before == -INFINITY) return;
    float factor = expf(before - top > MLCE_LOWEST ? before - top : MLCE_LOWEST);
    mlce_row_scale(s->g + (size_t)i * (size_t)s->T, factor, s->T);
}

/* G of the block's rows: E Y. */
static void sum_types(const mlce_span_unit *unit, const mlce_factored_state *s, block b, float *E) {
    size_t T = (size_t)s->T, length = (size_t)unit->view.length;
    const float *rows[ROWS_AT_ONCE];
    for (int i = b.tile.first; i < b.tile.last; i += ROWS_AT_ONCE) {
        int count = b.tile.last - i < ROWS_AT_ONCE ? b.tile.last - i : ROWS_AT_ONCE, from, to;
        rows_columns(&unit->view, b, i, count, &from, &to);
        if (to <= from) continue;
        for (int r = 0; r < count; r++) rows[r] = at(E, b, i + r, from);
        for (size_t a = 0; a < T; a += MLCE_PANEL)
            mlce_panel_multiply(rows, 1, count, s->y + a * length + (size_t)from * MLCE_PANEL,
                                to - from, b.start > b.tile.first, s->g + (size_t)i * T + a, s->T);
    }
}

static void sum_block(const mlce_span_unit *unit, const mlce_factored_state *s, block b, float *E) {
    block_products(unit, s, b, E);
    for (int i = b.tile.first; i < b.tile.last; i++) {
        raise_top(unit, s, b, i, E);
        *block_top(unit, s, b, i) = s->row_top[i];
        float sum = finish_row(&unit->view, b, i, s->row_top[i], E);
        if (!s->y) s->g[i] = sum + (b.start > b.tile.first ? s->g[i] : 0.0f);
    }
    if (s->y) sum_types(unit, s, b, E);
}

void mlce_factored_sum_tile(const mlce_span_unit *unit, const mlce_factored_state *s, int first,
                            const mlce_tile_scratch *scratch) {
    mlce_span_tile tile = mlce_span_tile_at(&unit->view, first);
    for (int i = tile.first; i < tile.last; i++) s->row_top[i] = -INFINITY;
    for (int start = tile.first; start < tile.end; start += MLCE_COLUMN_BLOCK) {
        block b = block_at(tile, start);
        float *kept = kept_block(unit, s, b);
        sum_block(unit, s, b, kept ? kept : scratch->E);
    }
}

/* ---- The second pass: dA, and dq, dk, E^T (c x) ---- */

/* A kept block of E, brought to the rows' final r_i. */
static void rescale_block(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                          float *E) {
    for (int i = b.tile.first; i < b.tile.last; i++) {
        float before = *block_top(unit, s, b, i), top = s->row_top[i];
        if (before == top || before == -INFINITY) continue;
        float factor = expf(before - top > MLCE_LOWEST ? before - top : MLCE_LOWEST);
        mlce_row_scale(at(E, b, i, b.start), factor, b.stride);
    }
}

/* E of the block again. */
static float *block_of_E(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                         float *scratch) {
    float *kept = kept_block(unit, s, b);
    if (kept) {
        rescale_block(unit, s, b, kept);
        return kept;
    }
    block_products(unit, s, b, scratch);
    for (int i = b.tile.first; i < b.tile.last; i++)
        finish_row(&unit->view, b, i, s->row_top[i], scratch);
    return scratch;
}

/* to_j += sum over the block's rows of E_ij times row i of the panels, for its columns j. The
   panels are of the tile's rows, `width` columns in all, as many as `to` has in a row. */
static void add_transposed(const mlce_span_view *view, block b, float *E, const float *panels,
                           int width, float *to) {
    size_t tile_rows = (size_t)(b.tile.last - b.tile.first);
    const float *columns[MLCE_PANEL];
    for (int j = b.start, from, to_row; j < b.end; j += MLCE_PANEL) {
        panel_rows(view, b, j, &from, &to_row);
        for (int n = 0; n < MLCE_PANEL; n++) columns[n] = at(E, b, from, j + n);
        size_t row = (size_t)(from - b.tile.first);
        for (int a = 0; a < width; a += MLCE_PANEL)
            mlce_panel_multiply(columns, b.stride, MLCE_PANEL,
                                panels + (size_t)a * tile_rows + row * MLCE_PANEL, to_row - from,
                                true, to + (size_t)j * (size_t)width + a, width);
    }
}

/* E := dA = E o (c x y^T), with the gold pairs' dA in their places. */
static void turn_into_dA(const mlce_span_unit *unit, const mlce_factored_state *s, block b,
                         float *E) {
    float P[MLCE_TILE_ROWS * MLCE_PANEL];
    const float *cx[MLCE_TILE_ROWS];
    for (int i = b.tile.first; i < b.tile.last; i++) {
        cx[i - b.tile.first] = s->x + (size_t)i * (size_t)s->T;
        if (!s->y) mlce_row_scale(at(E, b, i, b.start), s->x[i], b.stride);
    }
    for (int j = b.start, from, to; s->y && j < b.end; j += MLCE_PANEL) {
        panel_rows(&unit->view, b, j, &from, &to);
        mlce_panel_multiply(cx + (from - b.tile.first), 1, to - from,
                            s->y_across + (size_t)j * (size_t)unit->types, unit->types, false, P,
                            MLCE_PANEL);
        multiply_panel(at(E, b, from, j), (size_t)b.stride, P, to - from);
    }
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = mlce_factored_end_of_pair(unit, n);
        if (is_inside(b, &unit->gold[n]))
            *at(E, b, unit->gold[n].i, unit->gold[n].j) = s->gold_dA[n];
    }
}

/* dq of the tile's rows += dA . scale k */
static void add_dq(const mlce_span_unit *unit, const mlce_factored_state *s, block b, float *dA,
                   float *dq) {
    size_t d = (size_t)s->d, length = (size_t)unit->view.length;
    const float *rows[ROWS_AT_ONCE];
    for (int i = b.tile.first; i < b.tile.last; i += ROWS_AT_ONCE) {
        int count = b.tile.last - i < ROWS_AT_ONCE ? b.tile.last - i : ROWS_AT_ONCE, from, to;
        rows_columns(&unit->view, b, i, count, &from, &to);
        if (to <= from) continue;
        for (int r = 0; r < count; r++) rows[r] = at(dA, b, i + r, from);
        for (size_t c = 0; c < d; c += MLCE_PANEL)
            mlce_panel_multiply(rows, 1, count, s->keys + c * length + (size_t)from * MLCE_PANEL,
                                to - from, true, dq + (size_t)(i - b.tile.first) * d + c, s->d);
    }
}

/* Rows of `count` numbers, times `scale`, as panels; zeros in what the last panel has over. */
MLCE_KERNEL static void fill_panels(const float *from, size_t stride, int count, float scale,
                                    int rows, float *panels) {
    for (int start = 0; start < count; start += MLCE_PANEL) {
        float *panel = panels + (size_t)start * (size_t)rows;
        int wide = count - start < MLCE_PANEL ? count - start : MLCE_PANEL;
        if (wide < MLCE_PANEL) memset(panel, 0, (size_t)rows * MLCE_PANEL * sizeof *panel);
        for (int r = 0; r < rows; r++) {
            const float *row = from + (size_t)r * stride + start;
            float *to = panel + r * MLCE_PANEL;
            if (wide == MLCE_PANEL)
                for (int c = 0; c < MLCE_PANEL; c++) to[c] = scale * row[c];
            else
                for (int c = 0; c < wide; c++) to[c] = scale * row[c];
        }
    }
}

void mlce_factored_differentiate_tile(const mlce_span_unit *unit, const mlce_factored_state *s,
                                      int first, float *h, float *dk,
                                      const mlce_tile_scratch *scratch) {
    const mlce_span_view *view = &unit->view;
    mlce_span_tile tile = mlce_span_tile_at(view, first);
    int rows = tile.last - tile.first;
    size_t stride = (size_t)view->stride, d = (size_t)s->d, row = (size_t)first;
    if (h) fill_panels(s->x + row * (size_t)s->T, (size_t)s->T, s->T, 1, rows, scratch->cx);
    fill_panels(view->q + row * stride, stride, view->head_size, view->scale, rows, scratch->q);
    memset(scratch->dq, 0, (size_t)rows * d * sizeof *scratch->dq);
    for (int start = tile.first; start < tile.end; start += MLCE_COLUMN_BLOCK) {
        block b = block_at(tile, start);
        float *E = block_of_E(unit, s, b, scratch->E);
        if (h) add_transposed(view, b, E, scratch->cx, s->T, h);
        turn_into_dA(unit, s, b, E);
        add_dq(unit, s, b, E, scratch->dq);
        add_transposed(view, b, E, scratch->q, s->d, dk);
    }
    for (size_t r = 0; unit->dq && r < (size_t)rows; r++)
        memcpy(unit->dq + (row + r) * stride, scratch->dq + r * d,
               (size_t)view->head_size * sizeof *unit->dq);
}

void mlce_factored_fill_keys(const mlce_span_unit *unit, const mlce_factored_state *s, int first) {
    const mlce_span_view *view = &unit->view;
    int count = view->length - first < MLCE_PANEL ? view->length - first : MLCE_PANEL;
    size_t stride = (size_t)view->stride, size = (size_t)view->head_size;
    const float *k = view->k + (size_t)first * stride;
    float *across = s->keys_across + (size_t)first * size;
    if (count < MLCE_PANEL) memset(across, 0, size * MLCE_PANEL * sizeof *across);
    for (int t = 0; t < count; t++)
        for (size_t c = 0; c < size; c++)
            across[c * MLCE_PANEL + (size_t)t] = view->scale * k[(size_t)t * stride + c];
    for (size_t start = 0; start < size; start += MLCE_PANEL)
        fill_panels(k + start, stride, (int)(size - start < MLCE_PANEL ? size - start : MLCE_PANEL),
                    view->scale, count,
                    s->keys + start * (size_t)view->length + (size_t)first * MLCE_PANEL);
}
