/* vector_exp.h - e^x and log(1 + x) in plain arithmetic, for loops that a compiler turns into
 * vectors: no call, no branch, no table, and the same on every compiler.
 */
#ifndef MLCE_LOSS_VECTOR_EXP_H
#define MLCE_LOSS_VECTOR_EXP_H

#include <stdint.h>
#include <string.h>

#include "core/vector.h"

/* The loops here are polynomials: with fused multiply-adds they take two thirds of the time. gcc
   makes these under -std=c11 only where told to. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=fast", "unroll-loops")
#endif
#if defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && defined(__x86_64__) &&           \
    defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MLCE_FUSED_KERNEL                                                                          \
    __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define MLCE_FUSED_KERNEL MLCE_KERNEL
#endif

/* e^x for x <= 88, to 3e-7 of its size; 0 for x < -87.7, and NaN for NaN.
   e^x = 2^n e^r with n whole and |r| <= log(2) / 2, and a polynomial for e^r. Adding `round` to a
   number leaves its nearest whole number, plus 127, in the lowest bits, where the exponent of 2^n
   is taken from; at x = -88 that exponent is 0, which makes the factor 0. */
static inline float mlce_vector_exp(float x) {
    const float round = 12582912.0f + 127.0f; /* 1.5 * 2^23 + 127 */
    x = x < -88.0f ? -88.0f : x;
    float shifted = x * 1.44269504f + round;
    float n = shifted - round;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f; /* log(2) in two parts: the first exact */
    float square = r * r;
    float e = (0.008312501f * r + 0.04189033f) * square + (0.16667116f * r + 0.4999923f);
    e = e * square + (1.0f + r);
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return e * power;
}

/* log(1 + x) for 0 <= x <= 1, to 2e-7 of its size: 2 artanh(z), z = x / (2 + x) */
static inline float mlce_vector_log1p(float x) {
    float z = x / (2.0f + x), y = z * z;
    float p = (0.28178164f * y + 0.27960646f) * y + 0.40024906f;
    return ((p * y + 0.66666317f) * y + 2.0f) * z;
}

#endif
