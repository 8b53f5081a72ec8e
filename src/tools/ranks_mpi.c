/* ranks_mpi.c - the operations between ranks, over MPI. */
#include "tools/ranks_mpi.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mlce/memory.h"
#include "tools/tool.h"

/* What a rank that has failed gives the others to fail too: longer than a step or a write takes. */
static const double PATIENCE = 10; /* seconds */
enum { MOST = 1 << 30 /* items of one call: MPI counts in int */ };

typedef struct link_state {
    MPI_Comm comm, end; /* end: for the end alone, where ranks may come from different places */
    MPI_Request *requests;
    size_t count, capacity;
    int *sizes, *starts; /* [ranks] */
} link_state;

static link_state state;
static mlce_ranks ranks;

static mlce_status check(int error) {
    if (error == MPI_SUCCESS) return MLCE_OK;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(error, text, &length);
    return mlce_fail(MLCE_E_IO, "the connection to the other ranks is broken: %.*s", length, text);
}

/* ---- The operations ---- */

static mlce_status sum(void *context, double *numbers, int count) {
    const link_state *s = context;
    return check(MPI_Allreduce(MPI_IN_PLACE, numbers, count, MPI_DOUBLE, MPI_SUM, s->comm));
}

static mlce_status start_sum(void *context, float *numbers, size_t count) {
    link_state *s = context;
    mlce_status status = MLCE_OK;
    for (size_t part; count > 0 && !status; numbers += part, count -= part) {
        part = count < MOST ? count : MOST;
        status = mlce_grow((void **)&s->requests, &s->capacity, s->count + 1, sizeof *s->requests);
        if (!status)
            status = check(MPI_Iallreduce(MPI_IN_PLACE, numbers, (int)part, MPI_FLOAT, MPI_SUM,
                                          s->comm, &s->requests[s->count++]));
    }
    return status;
}

static void progress(void *context) {
    link_state *s = context;
    int done;
    if (s->count > 0) MPI_Testall((int)s->count, s->requests, &done, MPI_STATUSES_IGNORE);
}

static mlce_status wait(void *context) {
    link_state *s = context;
    int count = (int)s->count;
    s->count = 0;
    return count ? check(MPI_Waitall(count, s->requests, MPI_STATUSES_IGNORE)) : MLCE_OK;
}

static mlce_status broadcast(void *context, void *bytes, size_t size, int from) {
    const link_state *s = context;
    char *next = bytes;
    mlce_status status = MLCE_OK;
    for (size_t part; size > 0 && !status; next += part, size -= part) {
        part = size < MOST ? size : MOST;
        status = check(MPI_Bcast(next, (int)part, MPI_BYTE, from, s->comm));
    }
    return status;
}

/* What is too much for MPI's int: rank after rank. */
static mlce_status gather_large(link_state *s, const char *mine, const size_t *sizes, char *all) {
    mlce_status status = MLCE_OK;
    for (int r = 0; r < ranks.count && !status; all += sizes[r++]) {
        if (r == ranks.rank && sizes[r]) memcpy(all, mine, sizes[r]);
        status = broadcast(s, all, sizes[r], r);
    }
    return status;
}

static mlce_status gather(void *context, const void *mine, const size_t *sizes, void *all) {
    link_state *s = context;
    size_t start = 0;
    for (int r = 0; r < ranks.count; start += sizes[r++]) {
        if (sizes[r] > INT_MAX - start) return gather_large(s, mine, sizes, all);
        s->sizes[r] = (int)sizes[r];
        s->starts[r] = (int)start;
    }
    return check(MPI_Allgatherv(mine, s->sizes[ranks.rank], MPI_BYTE, all, s->sizes, s->starts,
                                MPI_BYTE, s->comm));
}

/* ---- Cores ---- */

/* This rank's share of the cores it may run on, each shared with the other ranks of the machine
   that may run on it too: its threads. 0: a core has more ranks than one. */
static int share_of_cores(void) {
    int mine[CPU_SETSIZE], count[CPU_SETSIZE];
    cpu_set_t set;
    MPI_Comm machine;
    bool known = sched_getaffinity(0, sizeof set, &set) == 0;
    for (size_t c = 0; c < CPU_SETSIZE; c++) mine[c] = known && CPU_ISSET(c, &set);
    if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine))
        return 1;
    MPI_Allreduce(mine, count, CPU_SETSIZE, MPI_INT, MPI_SUM, machine);
    MPI_Comm_free(&machine);
    if (!known) return 1;
    double share = 0;
    for (size_t c = 0; c < CPU_SETSIZE; c++)
        if (mine[c]) share += 1.0 / count[c];
    return (int)(share + 1e-9);
}

/* ---- Beginning and end ---- */

mlce_status mlce_ranks_mpi_begin(const mlce_ranks **result) {
    int thread_level;
    mlce_status status = check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &thread_level));
    if (!status) status = check(MPI_Comm_dup(MPI_COMM_WORLD, &state.comm));
    if (!status) status = check(MPI_Comm_dup(MPI_COMM_WORLD, &state.end));
    if (status) return status;
    MPI_Comm_set_errhandler(state.comm, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(state.end, MPI_ERRORS_RETURN);
    ranks = (mlce_ranks){.context = &state,
                         .sum = sum,
                         .start_sum = start_sum,
                         .progress = progress,
                         .wait = wait,
                         .broadcast = broadcast,
                         .gather = gather};
    MPI_Comm_rank(state.comm, &ranks.rank);
    MPI_Comm_size(state.comm, &ranks.count);
    state.sizes = mlce_calloc((size_t)ranks.count, sizeof *state.sizes);
    state.starts = mlce_calloc((size_t)ranks.count, sizeof *state.starts);
    ranks.threads = share_of_cores();
    *result = &ranks;
    if (!state.sizes || !state.starts) return MLCE_E_MEMORY;
    double crowded = ranks.threads == 0;
    status = sum(&state, &crowded, 1);
    if (crowded > 0 && ranks.rank == 0)
        mlce_log(MLCE_LOG_WARNING,
                 "%g of %d ranks have less than a core to themselves: start no more ranks on a "
                 "machine than it has cores",
                 crowded, ranks.count);
    if (ranks.threads == 0) ranks.threads = 1;
    return status;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void mlce_ranks_mpi_end(int exit_code) {
    MPI_Request all_here;
    int here = 0;
    double since = seconds();
    fflush(stdout);
    if (MPI_Ibarrier(state.end, &all_here)) exit_code = exit_code ? exit_code : 1;
    while (!here && (!exit_code || seconds() - since < PATIENCE)) {
        const struct timespec moment = {.tv_nsec = 1000 * 1000};
        if (MPI_Test(&all_here, &here, MPI_STATUS_IGNORE)) break;
        if (!here) nanosleep(&moment, NULL);
    }
    if (!here) {
        fprintf(stderr, "rank %d of %d: ", ranks.rank, ranks.count);
        mlce_tool_put(stderr, mlce_last_error());
        fputc('\n', stderr);
        MPI_Abort(MPI_COMM_WORLD, exit_code);
    }
    MPI_Finalize();
    free(state.requests);
    free(state.sizes);
    free(state.starts);
}
