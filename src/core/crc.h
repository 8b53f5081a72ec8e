/* crc.h - CRC-32 of files' parts, as zlib, gzip and Python's zlib.crc32() have it. */
#ifndef MLCE_CORE_CRC_H
#define MLCE_CORE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `size` bytes behind others whose checksum is `before` (0: none). */
uint32_t mlce_crc32(uint32_t before, const void *bytes, size_t size);

#endif
