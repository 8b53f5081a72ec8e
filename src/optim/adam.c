/* adam.c - Adam and AdamW, one pass over all parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/vector.h"
#include "mlce/optim.h"

enum { BLOCK = 8192 }; /* numbers a thread takes at once; norms are summed block by block */

struct mlce_adam {
    mlce_parameters *parameters;
    mlce_adam_options options;
    int64_t steps;
    float *m, *v;
    double *block_norms; /* squared */
};

mlce_adam_options mlce_adam_options_from(const mlce_config *config) {
    return (mlce_adam_options){
        .beta1 = mlce_config_float(config, "optim.beta1"),
        .beta2 = mlce_config_float(config, "optim.beta2"),
        .epsilon = mlce_config_float(config, "optim.epsilon"),
        .weight_decay = mlce_config_float(config, "optim.weight_decay"),
        .decoupled = strcmp(mlce_config_string(config, "optim.name"), "adamw") == 0,
        .clip_norm = mlce_config_float(config, "optim.clip_norm"),
    };
}

static size_t block_count(const mlce_adam *adam) {
    return (mlce_parameters_size(adam->parameters) + BLOCK - 1) / BLOCK;
}

mlce_adam *mlce_adam_new(mlce_parameters *parameters, const mlce_adam_options *options) {
    mlce_adam *adam = mlce_calloc(1, sizeof *adam);
    if (!adam) return NULL;
    size_t size = mlce_parameters_size(parameters);
    *adam = (mlce_adam){.parameters = parameters, .options = *options};
    adam->m = mlce_calloc(size, sizeof *adam->m);
    adam->v = mlce_calloc(size, sizeof *adam->v);
    adam->block_norms = mlce_calloc(block_count(adam), sizeof *adam->block_norms);
    if (adam->m && adam->v && adam->block_norms) return adam;
    mlce_adam_free(adam);
    return NULL;
}

void mlce_adam_free(mlce_adam *adam) {
    if (!adam) return;
    free(adam->m);
    free(adam->v);
    free(adam->block_norms);
    free(adam);
}

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
} step_constants;

MLCE_KERNEL static void update(const step_constants *c, float *w, const float *gradient, float *m,
                               float *v, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float g = c->scale * gradient[i] + c->l2 * w[i];
        m[i] = c->beta1 * m[i] + c->fresh1 * g;
        v[i] = c->beta2 * v[i] + c->fresh2 * g * g;
        w[i] = c->shrink * w[i] - c->step * m[i] / (sqrtf(v[i]) * c->root + c->epsilon);
    }
}

static void update_parameter(mlce_adam *adam, const mlce_parameter *parameter, step_constants c,
                             double lr) {
    bool decays = parameter->rows > 1;
    double decay = decays ? adam->options.weight_decay : 0.0;
    c.l2 = adam->options.decoupled ? 0.0f : (float)decay;
    c.shrink = adam->options.decoupled ? (float)(1.0 - lr * decay) : 1.0f;
    size_t size = (size_t)parameter->rows * (size_t)parameter->cols;
    float *m = adam->m + parameter->offset, *v = adam->v + parameter->offset;
#pragma omp parallel for if (size > MLCE_PARALLEL_SIZE) schedule(static)
    for (size_t start = 0; start < size; start += BLOCK)
        update(&c, parameter->value + start, parameter->grad + start, m + start, v + start,
               size - start < BLOCK ? size - start : BLOCK);
}

mlce_status mlce_adam_step(mlce_adam *adam, double lr, double *norm) {
    const mlce_adam_options *o = &adam->options;
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
        .step = (float)(lr / (1.0 - pow(o->beta1, (double)t))),
        .root = (float)(1.0 / sqrt(1.0 - pow(o->beta2, (double)t))),
        .epsilon = (float)o->epsilon,
    };
    for (int p = 0; p < mlce_parameters_count(adam->parameters); p++)
        update_parameter(adam, mlce_parameters_at(adam->parameters, p), c, lr);
    mlce_parameters_clear_grads(adam->parameters);
    return MLCE_OK;
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
