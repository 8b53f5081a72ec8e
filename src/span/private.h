/* private.h - the span loss with the caller's memory. */
#ifndef MLCE_SPAN_PRIVATE_H
#define MLCE_SPAN_PRIVATE_H

#include "mlce/memory.h"
#include "mlce/span.h"

/* mlce_span_loss() with its scratch memory from `arena`. */
mlce_status mlce_span_loss_in(mlce_arena *arena, const mlce_span_scores *scores,
                              const mlce_span_gold *gold, double *loss, float *dqk,
                              float *dtype_terms);

#endif
