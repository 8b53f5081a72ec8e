/* schedule.c - the learning rate of each step. */
#include <math.h>
#include <string.h>

#include "mlce/optim.h"

static const double PI = 3.14159265358979323846;

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
    };
}

double mlce_learning_rate(const mlce_schedule_options *options, int64_t step) {
    if (step < options->warmup) return options->lr * (double)(step + 1) / (double)options->warmup;
    int64_t falling = options->total - options->warmup;
    double x = falling > 0 ? (double)(step - options->warmup) / (double)falling : 1.0;
    if (x > 1) x = 1;
    switch (options->schedule) {
    case MLCE_LINEAR:
        return options->lr * (1 - x);
    case MLCE_COSINE:
        return options->lr * (1 + cos(PI * x)) / 2;
    case MLCE_CONSTANT:
        break;
    }
    return options->lr;
}
