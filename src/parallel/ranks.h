/* ranks.h - what is made of the operations between ranks. */
#ifndef MLCE_PARALLEL_RANKS_H
#define MLCE_PARALLEL_RANKS_H

#include <stdbool.h>
#include <stdint.h>

#include "mlce/ranks.h"

/* Whether this process is the one that writes. */
static inline bool mlce_ranks_is_first(const mlce_ranks *ranks) {
    return !ranks || ranks->rank == 0;
}

/* The second half of mlce_ranks_agree(): to be called by all ranks where `failed` of them have a
   status other than MLCE_OK. */
mlce_status mlce_ranks_explain(const mlce_ranks *ranks, mlce_status status, int failed);

/* Whether all ranks have the same number. */
mlce_status mlce_ranks_compare(const mlce_ranks *ranks, uint32_t number, bool *same);

#endif
