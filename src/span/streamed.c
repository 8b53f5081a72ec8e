/* streamed.c - any loss over the spans of a unit, one type after the other through tiles of scores.
 *
 * binary_ce and focal are means of terms over the pairs, one pass. With p = 1 / (1 + e^-s) and
 *
 *   f(s) = p^gamma log(1 + e^s),   f'(s) = p^gamma (gamma (1 - p) log(1 + e^s) + p)
 *
 * a negative's term is f(s), a positive's f(-s), times 1 and w (binary_ce, gamma = 0) or times
 * 1 - alpha and alpha (focal). multilabel_ce, threshold_ce and topk_ce need the sums
 * Z_N and Z_P first, so their scores are computed twice:
 *
 *   dL/ds = e^(s + log c) on N,  -e^(-s + log d) on P
 *
 * A type's largest u and v are taken out of its terms before anything is added to them, and come
 * back in double precision: however large the scores, their differences stay exact.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "core/rows.h"
#include "core/vector.h"
#include "loss/log_sum.h"
#include "span/private.h"

/* One type of a unit, on its way through the tiles. */
typedef struct walk {
    mlce_span_unit *unit;
    mlce_streamed_scratch *work;
    int type;           /* counted from the unit's first */
    float top_u, top_v; /* the largest of the type's terms */
    double shift;       /* top_u + top_v - s_0: what the rows' scores lack */
    bool has_gold;
} walk;

bool mlce_streamed_scratch_new(mlce_arena *arena, int longest, mlce_streamed_scratch *scratch) {
    size_t length = (size_t)longest, tile = MLCE_TILE_ROWS * length;
    return (scratch->A = mlce_arena_alloc(arena, tile, sizeof(float))) &&
           (scratch->dA = mlce_arena_alloc(arena, tile, sizeof(float))) &&
           (scratch->row = mlce_arena_alloc(arena, length, sizeof(float))) &&
           (scratch->u = mlce_arena_alloc(arena, length, sizeof(float))) &&
           (scratch->v = mlce_arena_alloc(arena, length, sizeof(float))) &&
           (scratch->du = mlce_arena_alloc(arena, length, sizeof(float))) &&
           (scratch->dv = mlce_arena_alloc(arena, length, sizeof(float)));
}

/* s_j = A_j + u_i + v_j */
MLCE_KERNEL static void row_scores(const float *A, float u, const float *v, float *s, int count) {
    for (int j = 0; j < count; j++) s[j] = A[j] + u + v[j];
}

/* sum of e^(s_j - top) */
MLCE_KERNEL static float row_sum(const float *s, float top, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < count; j++) {
        float x = s[j] - top;
        float e = expf(x > MLCE_LOWEST ? x : MLCE_LOWEST);
        sum += x > MLCE_LOWEST ? e : 0.0f;
    }
    return sum;
}

/* p_j = weight * e^(s_j + log_c);  dA += p,  dv += p;  returns the sum of p, which is du_i. */
MLCE_KERNEL static float row_gradient(const float *s, float log_c, float weight, float *dA,
                                      float *dv, int count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < count; j++) {
        float x = s[j] + log_c;
        float p = weight * expf(x > MLCE_LOWEST ? x : MLCE_LOWEST);
        p = x > MLCE_LOWEST ? p : 0.0f;
        dA[j] += p;
        dv[j] += p;
        sum += p;
    }
    return sum;
}

/* g_j = weight * f'(s_j + shift);  dA += g,  dv += g,  *du = sum of g.  Returns the sum of f. A
   gold pair's -infinity gives nothing. */
MLCE_KERNEL static float row_terms(const float *s, float shift, float gamma, float weight,
                                   float *dA, float *dv, float *du, int count) {
    float terms = 0, sum = 0;
#pragma omp simd reduction(+ : terms, sum)
    for (int j = 0; j < count; j++) {
        float x = s[j] + shift;
        x = x > MLCE_LOWEST ? x : MLCE_LOWEST;
        float e = expf(x > 0 ? (x < -MLCE_LOWEST ? -x : MLCE_LOWEST) : x); /* e^-|x| */
        float p = (x > 0 ? 1.0f : e) / (1.0f + e), q = (x > 0 ? e : 1.0f) / (1.0f + e);
        float softplus = (x > 0 ? x : 0.0f) + log1pf(e);
        float power = expf(gamma * (x > 0 ? -log1pf(e) : x - log1pf(e)) > MLCE_LOWEST
                               ? gamma * (x > 0 ? -log1pf(e) : x - log1pf(e))
                               : MLCE_LOWEST);
        float g = weight * power * (gamma * q * softplus + p);
        terms += power * softplus;
        dA[j] += g;
        dv[j] += g;
        sum += g;
    }
    *du = sum;
    return terms;
}

static float largest(const float *terms, size_t step, int count) {
    float top = -INFINITY;
    for (int i = 0; i < count; i++)
        if (terms[(size_t)i * step] > top) top = terms[(size_t)i * step];
    return count ? top : 0.0f;
}

static bool is_gold_of(const walk *w, const mlce_gold_pair *pair) {
    return pair->type == w->unit->first_type + w->type;
}

static walk begin(mlce_span_unit *unit, int type, mlce_streamed_scratch *work) {
    walk w = {.unit = unit, .work = work, .type = type};
    w.shift = -mlce_span_threshold(unit, type);
    for (int n = 0; n < unit->gold_count; n++)
        w.has_gold = w.has_gold || is_gold_of(&w, &unit->gold[n]);
    return w;
}

/* u - top_u and v - top_v of the tokens of a tile */
static void gather_terms(const walk *w, mlce_span_tile tile) {
    for (int i = tile.first; i < tile.end; i++) {
        w->work->u[i] = mlce_span_u(w->unit, i, w->type) - w->top_u;
        w->work->v[i] = mlce_span_v(w->unit, i, w->type) - w->top_v;
    }
}

/* The scores of row i less w->shift, into work->row; gold pairs get -infinity. Returns how many. */
static int negative_row(const walk *w, mlce_span_tile tile, int i) {
    mlce_streamed_scratch *work = w->work;
    int pairs = mlce_span_row_end(&w->unit->view, i) - i;
    const float *A = work->A + (size_t)(i - tile.first) * (size_t)(tile.end - tile.first + 1);
    row_scores(A, work->u[i], work->v + i, work->row, pairs);
    for (int n = 0; w->has_gold && n < w->unit->gold_count; n++)
        if (w->unit->gold[n].i == i && is_gold_of(w, &w->unit->gold[n]))
            work->row[w->unit->gold[n].j - i] = -INFINITY;
    return pairs;
}

static float *row_of_dA(const walk *w, mlce_span_tile tile, int i) {
    return w->work->dA + (size_t)(i - tile.first) * (size_t)(tile.end - tile.first + 1);
}

/* One gold pair's gradient g into a tile's dA and the type's du, dv. */
static void add_gold_gradient(const walk *w, mlce_span_tile tile, const mlce_gold_pair *pair,
                              float g) {
    row_of_dA(w, tile, pair->i)[pair->j - pair->i] += g;
    w->work->du[pair->i] += g;
    w->work->dv[pair->j] += g;
}

/* The type's du and dv of a tile, to where the unit wants them. */
static void scatter_terms(const walk *w, mlce_span_tile tile) {
    mlce_span_unit *unit = w->unit;
    double sum = 0;
    for (int i = tile.first; i < tile.last; i++) {
        if (unit->du) unit->du[(size_t)i * unit->step + (size_t)w->type] += w->work->du[i];
        sum += (double)w->work->du[i];
    }
    for (int j = tile.first; unit->dv && j < tile.end; j++)
        unit->dv[(size_t)j * unit->step + (size_t)w->type] += w->work->dv[j];
    if (unit->dthreshold) unit->dthreshold[w->type] -= sum;
}

/* dq_i += scale * sum_j dA_ij k_j,  dk_j += scale * sum_i dA_ij q_i */
static void add_products(const mlce_span_unit *unit, mlce_span_tile tile, const float *dA) {
    const mlce_span_view *v = &unit->view;
    int rows = tile.last - tile.first, cols = tile.end - tile.first;
    size_t start = (size_t)tile.first * (size_t)v->stride;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, v->head_size, cols, v->scale, dA,
                cols, v->k + start, v->stride, 1, unit->dq + start, v->stride);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, cols, v->head_size, rows, v->scale, dA,
                cols, v->q + start, v->stride, 1, unit->dk + start, v->stride);
}

static void clear(float *values, int from, int to) {
    memset(values + from, 0, (size_t)(to - from) * sizeof *values);
}

static void clear_tile(mlce_streamed_scratch *work, mlce_span_tile tile) {
    memset(work->dA, 0,
           (size_t)(tile.last - tile.first) * (size_t)(tile.end - tile.first) * sizeof *work->dA);
}

/* ---- multilabel_ce, threshold_ce, topk_ce ---- */

/* log Z_N less w->shift */
static double sum_negatives(const walk *w) {
    const mlce_span_view *view = &w->unit->view;
    mlce_log_sum sum = MLCE_LOG_SUM_NONE;
    for (int first = 0; first < view->length; first += view->tile_rows) {
        mlce_span_tile tile = mlce_span_tile_at(view, first);
        mlce_span_tile_products(view, tile, w->work->A, tile.end - tile.first);
        gather_terms(w, tile);
        for (int i = tile.first; i < tile.last; i++) {
            int pairs = negative_row(w, tile, i);
            float top = mlce_row_top(w->work->row, pairs);
            if (top > -INFINITY)
                mlce_log_sum_add(&sum, (double)top, (double)row_sum(w->work->row, top, pairs));
        }
    }
    return mlce_log_sum_value(&sum);
}

static void add_gradients(const walk *w, mlce_span_coefficients c) {
    mlce_span_unit *unit = w->unit;
    mlce_streamed_scratch *work = w->work;
    for (int first = 0; first < unit->view.length; first += unit->view.tile_rows) {
        mlce_span_tile tile = mlce_span_tile_at(&unit->view, first);
        mlce_span_tile_products(&unit->view, tile, work->A, tile.end - tile.first);
        clear_tile(work, tile);
        clear(work->dv, tile.first, tile.end);
        gather_terms(w, tile);
        for (int i = tile.first; i < tile.last; i++) {
            int pairs = negative_row(w, tile, i);
            work->du[i] = row_gradient(work->row, (float)(c.log_c + w->shift), unit->weight,
                                       row_of_dA(w, tile, i), work->dv + i, pairs);
        }
        for (int n = 0; n < unit->gold_count; n++) {
            const mlce_gold_pair *pair = &unit->gold[n];
            if (!is_gold_of(w, pair) || pair->i < tile.first || pair->i >= tile.last) continue;
            double s = mlce_span_pair_score(unit, pair, w->type);
            double g = mlce_span_gold_gradient(pair, s, c.log_c, c.log_d);
            add_gold_gradient(w, tile, pair, unit->weight * (float)g);
        }
        scatter_terms(w, tile);
        add_products(unit, tile, work->dA);
    }
}

void mlce_span_streamed_sums(mlce_span_unit *unit, int type, mlce_streamed_scratch *scratch) {
    walk w = begin(unit, type, scratch);
    if (unit->u) w.top_u = largest(unit->u + type, unit->step, unit->view.length);
    if (unit->v) w.top_v = largest(unit->v + type, unit->step, unit->view.length);
    w.shift += (double)w.top_u + (double)w.top_v;
    mlce_gold_sums gold = mlce_span_gold_sums(unit, type);
    double log_negatives = mlce_log_add(sum_negatives(&w) + w.shift, gold.log_negatives);
    mlce_span_coefficients c = mlce_span_coefficients_of(unit, log_negatives, gold.log_positives);
    unit->loss += c.loss;
    if (unit->dq) add_gradients(&w, c);
}

/* ---- binary_ce, focal ---- */

typedef struct term_weights {
    float gamma, negative, positive;
} term_weights;

static term_weights weights_of(const mlce_span_unit *unit) {
    const mlce_loss_options *o = unit->options;
    double width = unit->view.width, length = unit->view.length;
    float each = (float)(1.0 / (width * length - width * (width - 1) / 2)); /* 1 / pairs */
    if (o->kind == MLCE_LOSS_FOCAL)
        return (term_weights){o->gamma, each * (1.0f - o->alpha), each * o->alpha};
    return (term_weights){0.0f, each, each * o->positive_weight};
}

/* f(x) and f'(x) in double precision */
static double term(double x, double gamma, double *derivative) {
    double e = exp(-fabs(x)), p = (x > 0 ? 1 : e) / (1 + e), q = (x > 0 ? e : 1) / (1 + e);
    double softplus = (x > 0 ? x : 0) + log1p(e);
    double power = exp(gamma * ((x > 0 ? 0 : x) - log1p(e)));
    *derivative = power * (gamma * q * softplus + p);
    return power * softplus;
}

/* A gold pair's terms, into the unit's loss; returns its gradient. */
static float gold_term(mlce_span_unit *unit, const mlce_gold_pair *pair, int type, term_weights t) {
    double s = mlce_span_pair_score(unit, pair, type), derivative;
    double value = term(-s, (double)t.gamma, &derivative);
    float positive = t.positive * pair->target, negative = t.negative * (1.0f - pair->target);
    unit->loss += (double)positive * value;
    float gradient = -unit->weight * positive * (float)derivative;
    if (pair->target == 1.0f) return gradient;
    value = term(s, (double)t.gamma, &derivative);
    unit->loss += (double)negative * value;
    return gradient + unit->weight * negative * (float)derivative;
}

/* The terms of one type in a tile, into the unit's loss; dA, du, dv */
static void add_terms(const walk *w, mlce_span_tile tile, term_weights t) {
    mlce_span_unit *unit = w->unit;
    mlce_streamed_scratch *work = w->work;
    gather_terms(w, tile);
    clear(work->dv, tile.first, tile.end);
    for (int i = tile.first; i < tile.last; i++) {
        int pairs = negative_row(w, tile, i);
        float sum = row_terms(work->row, (float)w->shift, t.gamma, unit->weight * t.negative,
                              row_of_dA(w, tile, i), work->dv + i, &work->du[i], pairs);
        unit->loss += (double)t.negative * (double)sum;
    }
    for (int n = 0; w->has_gold && n < unit->gold_count; n++) {
        const mlce_gold_pair *pair = &unit->gold[n];
        if (!is_gold_of(w, pair) || pair->i < tile.first || pair->i >= tile.last) continue;
        add_gold_gradient(w, tile, pair, gold_term(unit, pair, w->type, t));
    }
    scatter_terms(w, tile);
}

void mlce_span_streamed_terms(mlce_span_unit *unit, mlce_streamed_scratch *scratch) {
    term_weights t = weights_of(unit);
    for (int first = 0; first < unit->view.length; first += unit->view.tile_rows) {
        mlce_span_tile tile = mlce_span_tile_at(&unit->view, first);
        mlce_span_tile_products(&unit->view, tile, scratch->A, tile.end - tile.first);
        clear_tile(scratch, tile);
        for (int a = 0; a < unit->types; a++) {
            walk w = begin(unit, a, scratch);
            add_terms(&w, tile, t);
        }
        if (unit->dq) add_products(unit, tile, scratch->dA);
    }
}
