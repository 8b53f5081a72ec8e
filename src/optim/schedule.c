/* schedule.c - the learning rate of each step. */
#include <math.h>

#include "mlce/optim.h"

static const double PI = 3.14159265358979323846;

double mlce_learning_rate(const mlce_schedule_options *options, int64_t step) {
    if (step < options->warmup) return options->lr * (double)(step + 1) / (double)options->warmup;
    int64_t falling = options->total - options->warmup;
    double x = falling > 0 ? (double)(step - options->warmup) / (double)falling : 1.0;
    if (x > 1) x = 1;
    double share = 1; /* of the way from the end up to the top */
    switch (options->schedule) {
    case MLCE_LINEAR:
        share = 1 - x;
        break;
    case MLCE_COSINE:
        share = (1 + cos(PI * x)) / 2;
        break;
    case MLCE_CONSTANT:
        break;
    }
    return options->lr * (options->end + (1 - options->end) * share);
}
