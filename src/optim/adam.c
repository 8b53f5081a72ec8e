/* adam.c - Adam and AdamW with the weights' average, one pass over all parameters. */
#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vector.h"
#include "mlce/optim.h"

enum { BLOCK = 8192 }; /* numbers a thread takes at once; norms are summed block by block */

/* How a parameter is trained. */
typedef struct rule {
    double lr_scale, weight_decay;
    bool grouped;
} rule;

struct mlce_adam {
    mlce_parameters *parameters;
    mlce_adam_options options;
    rule *rules; /* of each parameter */
    int64_t steps;
    float *m, *v;
    float *average; /* NULL: none is kept */
    bool exchanged;
    double *block_norms; /* squared */
};

static size_t block_count(const mlce_adam *adam) {
    return (mlce_parameters_size(adam->parameters) + BLOCK - 1) / BLOCK;
}

mlce_adam *mlce_adam_new(mlce_parameters *parameters, const mlce_adam_options *options) {
    mlce_adam *adam = mlce_calloc(1, sizeof *adam);
    if (!adam) return NULL;
    size_t size = mlce_parameters_size(parameters);
    size_t count = (size_t)mlce_parameters_count(parameters);
    *adam = (mlce_adam){.parameters = parameters, .options = *options};
    adam->m = mlce_calloc(size, sizeof *adam->m);
    adam->v = mlce_calloc(size, sizeof *adam->v);
    adam->rules = mlce_calloc(count, sizeof *adam->rules);
    adam->block_norms = mlce_calloc(block_count(adam), sizeof *adam->block_norms);
    if (options->ema > 0) adam->average = mlce_calloc(size, sizeof *adam->average);
    if (!adam->m || !adam->v || !adam->rules || !adam->block_norms ||
        (options->ema > 0 && !adam->average)) {
        mlce_adam_free(adam);
        return NULL;
    }
    for (size_t p = 0; p < count; p++) {
        bool decays = mlce_parameters_at(parameters, (int)p)->decays;
        adam->rules[p] = (rule){1.0, decays ? options->weight_decay : 0.0, false};
    }
    if (adam->average)
        memcpy(adam->average, mlce_parameters_values(parameters), size * sizeof *adam->average);
    return adam;
}

void mlce_adam_free(mlce_adam *adam) {
    if (!adam) return;
    free(adam->m);
    free(adam->v);
    free(adam->average);
    free(adam->rules);
    free(adam->block_norms);
    free(adam);
}

/* ---- Groups ---- */

/* Why a group is empty, and what there is. */
static mlce_status fail_group(const mlce_adam *adam, const char *match, bool all_taken) {
    char names[512];
    size_t used = 0;
    names[0] = '\0';
    for (int p = 0; p < mlce_parameters_count(adam->parameters); p++) {
        const char *name = mlce_parameters_at(adam->parameters, p)->name;
        if (used + strlen(name) + sizeof ", , ..." > sizeof names) {
            snprintf(names + used, sizeof names - used, ", ...");
            break;
        }
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", p ? ", " : "", name);
    }
    return mlce_fail(MLCE_E_CONFIG, "'%s' matches %s: there are %s", match,
                     all_taken ? "only parameters of the groups before it" : "no parameter", names);
}

mlce_status mlce_adam_add_group(mlce_adam *adam, const mlce_adam_group *group, int *matched) {
    int count = 0;
    bool any = false;
    for (int p = 0; p < mlce_parameters_count(adam->parameters); p++) {
        rule *r = &adam->rules[p];
        if (mlce_parameters_at(adam->parameters, p)->fixed) continue;
        if (fnmatch(group->match, mlce_parameters_at(adam->parameters, p)->name, 0)) continue;
        any = true;
        if (r->grouped) continue;
        r->grouped = true;
        r->lr_scale = group->lr_scale;
        if (group->weight_decay >= 0) r->weight_decay = group->weight_decay;
        count++;
    }
    if (matched) *matched = count;
    return count ? MLCE_OK : fail_group(adam, group->match, any);
}

/* ---- A step ---- */

MLCE_KERNEL static double squared_norm(const float *g, size_t count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) sum += (double)g[i] * (double)g[i];
    return sum;
}

static double global_norm(mlce_adam *adam) {
    const float *grads = mlce_parameters_grads(adam->parameters);
    size_t size = mlce_parameters_size(adam->parameters), blocks = block_count(adam);
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (size_t b = 0; b < blocks; b++) {
        size_t start = b * BLOCK;
        adam->block_norms[b] =
            squared_norm(grads + start, size - start < BLOCK ? size - start : BLOCK);
    }
    double sum = 0;
    for (size_t b = 0; b < blocks; b++) sum += adam->block_norms[b];
    return sqrt(sum);
}

static mlce_status not_finite(const mlce_adam *adam, double norm) {
    for (int p = 0; p < mlce_parameters_count(adam->parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(adam->parameters, p);
        size_t size = (size_t)parameter->rows * (size_t)parameter->cols;
        for (size_t i = 0; i < size; i++)
            if (!isfinite(parameter->grad[i]))
                return mlce_fail(MLCE_E_NUMERIC,
                                 "the gradient of %s is not finite (row %zu, column %zu): lower "
                                 "optim.lr or set optim.clip_norm",
                                 parameter->name, i / (size_t)parameter->cols,
                                 i % (size_t)parameter->cols);
    }
    return mlce_fail(MLCE_E_NUMERIC, "the norm of the gradients is %g", norm);
}

typedef struct step_constants {
    float scale;                        /* of the gradient, by clipping */
    float beta1, beta2, fresh1, fresh2; /* fresh: 1 - beta */
    float step;                         /* lr / (1 - beta1^t) */
    float root;                         /* 1 / sqrt(1 - beta2^t) */
    float epsilon, l2, shrink; /* l2: decay in the gradient; shrink: 1 - lr * decoupled decay */
    float follow;              /* how far the average goes to the weights */
} step_constants;

/* One number's m and v; returns its new w. */
static inline float updated(const step_constants *c, float w, float gradient, float *m, float *v) {
    float g = c->scale * gradient + c->l2 * w;
    *m = c->beta1 * *m + c->fresh1 * g;
    *v = c->beta2 * *v + c->fresh2 * g * g;
    return c->shrink * w - c->step * *m / (sqrtf(*v) * c->root + c->epsilon);
}

MLCE_KERNEL static void update(const step_constants *c, float *w, const float *gradient, float *m,
                               float *v, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) w[i] = updated(c, w[i], gradient[i], &m[i], &v[i]);
}

MLCE_KERNEL static void update_and_average(const step_constants *c, float *w, const float *gradient,
                                           float *m, float *v, float *average, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        w[i] = updated(c, w[i], gradient[i], &m[i], &v[i]);
        average[i] += c->follow * (w[i] - average[i]);
    }
}

static void update_parameter(mlce_adam *adam, int p, step_constants c, double lr) {
    const mlce_parameter *parameter = mlce_parameters_at(adam->parameters, p);
    double decay = adam->rules[p].weight_decay;
    lr *= adam->rules[p].lr_scale;
    c.step = (float)(lr / (1.0 - pow(adam->options.beta1, (double)adam->steps)));
    c.l2 = adam->options.decoupled ? 0.0f : (float)decay;
    c.shrink = adam->options.decoupled ? (float)(1.0 - lr * decay) : 1.0f;
    size_t size = (size_t)parameter->rows * (size_t)parameter->cols, offset = parameter->offset;
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (size_t start = 0; start < size; start += BLOCK) {
        float *w = parameter->value + start, *m = adam->m + offset + start;
        float *v = adam->v + offset + start;
        size_t count = size - start < BLOCK ? size - start : BLOCK;
        if (adam->average)
            update_and_average(&c, w, parameter->grad + start, m, v, adam->average + offset + start,
                               count);
        else
            update(&c, w, parameter->grad + start, m, v, count);
    }
}

mlce_status mlce_adam_step(mlce_adam *adam, double lr, double *norm) {
    const mlce_adam_options *o = &adam->options;
    assert(!adam->exchanged);
    mlce_parameters_settle_grads(adam->parameters);
    double total = global_norm(adam);
    if (norm) *norm = total;
    if (!isfinite(total)) return not_finite(adam, total);
    int64_t t = ++adam->steps;
    step_constants c = {
        .scale = o->clip_norm > 0 && total > o->clip_norm ? (float)(o->clip_norm / total) : 1.0f,
        .beta1 = (float)o->beta1,
        .beta2 = (float)o->beta2,
        .fresh1 = (float)(1.0 - o->beta1),
        .fresh2 = (float)(1.0 - o->beta2),
        .root = (float)(1.0 / sqrt(1.0 - pow(o->beta2, (double)t))),
        .epsilon = (float)o->epsilon,
        .follow = (float)(1.0 - fmin(o->ema, (1.0 + (double)t) / (10.0 + (double)t))),
    };
    for (int p = 0; p < mlce_parameters_count(adam->parameters); p++)
        if (!mlce_parameters_at(adam->parameters, p)->fixed) update_parameter(adam, p, c, lr);
    mlce_parameters_clear_grads(adam->parameters);
    return MLCE_OK;
}

void mlce_adam_exchange_average(mlce_adam *adam) {
    if (!adam->average) return;
    float *values = mlce_parameters_values(adam->parameters);
    size_t size = mlce_parameters_size(adam->parameters);
    for (size_t i = 0; i < size; i++) {
        float value = values[i];
        values[i] = adam->average[i];
        adam->average[i] = value;
    }
    adam->exchanged = !adam->exchanged;
}

float *mlce_adam_average(mlce_adam *adam) {
    return adam->average;
}

float *mlce_adam_first_moments(mlce_adam *adam) {
    return adam->m;
}

float *mlce_adam_second_moments(mlce_adam *adam) {
    return adam->v;
}

int64_t mlce_adam_steps(const mlce_adam *adam) {
    return adam->steps;
}

void mlce_adam_set_steps(mlce_adam *adam, int64_t steps) {
    adam->steps = steps;
}
