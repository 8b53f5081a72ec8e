/* float16 conversion: exact one way, correctly rounded the other. */
#include <math.h>
#include <stdio.h>

#include "data/half.h"
#include "unit.h"

enum { HALVES = 65536 };

static uint16_t all_halves[HALVES];

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void fill(void) {
    for (int i = 0; i < HALVES; i++) all_halves[i] = (uint16_t)i;
}

/* The value of a half by the definition of the format. */
static double meaning(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double sign = half & 0x8000 ? -1 : 1;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

START_TEST(every_half_widens_to_its_value) {
    static float floats[HALVES];
    fill();
    mlce_floats_from_halves_plain(floats, all_halves, HALVES);
    for (int i = 0; i < HALVES; i++) {
        double expected = meaning((uint16_t)i);
        if (isnan(expected)) {
            ck_assert_msg(isnan(floats[i]), "half %04x", i);
        } else {
            ck_assert_msg((double)floats[i] == expected, "half %04x: %g", i, (double)floats[i]);
            ck_assert_int_eq(signbit(floats[i]) != 0, i >> 15);
        }
    }
}
END_TEST

START_TEST(every_half_comes_back_from_its_float) {
    static float floats[HALVES];
    static uint16_t back[HALVES];
    fill();
    mlce_floats_from_halves_plain(floats, all_halves, HALVES);
    mlce_halves_from_floats_plain(back, floats, HALVES);
    for (int i = 0; i < HALVES; i++) {
        if (isnan(floats[i]))
            ck_assert_msg((back[i] & 0x7FFF) > 0x7C00, "half %04x -> %04x", i, back[i]);
        else
            ck_assert_msg(back[i] == i, "half %04x -> %04x", i, back[i]);
    }
}
END_TEST

/* Between neighbours a < b: what is nearer to a becomes a, the middle becomes the even one. */
START_TEST(rounding_is_to_nearest_and_ties_go_to_even) {
    for (int i = 0; i < 0x7BFF; i++) {
        float a = (float)meaning((uint16_t)i), b = (float)meaning((uint16_t)(i + 1));
        float middle = (float)(((double)a + (double)b) / 2);
        const float positive[] = {nextafterf(middle, a), middle, nextafterf(middle, b)};
        const int expected[] = {i, i + (i & 1), i + 1};
        for (int k = 0; k < 3; k++) {
            uint16_t halves[2];
            const float floats[] = {positive[k], -positive[k]};
            mlce_halves_from_floats_plain(halves, floats, 2);
            if (halves[0] != expected[k])
                ck_abort_msg("%a -> %04x, expected %04x", (double)positive[k], halves[0],
                             expected[k]);
            if (halves[1] != (expected[k] | 0x8000)) ck_abort_msg("-%a", (double)positive[k]);
        }
    }
}
END_TEST

START_TEST(what_is_too_large_becomes_infinity) {
    const float floats[] = {65504.0f, 65519.996f, 65520.0f, 65536.0f, 1e30f, INFINITY, -70000.0f};
    const uint16_t expected[] = {0x7BFF, 0x7BFF, 0x7C00, 0x7C00, 0x7C00, 0x7C00, 0xFC00};
    uint16_t halves[7];
    mlce_halves_from_floats_plain(halves, floats, 7);
    for (int i = 0; i < 7; i++) ck_assert_int_eq(halves[i], expected[i]);
}
END_TEST

START_TEST(vector_and_plain_widening_agree_bit_for_bit) {
    static float plain[HALVES], vector[HALVES];
    fill();
    mlce_floats_from_halves_plain(plain, all_halves, HALVES);
    for (int skip = 0; skip < 9; skip++) { /* every length of the rest behind whole vectors */
        mlce_floats_from_halves(vector + skip, all_halves + skip, (size_t)(HALVES - skip));
        for (int i = skip; i < HALVES; i++)
            if (bits_of(plain[i]) != bits_of(vector[i])) ck_abort_msg("half %04x", i);
    }
}
END_TEST

START_TEST(vector_and_plain_rounding_agree_bit_for_bit) {
    enum { BLOCK = 4096 };
    static float floats[BLOCK];
    static uint16_t plain[BLOCK], vector[BLOCK];
    uint32_t bits = 0;
    for (int block = 0; block < 512; block++) {
        for (int i = 0; i < BLOCK; i++, bits += 2039) /* a prime: all of float32, 2^21 samples */
            memcpy(&floats[i], &bits, sizeof bits);
        mlce_halves_from_floats_plain(plain, floats, BLOCK);
        mlce_halves_from_floats(vector, floats, BLOCK);
        for (int i = 0; i < BLOCK; i++)
            if (plain[i] != vector[i])
                ck_abort_msg("%08x: %04x, %04x", bits_of(floats[i]), plain[i], vector[i]);
    }
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, every_half_widens_to_its_value);
    tcase_add_test(cases, every_half_comes_back_from_its_float);
    tcase_add_test(cases, rounding_is_to_nearest_and_ties_go_to_even);
    tcase_add_test(cases, what_is_too_large_becomes_infinity);
    tcase_add_test(cases, vector_and_plain_widening_agree_bit_for_bit);
    tcase_add_test(cases, vector_and_plain_rounding_agree_bit_for_bit);
}

int main(void) {
    return run_suite("half", add);
}
