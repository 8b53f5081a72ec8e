/* terms.c - binary_ce and focal: sums of one term a class. With p = 1 / (1 + e^-s),
 *
 *   -log p = log(1 + e^-s) = softplus(-s),   -log(1-p) = softplus(s)
 *
 *   binary:  w t softplus(-s) + (1-t) softplus(s)
 *            d/ds = (1-t) p - w t (1-p)
 *   focal:   a t (1-p)^g softplus(-s) + (1-a) (1-t) p^g softplus(s)
 *            d/ds = (1-a) (1-t) p^g (p + g (1-p) softplus(s)) - a t (1-p)^g ((1-p) + g p
 * softplus(-s))
 *
 * Both become, with weights `up` and `down` of the two sides, one kernel each. Terms are added up
 * in double precision: a sum over many scores of 1e30 or more would not fit a float.
 */
#include "loss/rows.h"
#include "loss/vector_exp.h"

/* p, 1-p, softplus(s), softplus(-s) of one score; all 0 for -inf, so that it adds nothing. */
typedef struct logistic {
    float p, q, rise, fall;
} logistic;

static inline logistic logistic_of(float s) {
    float e = mlce_vector_exp(s > 0 ? -s : s); /* e^-|s| */
    float larger = (s == -INFINITY ? 0.0f : 1.0f) / (1.0f + e), smaller = e * larger;
    float near_0 = mlce_vector_log1p(e), below = s < 0 && s > -INFINITY ? -s : 0.0f;
    return (logistic){s > 0 ? larger : smaller, s > 0 ? smaller : larger,
                      (s > 0 ? s : 0.0f) + near_0, below + near_0};
}

/* ---- Kernels: grad is written, the sum of the terms returned ---- */

MLCE_FUSED_KERNEL static double binary_negatives(const float *s, float *grad, int count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        logistic l = logistic_of(s[i]);
        grad[i] = l.p;
        sum += (double)l.rise;
    }
    return sum;
}

MLCE_FUSED_KERNEL static double binary_targets(const float *s, const float *t, float weight,
                                               float *grad, int count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        logistic l = logistic_of(s[i]);
        float up = weight * t[i], down = 1.0f - t[i];
        grad[i] = down * l.p - up * l.q;
        sum += (double)down * (double)l.rise + (double)up * (double)l.fall;
    }
    return sum;
}

/* (1-a) p^g softplus(s), p^g = e^(-g softplus(-s)) */
MLCE_FUSED_KERNEL static double focal_negatives(const float *s, float alpha, float gamma,
                                                float *grad, int count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        logistic l = logistic_of(s[i]);
        float down = (1.0f - alpha) * mlce_vector_exp(-gamma * l.fall);
        grad[i] = down * (l.p + gamma * l.q * l.rise);
        sum += (double)down * (double)l.rise;
    }
    return sum;
}

MLCE_FUSED_KERNEL static double focal_targets(const float *s, const float *t, float alpha,
                                              float gamma, float *grad, int count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        logistic l = logistic_of(s[i]);
        float down = (1.0f - alpha) * (1.0f - t[i]) * mlce_vector_exp(-gamma * l.fall);
        float up = alpha * t[i] * mlce_vector_exp(-gamma * l.rise);
        grad[i] = down * (l.p + gamma * l.q * l.rise) - up * (l.q + gamma * l.p * l.fall);
        sum += (double)down * (double)l.rise + (double)up * (double)l.fall;
    }
    return sum;
}

/* ---- A part ---- */

static double softplus(double x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

/* The term of one class with target t, and its gradient. */
static double one_term(const mlce_loss_options *options, double s, double t, double *grad) {
    double rise = softplus(s), fall = softplus(-s), p = exp(-fall), q = exp(-rise);
    if (options->kind == MLCE_LOSS_BINARY_CE) {
        double up = (double)options->positive_weight * t;
        *grad = (1 - t) * p - up * q;
        return (1 - t) * rise + up * fall;
    }
    double alpha = (double)options->alpha, gamma = (double)options->gamma;
    double up = alpha * t * exp(-gamma * rise), down = (1 - alpha) * (1 - t) * exp(-gamma * fall);
    *grad = down * (p + gamma * q * rise) - up * (q + gamma * p * fall);
    return down * rise + up * fall;
}

static double add_block(const mlce_loss_options *o, const mlce_loss_block *block, float *grad) {
    const float *s = block->s, *t = block->t;
    int count = block->count;
    if (o->kind == MLCE_LOSS_BINARY_CE)
        return t ? binary_targets(s, t, o->positive_weight, grad, count)
                 : binary_negatives(s, grad, count);
    return t ? focal_targets(s, t, o->alpha, o->gamma, grad, count)
             : focal_negatives(s, o->alpha, o->gamma, grad, count);
}

void mlce_terms_add(const mlce_loss_row *row, int first, int end, mlce_loss_part *part) {
    mlce_loss_block block;
    float unused[MLCE_LOSS_BLOCK];
    for (int i = first; i < end; i += MLCE_LOSS_BLOCK) {
        int count = end - i < MLCE_LOSS_BLOCK ? end - i : MLCE_LOSS_BLOCK;
        mlce_loss_block_view(row, i, count, &block);
        part->sum += add_block(row->options, &block, row->grad ? row->grad + i : unused);
        for (int k = block.begin; k < block.end; k++) {
            int positive = row->positives[k];
            if (mlce_loss_left_out(row, positive)) continue;
            double grad;
            part->sum += one_term(row->options, (double)row->scores[positive],
                                  mlce_loss_weight(row, k), &grad);
            if (!(row->scores[positive] < INFINITY)) part->bad = true;
            if (row->grad) row->grad[positive] = (float)grad;
        }
    }
    if (!isfinite(part->sum)) part->bad = true;
}
