/* ranks.h - the processes that mpirun or srun has started together, for the programs. */
#ifndef MLCE_TOOLS_RANKS_H
#define MLCE_TOOLS_RANKS_H

#include "mlce/ranks.h"

/* At the very start of a program: where it is one of several ranks, by the environment of mpirun or
   srun, all but rank 0 are silent from here on. MPI itself is not touched. */
void mlce_tool_ranks_look(void);

/* Walks HDF5 files in a forked process (data/hdf5_walk.h) where this is one of several ranks, for
   forking is safe with any MPI only before it begins; elsewhere they are walked when they are
   opened. `paths` is data as mlce_dataset_open() takes it, or a model as mlce_model_load() does.
   What is wrong with a file is said when it is opened. */
void mlce_tool_ranks_walk(const char *paths);

/* MPI_Init(), where this is one of several ranks; *ranks is NULL where it is not. Whatever is quick
   to fail comes before: what `status` says of this rank, all are told. To be called once, on all
   ranks. */
mlce_status mlce_tool_ranks_begin(mlce_status status, const mlce_ranks **ranks);

/* The end of a program that may have begun: returns `exit_code`. A rank that fails while others do
   not come here ends them all, after a while, with its own message. */
int mlce_tool_ranks_end(int exit_code);

#endif
