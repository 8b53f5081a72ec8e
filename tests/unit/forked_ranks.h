/* forked_ranks.h - ranks without MPI: forked processes that talk through shared memory. */
#ifndef FORKED_RANKS_H
#define FORKED_RANKS_H

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "mlce/ranks.h"
#include "unit.h"

enum { MOST_RANKS = 4, SHARED_BYTES = 1 << 22 };

typedef struct forked_ranks {
    pthread_barrier_t barrier;
    char bytes[MOST_RANKS][SHARED_BYTES];
} forked_ranks;

typedef struct forked_rank {
    forked_ranks *shared;
    int rank, count;
} forked_rank;

static inline void meet(const forked_rank *r) {
    pthread_barrier_wait(&r->shared->barrier);
}

static inline mlce_status forked_sum(void *context, double *numbers, int count) {
    const forked_rank *r = context;
    memcpy(r->shared->bytes[r->rank], numbers, (size_t)count * sizeof *numbers);
    meet(r);
    for (int i = 0; i < count; i++) {
        numbers[i] = 0;
        for (int n = 0; n < r->count; n++) numbers[i] += ((double *)r->shared->bytes[n])[i];
    }
    meet(r);
    return MLCE_OK;
}

static inline mlce_status forked_start_sum(void *context, float *numbers, size_t count) {
    const forked_rank *r = context;
    ck_assert_uint_le(count * sizeof *numbers, SHARED_BYTES);
    memcpy(r->shared->bytes[r->rank], numbers, count * sizeof *numbers);
    meet(r);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = 0;
        for (int n = 0; n < r->count; n++) numbers[i] += ((float *)r->shared->bytes[n])[i];
    }
    meet(r);
    return MLCE_OK;
}

static inline void forked_progress(void *context) {
    (void)context;
}

static inline mlce_status forked_wait(void *context) {
    (void)context;
    return MLCE_OK;
}

static inline mlce_status forked_broadcast(void *context, void *bytes, size_t size, int from) {
    const forked_rank *r = context;
    ck_assert_uint_le(size, SHARED_BYTES);
    if (r->rank == from) memcpy(r->shared->bytes[from], bytes, size);
    meet(r);
    memcpy(bytes, r->shared->bytes[from], size);
    meet(r);
    return MLCE_OK;
}

static inline mlce_status forked_gather(void *context, const void *mine, const size_t *sizes,
                                        void *all) {
    const forked_rank *r = context;
    ck_assert_uint_le(sizes[r->rank], SHARED_BYTES);
    if (sizes[r->rank]) memcpy(r->shared->bytes[r->rank], mine, sizes[r->rank]);
    meet(r);
    char *to = all;
    for (int n = 0; n < r->count; to += sizes[n++])
        if (sizes[n]) memcpy(to, r->shared->bytes[n], sizes[n]);
    meet(r);
    return MLCE_OK;
}

/* Calls `work` in `count` processes, each with its ranks; each must return normally. What they are
   to leave goes into files, or into memory that is shared. */
static inline void run_ranks(int count, void (*work)(const mlce_ranks *ranks, void *context),
                             void *context) {
    forked_ranks *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &attributes, (unsigned)count);
    pid_t processes[MOST_RANKS];
    for (int n = 0; n < count; n++) {
        processes[n] = fork();
        ck_assert_int_ge(processes[n], 0);
        if (processes[n]) continue;
        forked_rank rank = {shared, n, count};
        mlce_ranks ranks = {.rank = n,
                            .count = count,
                            .context = &rank,
                            .sum = forked_sum,
                            .start_sum = forked_start_sum,
                            .progress = forked_progress,
                            .wait = forked_wait,
                            .broadcast = forked_broadcast,
                            .gather = forked_gather};
        work(&ranks, context);
        _exit(0);
    }
    for (int n = 0; n < count; n++) {
        int result;
        waitpid(processes[n], &result, 0);
        ck_assert_msg(result == 0, "rank %d ended with %d", n, result);
    }
    munmap(shared, sizeof *shared);
}

#endif
