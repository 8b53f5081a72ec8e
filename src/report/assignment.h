/* assignment.h - the best one-to-one choice between two sets. */
#ifndef MLCE_REPORT_ASSIGNMENT_H
#define MLCE_REPORT_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>

#include "mlce/status.h"

/* What row i and column j are worth as a pair, >= 0. */
typedef int64_t mlce_worth_fn(int row, int column, const void *context);

/* Gives each of the rows a column of its own, rows <= columns, so that the sum of their worth is
   the largest: column_of[rows]. rows^2 * columns steps (the Hungarian method: Kuhn 1955, Munkres
   1957, here by shortest augmenting paths with potentials: Jonker, Volgenant 1987). */
mlce_status mlce_assign(int rows, int columns, mlce_worth_fn *worth, const void *context,
                        int *column_of);

#endif
