/* ranks_mpi.h - the operations between ranks, over MPI. */
#ifndef MLCE_TOOLS_RANKS_MPI_H
#define MLCE_TOOLS_RANKS_MPI_H

#include "mlce/ranks.h"

mlce_status mlce_ranks_mpi_begin(const mlce_ranks **ranks);

/* Waits for the others, for ever after a success and for some seconds after a failure; where they
   do not come, this rank's last message is printed and all are ended. Then MPI is over. */
void mlce_ranks_mpi_end(int exit_code);

#endif
