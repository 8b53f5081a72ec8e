/* threads.h - how many threads the kernels use, and what the machine offers. */
#ifndef MLCE_THREADS_H
#define MLCE_THREADS_H

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the number of OpenMP threads, which OpenBLAS shares; 0 = one a core this process may run
   on. Refuses (MLCE_E_CONFIG) an OpenBLAS that is not the OpenMP build and says how to get it:
   another build would fight with the kernels for the cores. On a machine that others use too,
   start the program with OMP_WAIT_POLICY=passive in its environment, as mlce-train does for
   itself: threads that spin while they wait slow each other down tenfold. */
MLCE_API mlce_status mlce_threads_set(int threads);
MLCE_API int mlce_threads(void);

/* "2 threads, AVX2, OpenBLAS 0.3.21 (OpenMP, Zen)": what decides the speed. Static storage. */
MLCE_API const char *mlce_machine_description(void);

#ifdef __cplusplus
}
#endif
#endif
