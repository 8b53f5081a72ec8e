/* log_sum.h - log(sum of e^x), kept as e^top * sum so that no x overflows. */
#ifndef MLCE_LOSS_LOG_SUM_H
#define MLCE_LOSS_LOG_SUM_H

#include <math.h>

typedef struct mlce_log_sum {
    double top, sum;
} mlce_log_sum;

/* One term, e^0: the 1 of log(1 + Z). */
static const mlce_log_sum MLCE_LOG_SUM_ONE = {0.0, 1.0};

/* No term yet: the value is -infinity. */
static const mlce_log_sum MLCE_LOG_SUM_NONE = {-INFINITY, 0.0};

/* Adds sum * e^top; top is over -infinity. */
static inline void mlce_log_sum_add(mlce_log_sum *l, double top, double sum) {
    if (top > l->top) {
        l->sum = l->sum * exp(l->top - top) + sum;
        l->top = top;
    } else {
        l->sum += sum * exp(top - l->top);
    }
}

static inline double mlce_log_sum_value(const mlce_log_sum *l) {
    return l->top + log(l->sum);
}

/* log(e^a + e^b) */
static inline double mlce_log_add(double a, double b) {
    if (b == -INFINITY) return a;
    if (a == -INFINITY) return b;
    return a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}

#endif
