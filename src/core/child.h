/* child.h - work in a process apart, which may crash, hang or ask for too much. */
#ifndef MLCE_CORE_CHILD_H
#define MLCE_CORE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "mlce/status.h"

/* What the work may use; 0: no limit. */
typedef struct mlce_child_limits {
    double seconds;       /* from start to end */
    unsigned cpu_seconds; /* of computing */
    size_t memory;        /* bytes beside what this process has already */
    bool quiet;           /* what it prints, an aborting C library's last words too, is not shown */
} mlce_child_limits;

typedef enum mlce_child_fate {
    MLCE_CHILD_DONE,     /* work() returned */
    MLCE_CHILD_CRASHED,  /* it was ended by a signal, or ended itself */
    MLCE_CHILD_TOO_LONG, /* it was ended at a limit of time */
} mlce_child_fate;

typedef struct mlce_child_end {
    mlce_child_fate fate;
    int result; /* what work() returned, 0 .. 255, where it is done */
    int signal; /* that it crashed with, 0 where that is not known */
} mlce_child_end;

/* Runs work(context) in a forked process and waits for it. The process has a copy of this one's
   memory and of the calling thread alone: work() must take no lock that another thread may hold
   and use no OpenMP. malloc() is fit for that in glibc. Fails only where no process can be had. */
mlce_status mlce_child_run(const mlce_child_limits *limits, int (*work)(void *context),
                           void *context, mlce_child_end *end);

#endif
