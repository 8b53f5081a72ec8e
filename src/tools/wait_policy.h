/* wait_policy.h - how OpenMP's threads wait for each other in the programs. */
#ifndef MLCE_TOOLS_WAIT_POLICY_H
#define MLCE_TOOLS_WAIT_POLICY_H

/* By default OpenMP's threads spin while they wait. Where another process has one of the cores, a
   thread that spins keeps the one that it waits for from running, and a step takes ten times as
   long. This lets them sleep instead, unless the environment has OMP_WAIT_POLICY or
   GOMP_SPINCOUNT. OpenMP reads its environment when the program is loaded, before main(), so the
   program is started anew with the variable set: call it first thing in main(). */
void mlce_tool_calm_threads(char **argv);

#endif
