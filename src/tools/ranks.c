/* ranks.c - whether a program is one of several ranks. */
#include "tools/ranks.h"

#include <stdlib.h>

#include "data/hdf5_walk.h"
#include "mlce/model.h"
#include "tools/ranks_mpi.h"
#include "tools/tool.h"

/* The first of the variables that is set: of Open MPI, of MPICH and Slurm's PMI, of PMIx. */
static const char *first_set(const char *const *names) {
    for (; *names; names++)
        if (getenv(*names)) return getenv(*names);
    return NULL;
}

static bool is_rank(void) {
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", NULL};
    static const char *const ranks[] = {"PMI_RANK", "PMIX_RANK", NULL};
    const char *size = first_set(sizes);
    return size ? atoi(size) > 1 : first_set(ranks) != NULL;
}

void mlce_tool_ranks_look(void) {
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", NULL};
    const char *rank = first_set(ranks);
    if (is_rank() && rank && atoi(rank) > 0) mlce_tool_be_silent();
}

void mlce_tool_ranks_walk(const char *paths) {
    if (!is_rank()) return;
    char *model = mlce_model_file(paths);
    if (model) mlce_h5_walk(model);
    free(model);
    mlce_h5_walk_paths(paths);
}

#ifdef MLCE_HAS_MPI

static const mlce_ranks *begun;

mlce_status mlce_tool_ranks_begin(mlce_status status, const mlce_ranks **ranks) {
    *ranks = NULL;
    if (!is_rank()) return status;
    mlce_status started = mlce_ranks_mpi_begin(&begun);
    if (started) return started;
    if (begun->count > 1) *ranks = begun;
    return mlce_ranks_agree(*ranks, status);
}

int mlce_tool_ranks_end(int exit_code) {
    if (begun) mlce_ranks_mpi_end(exit_code);
    return exit_code;
}

#else

mlce_status mlce_tool_ranks_begin(mlce_status status, const mlce_ranks **ranks) {
    *ranks = NULL;
    if (status || !is_rank()) return status;
    return mlce_fail(MLCE_E_ARGUMENT,
                     "started as one of several ranks, but built without MPI: build with "
                     "-DMLCE_MPI=ON (Debian: libopenmpi-dev), or start it without mpirun");
}

int mlce_tool_ranks_end(int exit_code) {
    return exit_code;
}

#endif
