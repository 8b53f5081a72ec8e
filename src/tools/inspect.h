/* inspect.h - the report of `mlce-data inspect`. */
#ifndef MLCE_TOOLS_INSPECT_H
#define MLCE_TOOLS_INSPECT_H

#include <stdint.h>

#include "mlce/status.h"

/* Prints what the dataset holds, with its first `rows` sequences, to stdout. */
mlce_status mlce_inspect(const char *paths, int64_t rows);

#endif
