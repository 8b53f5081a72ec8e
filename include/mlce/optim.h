/* optim.h - Adam and AdamW by parameter group, averaged weights, clipping, learning-rate schedules.
 */
#ifndef MLCE_OPTIM_H
#define MLCE_OPTIM_H

#include "mlce/config.h"
#include "mlce/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlce_adam_options {
    double beta1, beta2, epsilon;
    double weight_decay; /* of the parameters that are marked so: matrices, not biases and norms */
    bool decoupled;      /* AdamW: the decay is taken from the step, not added to the gradient */
    double clip_norm;    /* gradients are scaled down to this global norm; 0 = never */
    double ema;          /* decay of the weights' moving average, under 1; 0 = no average */
} mlce_adam_options;

/* optim.name, optim.beta1, ... of a configuration. */
MLCE_API mlce_adam_options mlce_adam_options_from(const mlce_config *config);
/* Refuses (MLCE_E_CONFIG) what is wrong with optim.* whatever the parameters are. */
MLCE_API mlce_status mlce_optim_check(const mlce_config *config);

/* Adam (Kingma, Ba 2015), AdamW (Loshchilov, Hutter 2019), in PyTorch's form:
 *
 *   g  = gradient (+ weight_decay * w, Adam only), scaled if its norm is over clip_norm
 *   m  = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
 *   w -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)  (+ lr weight_decay w,
 * AdamW)
 *
 * and with ema, over the weights after step t = 1, 2, ... (the warm-up keeps the start values from
 * weighing for long):
 *
 *   average += (1 - min(ema, (1 + t) / (10 + t))) (w - average),  average = w before the first step
 */
typedef struct mlce_adam mlce_adam;

/* The parameters must be allocated and outlive it. NULL (message set) on failure. */
MLCE_API mlce_adam *mlce_adam_new(mlce_parameters *parameters, const mlce_adam_options *options);
MLCE_API void mlce_adam_free(mlce_adam *adam);

/* One step along the gradients, which are then cleared. *norm (may be NULL) gets their global norm
   before clipping. A norm that is not finite changes nothing and is MLCE_E_NUMERIC; the message
   names the first parameter whose gradient is not finite. */
MLCE_API mlce_status mlce_adam_step(mlce_adam *adam, double lr, double *norm);

/* A parameter group, as torch.optim has them. */
typedef struct mlce_adam_group {
    const char *match;   /* a glob over the parameters' names: "encoder.1.*" */
    double lr_scale;     /* times the rate that mlce_adam_step() is given */
    double weight_decay; /* of all that match, biases too; under 0: as without the group */
} mlce_adam_group;

/* [optim.group.N] of a configuration, N = 1 .. mlce_config_sections(config, "optim.group"). */
MLCE_API mlce_adam_group mlce_adam_group_from(const mlce_config *config, int number);

/* Puts the parameters that match, and are in no group yet, into a group. *matched (may be NULL)
   gets how many. MLCE_E_CONFIG where there are none; the message lists the names. */
MLCE_API mlce_status mlce_adam_add_group(mlce_adam *adam, const mlce_adam_group *group,
                                         int *matched);

/* Exchanges the parameters' values with their average: once to use the average, and once more
   before the next step. Nothing without ema. */
MLCE_API void mlce_adam_exchange_average(mlce_adam *adam);
/* The average, or after an exchange the values that training goes on with, with the layout of
   mlce_parameters_values(); NULL without ema. */
MLCE_API float *mlce_adam_average(mlce_adam *adam);

/* State, for checkpoints: m and v with the layout of mlce_parameters_values(), and steps so far. */
MLCE_API float *mlce_adam_first_moments(mlce_adam *adam);
MLCE_API float *mlce_adam_second_moments(mlce_adam *adam);
MLCE_API int64_t mlce_adam_steps(const mlce_adam *adam);
MLCE_API void mlce_adam_set_steps(mlce_adam *adam, int64_t steps);

typedef enum mlce_schedule { MLCE_CONSTANT, MLCE_LINEAR, MLCE_COSINE } mlce_schedule;

typedef struct mlce_schedule_options {
    mlce_schedule schedule;
    double lr;      /* at the top */
    int64_t warmup; /* steps */
    int64_t total;  /* steps of the whole run */
    double end;     /* where linear and cosine end, as a share of lr */
} mlce_schedule_options;

/* optim.schedule, optim.lr, ... of a configuration, for a run of `total` steps. */
MLCE_API mlce_schedule_options mlce_schedule_options_from(const mlce_config *config, int64_t total);

/* The rate of step t = 0, 1, ...: lr (t + 1) / warmup while t < warmup; then, with
   x = (t - warmup) / (total - warmup),

     constant  lr
     linear    lr (end + (1 - end) (1 - x))
     cosine    lr (end + (1 - end) (1 + cos(pi x)) / 2) */
MLCE_API double mlce_learning_rate(const mlce_schedule_options *options, int64_t step);

#ifdef __cplusplus
}
#endif
#endif
