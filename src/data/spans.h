/* spans.h - how the spans of a sequence lie to each other. */
#ifndef MLCE_DATA_SPANS_H
#define MLCE_DATA_SPANS_H

#include "mlce/dataset.h"

/* For qsort(): by start, the longer first, then by type. */
int mlce_spans_outer_first(const void *left, const void *right);

/* crosses[i], of [count], gets whether span i begins within one that began before it, and ends
   behind it; in k log k. The spans are in the order above, within `length` tokens; `ends` has room
   for length + 1. */
void mlce_spans_cross(const mlce_span *spans, int count, int length, int *ends, bool *crosses);

#endif
