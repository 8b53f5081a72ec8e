/* random.c - Philox4x32-10 and what is drawn from it. */
#include "mlce/random.h"

#include <string.h>

#include "core/vector.h"

enum { LANES = 16, WORDS = 4 * LANES };

/* LANES blocks at once, as loops that the compiler turns into vector code. */
MLCE_KERNEL static void philox_lanes(uint64_t seed, uint32_t stream, uint64_t position,
                                     uint32_t word[LANES][4]) {
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    for (int l = 0; l < LANES; l++) {
        uint64_t p = position + (uint64_t)l;
        c0[l] = (uint32_t)p;
        c1[l] = (uint32_t)(p >> 32);
        c2[l] = stream;
        c3[l] = 0;
    }
    for (int round = 0; round < 10; round++) {
#pragma omp simd
        for (int l = 0; l < LANES; l++) {
            uint64_t product0 = (uint64_t)c0[l] * 0xD2511F53u;
            uint64_t product1 = (uint64_t)c2[l] * 0xCD9E8D57u;
            c0[l] = (uint32_t)(product1 >> 32) ^ c1[l] ^ key0;
            c2[l] = (uint32_t)(product0 >> 32) ^ c3[l] ^ key1;
            c1[l] = (uint32_t)product1;
            c3[l] = (uint32_t)product0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    for (int l = 0; l < LANES; l++) {
        word[l][0] = c0[l];
        word[l][1] = c1[l];
        word[l][2] = c2[l];
        word[l][3] = c3[l];
    }
}

void mlce_philox_fill(uint64_t seed, uint32_t stream, uint64_t position, int blocks,
                      uint32_t *words) {
    uint32_t lanes[LANES][4];
    for (int b = 0; b < blocks; b += LANES) {
        int count = blocks - b < LANES ? blocks - b : LANES;
        philox_lanes(seed, stream, position + (uint64_t)b, lanes);
        memcpy(words + 4 * (size_t)b, lanes, (size_t)count * sizeof lanes[0]);
    }
}

void mlce_philox(uint64_t seed, uint32_t stream, uint64_t position, uint32_t word[4]) {
    mlce_philox_fill(seed, stream, position, 1, word);
}

mlce_random mlce_random_new(uint64_t seed, uint32_t stream) {
    return (mlce_random){.seed = seed, .stream = stream, .used = WORDS};
}

uint32_t mlce_random_u32(mlce_random *random) {
    if (random->used == WORDS) {
        mlce_philox_fill(random->seed, random->stream, random->position, LANES, random->word);
        random->position += LANES;
        random->used = 0;
    }
    return random->word[random->used++];
}

/* Draws again where the 64-bit draw falls into the last, incomplete multiple of `bound`. */
uint64_t mlce_random_below(mlce_random *random, uint64_t bound) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        uint64_t high = mlce_random_u32(random);
        uint64_t draw = high << 32 | mlce_random_u32(random);
        if (draw < limit) return draw % bound;
    }
}

float mlce_random_float(mlce_random *random) {
    return (float)(mlce_random_u32(random) >> 8) * 0x1p-24f;
}

void mlce_random_shuffle(mlce_random *random, int64_t *items, int64_t count) {
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)mlce_random_below(random, (uint64_t)i + 1);
        int64_t item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
