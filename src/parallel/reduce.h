/* reduce.h - gradients summed over ranks while the rest of them is computed. */
#ifndef MLCE_PARALLEL_REDUCE_H
#define MLCE_PARALLEL_REDUCE_H

#include "mlce/graph.h"
#include "mlce/ranks.h"

typedef struct mlce_reducer mlce_reducer;

/* The parameters must be allocated; they and `ranks` must outlive it. */
mlce_status mlce_reducer_new(const mlce_ranks *ranks, mlce_parameters *parameters,
                             mlce_reducer **reducer);
void mlce_reducer_free(mlce_reducer *reducer);

/* A mlce_gradient_fn, with the reducer as context: for the last backward pass of a step. */
void mlce_reducer_ready(mlce_parameter *parameter, void *reducer);

/* Sends what was not yet, where nothing came as zeros, and waits: then every rank has the sums as
   its gradients. Once a step, on all ranks, also on one that has failed. */
mlce_status mlce_reducer_finish(mlce_reducer *reducer);

/* Floats that are sent a step. */
size_t mlce_reducer_size(const mlce_reducer *reducer);

#endif
