/* exponentials.c - softmax_ce, topk_ce, threshold_ce and multilabel_ce, which all stand on
 *
 *   Z_N = sum (1-t_i) e^s_i,   Z_P = sum t_i e^-s_i
 *
 * multilabel and threshold:  L = log(e^s_0 + Z_N) + log(e^-s_0 + Z_P)
 *                            dL/ds_i = (1-t_i) e^s_i / (e^s_0 + Z_N) - t_i e^-s_i / (e^-s_0 + Z_P)
 * top k and softmax:         L = log(1 + Z_N Z_P)
 *                            dL/ds_i = Z_N Z_P / (1 + Z_N Z_P) ((1-t_i) e^s_i / Z_N - t_i e^-s_i /
 * Z_P)
 *
 * Most classes are plain negatives, and for these each score is read from memory once and
 * costs one exponential: e^(s - shift) goes into grad, and once Z_N is known grad is scaled.
 */
#include <string.h>

#include "loss/rows.h"
#include "loss/vector_exp.h"

/* A part's shift is raised when a score is this much larger: seldom, so that the exponentials that
   were written before seldom need to be scaled for it. */
static const float SLACK = 16.0f;

/* ---- Kernels ---- */

MLCE_FUSED_KERNEL static float largest(const float *s, int count) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int i = 0; i < count; i++) top = s[i] > top ? s[i] : top;
    return top;
}

/* e_i = e^(s_i - shift); returns their sum. Meanwhile `next`, if given, is fetched from memory: as
   many numbers from there on. */
MLCE_FUSED_KERNEL static float exponentials(const float *s, float shift, float *e, int count,
                                            const float *next) {
    enum { STRIP = 128, LINE = 16 };
    float sum = 0;
    for (int first = 0; first < count; first += STRIP) {
        int end = count - first < STRIP ? count : first + STRIP;
#if defined(__GNUC__)
        for (int i = first; next && i < end; i += LINE) __builtin_prefetch(next + i);
#endif
#pragma omp simd reduction(+ : sum)
        for (int i = first; i < end; i++) {
            e[i] = mlce_vector_exp(s[i] - shift);
            sum += e[i];
        }
    }
    return sum;
}

MLCE_FUSED_KERNEL static void scale(float *x, float factor, int count) {
    for (int i = 0; i < count; i++) x[i] *= factor;
}

/* The largest s of each side, and of all: negatives t < 1, positives t > 0 (of these -s). */
typedef struct tops {
    float negative, positive, all;
} tops;

MLCE_FUSED_KERNEL static tops find_tops(const float *s, const float *t, int count) {
    float negative = -INFINITY, positive = -INFINITY, all = -INFINITY;
#pragma omp simd reduction(max : negative, positive, all)
    for (int i = 0; i < count; i++) {
        float n = t[i] < 1 ? s[i] : -INFINITY;
        float p = t[i] > 0 && s[i] > -INFINITY ? -s[i] : -INFINITY;
        negative = n > negative ? n : negative;
        positive = p > positive ? p : positive;
        all = s[i] > all ? s[i] : all;
    }
    return (tops){negative, positive, all};
}

static float finite_or_0(float top) {
    return top > -INFINITY ? top : 0.0f;
}

/* (1-t) e^(s-top) and t e^(-s-top); 0 where s = -inf. What one side's top does not bound has
   weight 0 on that side. */
static inline float negative_term(float s, float t, float top) {
    float x = s - top;
    return (1.0f - t) * mlce_vector_exp(x > 0 ? 0 : x);
}

static inline float positive_term(float s, float t, float top) {
    float x = -s - top;
    x = x > 0 ? 0 : x;
    return t * mlce_vector_exp(s == -INFINITY ? -88.0f : x);
}

MLCE_FUSED_KERNEL static void target_sums(const float *s, const float *t, tops top, int count,
                                          double *negative, double *positive) {
    float n = 0, p = 0;
#pragma omp simd reduction(+ : n, p)
    for (int i = 0; i < count; i++) {
        n += negative_term(s[i], t[i], top.negative);
        p += positive_term(s[i], t[i], top.positive);
    }
    *negative = (double)n;
    *positive = (double)p;
}

MLCE_FUSED_KERNEL static void target_grads(const float *s, const float *t, tops top, float negative,
                                           float positive, float *grad, int count) {
#pragma omp simd
    for (int i = 0; i < count; i++)
        grad[i] = negative * negative_term(s[i], t[i], top.negative) -
                  positive * positive_term(s[i], t[i], top.positive);
}

/* ---- The first pass ---- */

static void add(mlce_log_sum *l, double top, double sum) {
    if (sum > 0) mlce_log_sum_add(l, top, sum);
}

static void add_singles(const mlce_loss_row *row, const mlce_loss_block *block,
                        mlce_loss_part *part) {
    for (int k = block->begin; k < block->end; k++) {
        int i = row->positives[k];
        if (mlce_loss_left_out(row, i)) continue;
        double s = (double)row->scores[i], t = mlce_loss_weight(row, k);
        if (!(s < (double)INFINITY)) part->bad = true;
        add(&part->positives, -s, t);
        add(&part->negatives, s, 1 - t);
    }
}

static void add_targets(const mlce_loss_block *block, mlce_loss_part *part) {
    tops top = find_tops(block->s, block->t, block->count);
    if (top.all == INFINITY) part->bad = true;
    top.negative = finite_or_0(top.negative);
    top.positive = finite_or_0(top.positive);
    double negative, positive;
    target_sums(block->s, block->t, top, block->count, &negative, &positive);
    if (isnan(negative) || isnan(positive)) part->bad = true;
    add(&part->negatives, (double)top.negative, negative);
    add(&part->positives, (double)top.positive, positive);
}

/* The sum of a part's plain negatives, relative to e^shift. */
typedef struct plain_sum {
    float shift; /* -inf: none yet */
    double sum;
} plain_sum;

/* `done` exponentials in grad are relative to the old shift. */
static void raise_shift(plain_sum *plain, float top, float *grad, int done) {
    double factor = exp((double)plain->shift - (double)top);
    if (grad && plain->sum > 0) scale(grad, (float)factor, done);
    plain->sum *= factor;
    plain->shift = top;
}

void mlce_exponentials_add(const mlce_loss_row *row, int first, int end, mlce_loss_part *part) {
    mlce_loss_block block;
    float unused[MLCE_LOSS_BLOCK];
    plain_sum plain = {-INFINITY, 0};
    for (int i = first; i < end; i += MLCE_LOSS_BLOCK) {
        int count = end - i < MLCE_LOSS_BLOCK ? end - i : MLCE_LOSS_BLOCK;
        mlce_loss_block_view(row, i, count, &block);
        if (block.t) {
            if (row->grad) memset(row->grad + i, 0, (size_t)count * sizeof(float));
            add_targets(&block, part);
            continue;
        }
        float top = largest(block.s, count);
        if (top > plain.shift + SLACK)
            raise_shift(&plain, top, row->grad ? row->grad + first : NULL, i - first);
        float sum = exponentials(
            block.s, finite_or_0(plain.shift), row->grad ? row->grad + i : unused, count,
            row->classes - i >= 2 * MLCE_LOSS_BLOCK ? row->scores + i + count : NULL);
        if (isnan(sum) || top == INFINITY) part->bad = true;
        plain.sum += (double)sum;
        add_singles(row, &block, part);
    }
    part->shift = plain.shift;
    add(&part->negatives, (double)plain.shift, plain.sum);
}

/* ---- The whole row ---- */

/* log(1 + sum * e^top) */
static double log_1_plus(double top, double sum) {
    return top > 0 ? top + log(sum + exp(-top)) : log1p(sum * exp(top));
}

/* Z / (1 + Z), Z = sum * e^top */
static double share_of(double top, double sum) {
    return top > 0 ? sum / (sum + exp(-top)) : sum * exp(top) / (1 + sum * exp(top));
}

/* The gradient of log(e^offset + Z) */
static mlce_loss_side side_of(const mlce_log_sum *z, double offset) {
    double top = z->top > offset ? z->top : offset;
    return (mlce_loss_side){top, 1 / (exp(offset - top) + z->sum * exp(z->top - top))};
}

static mlce_loss_sides solve_pairs(const mlce_log_sum *n, const mlce_log_sum *p) {
    if (!(n->sum > 0 && p->sum > 0)) return (mlce_loss_sides){0};
    double top = n->top + p->top, sum = n->sum * p->sum, share = share_of(top, sum);
    return (mlce_loss_sides){.negative = {n->top, share / n->sum},
                             .positive = {p->top, share / p->sum},
                             .loss = log_1_plus(top, sum)};
}

mlce_loss_sides mlce_exponentials_solve(const mlce_loss_row *row, const mlce_loss_part *all) {
    const mlce_log_sum *n = &all->negatives, *p = &all->positives;
    mlce_loss_kind kind = row->options->kind;
    if (kind == MLCE_LOSS_SOFTMAX_CE || kind == MLCE_LOSS_TOPK_CE) return solve_pairs(n, p);
    double s_0 = (double)row->threshold;
    return (mlce_loss_sides){
        .negative = side_of(n, s_0),
        .positive = side_of(p, -s_0),
        .loss = log_1_plus(n->top - s_0, n->sum) + log_1_plus(p->top + s_0, p->sum),
        .threshold_grad = share_of(p->top + s_0, p->sum) - share_of(n->top - s_0, n->sum),
    };
}

/* ---- The second pass ---- */

/* The factor that makes e^(x - top) a gradient. */
static double factor_of(const mlce_loss_side *side, double top) {
    return side->factor > 0 ? side->factor * exp(top - side->top) : 0;
}

static void grad_of_targets(const mlce_loss_row *row, const mlce_loss_block *block,
                            const mlce_loss_sides *sides) {
    tops top = find_tops(block->s, block->t, block->count);
    double negative = factor_of(&sides->negative, (double)top.negative);
    double positive = factor_of(&sides->positive, (double)top.positive);
    top.negative = finite_or_0(top.negative);
    top.positive = finite_or_0(top.positive);
    target_grads(block->s, block->t, top, (float)negative, (float)positive,
                 row->grad + block->first, block->count);
}

static void grad_of_single(const mlce_loss_row *row, int k, const mlce_loss_sides *sides) {
    int i = row->positives[k];
    if (mlce_loss_left_out(row, i)) return;
    double s = (double)row->scores[i], t = mlce_loss_weight(row, k);
    double grad = -t * factor_of(&sides->positive, -s);
    if (t < 1) grad += (1 - t) * factor_of(&sides->negative, s);
    row->grad[i] = (float)grad;
}

void mlce_exponentials_grad(const mlce_loss_row *row, int first, int end,
                            const mlce_loss_part *part, const mlce_loss_sides *sides) {
    mlce_loss_block block;
    scale(row->grad + first, (float)factor_of(&sides->negative, (double)part->shift), end - first);
    for (int i = first; i < end; i += MLCE_LOSS_BLOCK) {
        int count = end - i < MLCE_LOSS_BLOCK ? end - i : MLCE_LOSS_BLOCK, begin, stop;
        if (mlce_loss_block_is_dense(row, i, count, &begin, &stop)) {
            mlce_loss_block_view(row, i, count, &block);
            grad_of_targets(row, &block, sides);
        } else {
            for (int k = begin; k < stop; k++) grad_of_single(row, k, sides);
        }
    }
}
