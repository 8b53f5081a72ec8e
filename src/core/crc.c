/* crc.c - CRC-32, eight bytes at a time.
 *
 * The checksum is the remainder of the bytes, as a polynomial over GF(2), by the reflected
 * polynomial 0xEDB88320. remainder[k][b] is that of byte b with k zero bytes behind it, so that
 * the remainders of eight bytes are looked up apart and added (Kounavis, Berry, "A Systematic
 * Approach to Building High Performance Software-based CRC Generators", 2005).
 */
#include "core/crc.h"

typedef uint32_t remainders[8][256];

static void fill(remainders remainder) {
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t r = b;
        for (int bit = 0; bit < 8; bit++) r = r & 1 ? r >> 1 ^ 0xEDB88320u : r >> 1;
        remainder[0][b] = r;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) {
            uint32_t r = remainder[k - 1][b];
            remainder[k][b] = r >> 8 ^ remainder[0][r & 255];
        }
}

uint32_t mlce_crc32(uint32_t before, const void *bytes, size_t size) {
    remainders remainder; /* 2,048 steps to fill: less than 16 KiB take */
    fill(remainder);
    const unsigned char *next = bytes;
    uint32_t r = ~before;
    for (; size >= 8; size -= 8, next += 8) {
        uint32_t sum = 0;
        for (int k = 0; k < 4; k++) sum ^= remainder[7 - k][(next[k] ^ r >> 8 * k) & 255];
        for (int k = 4; k < 8; k++) sum ^= remainder[7 - k][next[k]];
        r = sum;
    }
    for (; size; size--) r = r >> 8 ^ remainder[0][(r ^ *next++) & 255];
    return ~r;
}
