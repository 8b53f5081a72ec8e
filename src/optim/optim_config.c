/* optim_config.c - the optimizer and its schedule as a configuration has them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mlce/optim.h"

mlce_adam_options mlce_adam_options_from(const mlce_config *config) {
    return (mlce_adam_options){
        .beta1 = mlce_config_float(config, "optim.beta1"),
        .beta2 = mlce_config_float(config, "optim.beta2"),
        .epsilon = mlce_config_float(config, "optim.epsilon"),
        .weight_decay = mlce_config_float(config, "optim.weight_decay"),
        .decoupled = strcmp(mlce_config_string(config, "optim.name"), "adamw") == 0,
        .clip_norm = mlce_config_float(config, "optim.clip_norm"),
        .ema = mlce_config_float(config, "optim.ema"),
    };
}

mlce_schedule_options mlce_schedule_options_from(const mlce_config *config, int64_t total) {
    const char *name = mlce_config_string(config, "optim.schedule");
    double warmup = mlce_config_float(config, "optim.warmup");
    return (mlce_schedule_options){
        .schedule = strcmp(name, "linear") == 0   ? MLCE_LINEAR
                    : strcmp(name, "cosine") == 0 ? MLCE_COSINE
                                                  : MLCE_CONSTANT,
        .lr = mlce_config_float(config, "optim.lr"),
        .warmup = (int64_t)llround(warmup < 1 ? warmup * (double)total : warmup),
        .total = total,
        .end = mlce_config_float(config, "optim.lr_end"),
    };
}

/* ---- [optim.group.1], [optim.group.2], ... ---- */

mlce_adam_group mlce_adam_group_from(const mlce_config *config, int number) {
    char match[48], lr_scale[48], weight_decay[48];
    snprintf(match, sizeof match, "optim.group.%d.match", number);
    snprintf(lr_scale, sizeof lr_scale, "optim.group.%d.lr_scale", number);
    snprintf(weight_decay, sizeof weight_decay, "optim.group.%d.weight_decay", number);
    return (mlce_adam_group){mlce_config_string(config, match), mlce_config_float(config, lr_scale),
                             mlce_config_float(config, weight_decay)};
}

mlce_status mlce_optim_check(const mlce_config *config) {
    for (int n = 1; n <= mlce_config_sections(config, "optim.group"); n++) {
        mlce_adam_group g = mlce_adam_group_from(config, n);
        if (*g.match == '\0')
            return mlce_fail(MLCE_E_CONFIG,
                             "optim.group.%d.match is not set: name the parameters that the group "
                             "is for, as encoder.1.*",
                             n);
        if (g.weight_decay < 0 && g.weight_decay != -1)
            return mlce_fail(MLCE_E_CONFIG,
                             "optim.group.%d.weight_decay = %g: must be 0 or more, or -1 for what "
                             "it is without the group",
                             n, g.weight_decay);
    }
    return MLCE_OK;
}
