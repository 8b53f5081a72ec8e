/* half.c - float16 to float32 and back.
 *
 * float16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits
 * float32: 1 sign bit, 8 exponent bits (bias 127), 23 fraction bits
 */
#include "data/half.h"

#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define HAVE_F16C 1
#endif

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Exponent and fraction move up by 13 bits, and the bias grows by 127 - 15 = 112. Infinity and
   NaN need 112 more; a subnormal is fraction * 2^-24: as the fraction of 2^-14, less 2^-14. */
static inline float widen(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = (uint32_t)(half & 0x7FFF) << 13;
    uint32_t exponent = rest & 0x0F800000;
    uint32_t bits = rest + (112u << 23);
    if (exponent == 0x0F800000) {
        bits += 112u << 23;
        if (rest & 0x007FFFFF) bits |= 0x00400000; /* a NaN is quiet from here on, as in F16C */
    } else if (exponent == 0) {
        bits = bits_of(float_of(bits + (1u << 23)) - 0x1p-14f);
    }
    return float_of(sign | bits);
}

static inline uint16_t narrow(float value) {
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7FFFFFFF;
    uint32_t half;
    if (rest > 0x7F800000) /* NaN: the upper bits of its payload, made quiet */
        half = 0x7E00 | (rest >> 13 & 0x3FF);
    else if (rest >= 0x47800000) /* 2^16 and more; 65,520 .. 2^16 carries into infinity below */
        half = 0x7C00;
    else if (rest <
             0x38800000) /* under 2^-14: adding 0.5 rounds at 2^-24, the unit of subnormals */
        half = bits_of(float_of(rest) + 0.5f) - bits_of(0.5f);
    else /* add half a unit, less one bit if the last kept bit is 0: ties go to even */
        half = (rest - (112u << 23) + 0xFFF + (rest >> 13 & 1)) >> 13;
    return (uint16_t)(sign | half);
}

void mlce_floats_from_halves_plain(float *floats, const uint16_t *halves, size_t count) {
    for (size_t i = 0; i < count; i++) floats[i] = widen(halves[i]);
}

void mlce_halves_from_floats_plain(uint16_t *halves, const float *floats, size_t count) {
    for (size_t i = 0; i < count; i++) halves[i] = narrow(floats[i]);
}

#if HAVE_F16C

/* Every CPU with AVX2 has F16C, which clang 14 cannot be asked for. */
static int machine_has_f16c(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

__attribute__((target("avx,f16c"))) static void widen_f16c(float *floats, const uint16_t *halves,
                                                           size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(halves + i))));
    mlce_floats_from_halves_plain(floats + i, halves + i, count - i);
}

__attribute__((target("avx,f16c"))) static void narrow_f16c(uint16_t *halves, const float *floats,
                                                            size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128((void *)(halves + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(floats + i), _MM_FROUND_TO_NEAREST_INT));
    mlce_halves_from_floats_plain(halves + i, floats + i, count - i);
}

#endif

void mlce_floats_from_halves(float *floats, const uint16_t *halves, size_t count) {
#if HAVE_F16C
    if (machine_has_f16c()) {
        widen_f16c(floats, halves, count);
        return;
    }
#endif
    mlce_floats_from_halves_plain(floats, halves, count);
}

void mlce_halves_from_floats(uint16_t *halves, const float *floats, size_t count) {
#if HAVE_F16C
    if (machine_has_f16c()) {
        narrow_f16c(halves, floats, count);
        return;
    }
#endif
    mlce_halves_from_floats_plain(halves, floats, count);
}
