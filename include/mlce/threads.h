/* threads.h - how many threads the kernels use, and what the machine offers. */
#ifndef MLCE_THREADS_H
#define MLCE_THREADS_H

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the number of OpenMP threads, which OpenBLAS shares, for what the calling thread does; 0 =
   one a core this process may run on. A program whose own threads call the library at the same
   time calls this in each of them: every one has a team of its own, so that their numbers should
   add up to the cores (with as many threads as cores: 1 each). A thread that does not call it gets
   OpenMP's default, a team as large as the machine. Results do not depend on it. Refuses
   (MLCE_E_CONFIG) an OpenBLAS that is not the OpenMP build and says how to get it: another build
   would fight with the kernels for the cores. On a machine that others use too, start the program
   with OMP_WAIT_POLICY=passive in its environment, as mlce-train does for itself: threads that spin
   while they wait slow each other down tenfold. */
MLCE_API mlce_status mlce_threads_set(int threads);
/* Of the calling thread. */
MLCE_API int mlce_threads(void);

/* "2 threads, AVX2, OpenBLAS 0.3.21 (OpenMP, Zen)": what decides the speed. Valid until
   the thread's next call. */
MLCE_API const char *mlce_machine_description(void);

#ifdef __cplusplus
}
#endif
#endif
