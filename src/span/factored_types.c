/* factored_types.c - what the factored span loss does type by type: the factors x and y, the sums
 * Z, and the gold pairs.
 */
#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "loss/log_sum.h"
#include "span/factored.h"

static const double GUARD_TOP = 60.0, GUARD_SUM = 4.2e-18 /* e^-40 */;

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
        float value = expf(x > MLCE_LOWEST ? x : MLCE_LOWEST);
        e[a] = x > MLCE_LOWEST ? value : 0.0f;
    }
}

MLCE_KERNEL static void add_products_double(double *to, const float *x, const float *y, int count) {
    for (int a = 0; a < count; a++) to[a] += (double)x[a] * (double)y[a];
}

/* y of the tokens first .. first+count-1 <= MLCE_PANEL, [MLCE_PANEL, MLCE_TYPE_BLOCK], into the two
   kinds of panels. */
static void put_y(const mlce_span_unit *unit, const mlce_factored_state *s, int first, int count,
                  int type, int types, const float *y) {
    size_t length = (size_t)unit->view.length, token = (size_t)first, T = (size_t)unit->types;
    for (int a = 0; a < types; a += MLCE_PANEL) {
        float *panel = s->y + (size_t)(type + a) * length + token * MLCE_PANEL;
        for (int t = 0; t < count; t++)
            memcpy(panel + t * MLCE_PANEL, y + t * MLCE_TYPE_BLOCK + a, MLCE_PANEL * sizeof *y);
    }
    float *across = s->y_across + token * T + (size_t)type * MLCE_PANEL;
    for (int a = 0; a < types; a++)
        for (int t = 0; t < MLCE_PANEL; t++)
            across[a * MLCE_PANEL + t] = y[t * MLCE_TYPE_BLOCK + a];
}

void mlce_factored_prepare(const mlce_span_unit *unit, mlce_factored_state *s, int first,
                           int count) {
    float y[MLCE_PANEL * MLCE_TYPE_BLOCK];
    int length = unit->view.length;
    for (int a = first; a < first + count; a++) {
        s->top_u[a] = s->top_v[a] = unit->u ? -INFINITY : 0.0f;
        s->direct[a] = false;
    }
    if (!unit->u) return;
    for (int i = 0; i < length; i++) {
        max_into(s->top_u + first, unit->u + (size_t)i * unit->step + first, 0, count);
        max_into(s->top_v + first, unit->v + (size_t)i * unit->step + first, 0, count);
    }
    memset(y, 0, sizeof y);
    for (int i = 0; i < length; i += MLCE_PANEL) {
        int tokens = length - i < MLCE_PANEL ? length - i : MLCE_PANEL;
        if (tokens < MLCE_PANEL) memset(y, 0, sizeof y);
        for (int t = 0; t < tokens; t++)
            type_exp(y + t * MLCE_TYPE_BLOCK, unit->v + (size_t)(i + t) * unit->step + first, 0,
                     s->top_v + first, count);
        put_y(unit, s, i, tokens, first, count, y);
    }
}

/* What the last panel of types has over is 0. */
static void clear_rest(const mlce_span_unit *unit, const mlce_factored_state *s) {
    size_t T = (size_t)s->T, over = T - (size_t)unit->types;
    for (size_t a = T - over; a < T; a++) s->c[a] = 0;
    for (size_t i = 0; over && i < (size_t)unit->view.length; i++)
        memset(s->x + i * T + (T - over), 0, over * sizeof *s->x);
}

/* x = e^(u - top_u + r - top_x) and z = sum of x G, over all rows. */
void mlce_factored_sum(const mlce_span_unit *unit, mlce_factored_state *s, int first, int count) {
    static const float none[MLCE_TYPE_BLOCK] = {0};
    size_t T = (size_t)s->T;
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
    if (first + count == unit->types) clear_rest(unit, s);
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
        float value = expf(bounded > MLCE_LOWEST ? bounded : MLCE_LOWEST);
        e[a] = x > MLCE_LOWEST ? value : 0.0f;
    }
    return top;
}

/* A block of types of one gold pair: e^s in the scale of z for the types that it is not gold for,
   0 for those it is. The gold spans of one pair are first .. last-1. */
static float other_types(const mlce_span_unit *unit, const mlce_factored_state *s, int first,
                         int last, int a, int count, float *e) {
    static const float none[MLCE_TYPE_BLOCK] = {0};
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
int mlce_factored_end_of_pair(const mlce_span_unit *unit, int first) {
    int last = first + 1;
    while (last < unit->gold_count && unit->gold[last].i == unit->gold[first].i &&
           unit->gold[last].j == unit->gold[first].j)
        last++;
    return last;
}

static void add_other_types(const mlce_span_unit *unit, mlce_factored_state *s) {
    float e[MLCE_TYPE_BLOCK];
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = mlce_factored_end_of_pair(unit, n);
        for (int a = 0; a < unit->types; a += MLCE_TYPE_BLOCK) {
            int count = unit->types - a < MLCE_TYPE_BLOCK ? unit->types - a : MLCE_TYPE_BLOCK;
            bool is_high = other_types(unit, s, n, last, a, count, e) >= HIGHEST;
            for (int t = 0; t < count; t++) {
                s->z[a + t] += (double)e[t];
                if (is_high && e[t] > 1e26f) s->direct[a + t] = true; /* e^60 is 1.14e26 */
            }
        }
    }
}

/* Z_N, the loss and the coefficients of each type. */
void mlce_factored_finish(mlce_span_unit *unit, mlce_factored_state *s) {
    add_other_types(unit, s);
    for (int a = 0; a < unit->types; a++) {
        double scale = (double)s->top_u[a] + (double)s->top_v[a] + (double)s->top_x[a] -
                       mlce_span_threshold(unit, a);
        if (scale > GUARD_TOP && s->z[a] < GUARD_SUM) s->direct[a] = true;
        s->c[a] = 0;
        if (s->direct[a]) continue;
        mlce_gold_sums gold = mlce_span_gold_sums(unit, a);
        double log_positives = gold.log_positives;
        double log_negatives = mlce_log_add(scale + log(s->z[a]), gold.log_negatives);
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

/* dL/ds of a gold pair for the types a .. a+count-1, into g: first .. last-1 are its gold spans. */
static void pair_gradients(const mlce_span_unit *unit, const mlce_factored_state *s, int first,
                           int last, int a, int count, float *g) {
    other_types(unit, s, first, last, a, count, g);
    for (int t = 0; t < count; t++) g[t] *= s->c[a + t];
    for (int n = first; n < last; n++) {
        int type = unit->gold[n].type - unit->first_type;
        if (type < a || type >= a + count || s->direct[type]) continue;
        double score = mlce_span_pair_score(unit, &unit->gold[n], type);
        g[type - a] = unit->weight * (float)mlce_span_gold_gradient(&unit->gold[n], score,
                                                                    s->log_c[type], s->log_d[type]);
    }
}

void mlce_factored_gold_products(const mlce_span_unit *unit, mlce_factored_state *s) {
    float g[MLCE_TYPE_BLOCK];
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = mlce_factored_end_of_pair(unit, n);
        double dA = 0;
        for (int a = 0; a < unit->types; a += MLCE_TYPE_BLOCK) {
            int count = unit->types - a < MLCE_TYPE_BLOCK ? unit->types - a : MLCE_TYPE_BLOCK;
            pair_gradients(unit, s, n, last, a, count, g);
            for (int t = 0; t < count; t++) dA += (double)g[t];
        }
        s->gold_dA[n] = (float)dA;
    }
}

void mlce_factored_gold_terms(const mlce_span_unit *unit, const mlce_factored_state *s) {
    float g[MLCE_TYPE_BLOCK];
    for (int n = 0, last; n < unit->gold_count; n = last) {
        last = mlce_factored_end_of_pair(unit, n);
        float *du = unit->du + (size_t)unit->gold[n].i * unit->step;
        float *dv = unit->dv + (size_t)unit->gold[n].j * unit->step;
        for (int a = 0; a < unit->types; a += MLCE_TYPE_BLOCK) {
            int count = unit->types - a < MLCE_TYPE_BLOCK ? unit->types - a : MLCE_TYPE_BLOCK;
            pair_gradients(unit, s, n, last, a, count, g);
            for (int t = 0; t < count; t++) {
                du[a + t] += g[t];
                dv[a + t] += g[t];
            }
        }
    }
}
