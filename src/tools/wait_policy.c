/* wait_policy.c - how OpenMP's threads wait for each other in the programs. */
#include "tools/wait_policy.h"

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

/* How often libgomp's threads look for work before they sleep: for some tens of microseconds, as
   long as it takes to wake one. */
static const char *const SPINS = "5000";

/* What is started as /proc/self/exe would be called "exe" in ps and top. */
static void take_name(const char *path) {
#ifdef __linux__
    const char *slash = strrchr(path, '/');
    prctl(PR_SET_NAME, slash ? slash + 1 : path, 0, 0, 0);
#else
    (void)path;
#endif
}

void mlce_tool_calm_threads(char **argv) {
    take_name(argv[0]);
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) || setenv("GOMP_SPINCOUNT", SPINS, 1)) return;
    execv("/proc/self/exe", argv); /* returns only where it cannot: then they spin */
}
