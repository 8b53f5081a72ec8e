/* lines.h - a text file line by line, in memory as large as its longest line. */
#ifndef MLCE_CORE_LINES_H
#define MLCE_CORE_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mlce/status.h"

/* The longest line, and the longest text of one record, in bytes. */
enum { MLCE_LONGEST_LINE = 256 << 20 };

typedef struct mlce_lines {
    FILE *file;       /* not owned */
    const char *name; /* for messages, not owned */
    int64_t number;   /* of the line that was read last, from 1 */
    bool any_bytes;   /* lines need not be UTF-8 */
    char *text;
    size_t capacity, length;
} mlce_lines;

/* The next line without its end (\n, \r\n or the end of the file) and, at the start, without a
   byte order mark; NULL behind the last. It is UTF-8 without NUL unless `any_bytes`, and valid
   until the next call. */
mlce_status mlce_lines_next(mlce_lines *lines, char **line);
/* Back to the beginning. */
mlce_status mlce_lines_rewind(mlce_lines *lines);
void mlce_lines_free(mlce_lines *lines);

/* Bytes that are UTF-8 without NUL; the message, which lacks file and line, says which are not. */
mlce_status mlce_check_utf8(const char *bytes, size_t size);

#endif
