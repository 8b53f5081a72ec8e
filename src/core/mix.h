/* mix.h - numbers that look random, of numbers that do not. */
#ifndef MLCE_CORE_MIX_H
#define MLCE_CORE_MIX_H

#include <stdint.h>

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit depends on all. */
static inline uint64_t mlce_mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

#endif
