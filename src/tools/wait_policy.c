/* wait_policy.c - how OpenMP's threads wait for each other in the programs. */
#include "tools/wait_policy.h"

#include <stdlib.h>
#include <unistd.h>

void mlce_tool_calm_threads(char **argv) {
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1)) return;
    execv("/proc/self/exe", argv); /* returns only where it cannot: then they spin */
}
