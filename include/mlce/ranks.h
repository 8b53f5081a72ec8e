/* ranks.h - several processes that train or predict together: how they talk to each other.
 *
 * The library knows no MPI. Who starts the processes gives each of them a mlce_ranks with these
 * operations (src/tools/ranks_mpi.c has them over MPI), to mlce_train() in its options, or to a
 * model by mlce_model_set_ranks() for mlce_predict() and what stands on it. Every rank then makes
 * the same calls with the same configuration and data, and gets the same results.
 */
#ifndef MLCE_RANKS_H
#define MLCE_RANKS_H

#include <stddef.h>

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All ranks call the operations in the same order, each from one thread. One that fails returns
   MLCE_E_IO: then nothing more can be said to the other ranks, and the process should end. */
typedef struct mlce_ranks {
    int rank, count; /* 0 <= rank < count */
    int threads;     /* that suit the cores which this rank has; 0: one a core */
    void *context;   /* the first argument of each */

    /* numbers[i] = its sum over all ranks: the same bits on each, and in each run. */
    mlce_status (*sum)(void *context, double *numbers, int count);
    /* The same for floats, begun here and done when wait() returns: until then they are not
       touched. Several may be under way. */
    mlce_status (*start_sum)(void *context, float *numbers, size_t count);
    /* Called now and then while sums are under way, for those whom that helps. */
    void (*progress)(void *context);
    mlce_status (*wait)(void *context); /* for all that were begun */

    /* Rank `from` gives its bytes to all others. */
    mlce_status (*broadcast)(void *context, void *bytes, size_t size, int from);
    /* Every rank gets the bytes of all, rank after rank; `sizes` [count] are known to all. */
    mlce_status (*gather)(void *context, const void *mine, const size_t *sizes, void *all);
} mlce_ranks;

/* What one rank has failed with, all of them have failed with: the status and message of the first
   rank that has one, with its number in front unless it is everyone's. Without ranks (NULL) just
   `status`. */
MLCE_API mlce_status mlce_ranks_agree(const mlce_ranks *ranks, mlce_status status);

#ifdef __cplusplus
}
#endif
#endif
