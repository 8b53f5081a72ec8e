/* half.h - float16 (IEEE 754 binary16) to float32 and back, for arrays. */
#ifndef MLCE_DATA_HALF_H
#define MLCE_DATA_HALF_H

#include <stddef.h>
#include <stdint.h>

/* Exact. */
void mlce_floats_from_halves(float *floats, const uint16_t *halves, size_t count);
/* Rounds to nearest, ties to even; what is too large becomes infinity. */
void mlce_halves_from_floats(uint16_t *halves, const float *floats, size_t count);

/* The same without vector instructions, bit for bit: what runs where the machine has no F16C. */
void mlce_floats_from_halves_plain(float *floats, const uint16_t *halves, size_t count);
void mlce_halves_from_floats_plain(uint16_t *halves, const float *floats, size_t count);

#endif
