/* threads.c - the number of threads and the machine. */
#include "mlce/threads.h"

#include <cblas.h>
#include <omp.h>
#include <stdio.h>

#include "core/vector.h"

enum { OPENBLAS_IS_OPENMP = 2 };

mlce_status mlce_threads_set(int threads) {
    if (openblas_get_parallel() != OPENBLAS_IS_OPENMP)
        return mlce_fail(MLCE_E_CONFIG,
                         "the OpenBLAS that was loaded is not its OpenMP build, and its threads "
                         "would fight with the kernels for the cores: install "
                         "libopenblas-openmp-dev (scripts/setup does) and build again");
    if (threads == 0) threads = omp_get_num_procs();
    if (threads > omp_get_thread_limit()) threads = omp_get_thread_limit();
    /* A region that got fewer threads than OpenBLAS counts on would wait for them forever. */
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    return MLCE_OK;
}

int mlce_threads(void) {
    return omp_get_max_threads();
}

/* What the kernels marked MLCE_KERNEL run on here. */
static const char *vector_instructions(void) {
#if !defined(MLCE_KERNEL_CLONES) && defined(__x86_64__) && !defined(__AVX__)
    return "SSE2 (kernels built without other forms)";
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return "AVX-512";
    if (__builtin_cpu_supports("avx2")) return "AVX2";
    return "SSE2";
#elif defined(__aarch64__)
    return "NEON";
#else
    return "plain C";
#endif
}

/* openblas_get_config() begins "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
const char *mlce_machine_description(void) {
    static _Thread_local char text[160];
    char version[32] = "";
    sscanf(openblas_get_config(), "%*s %31s", version);
    int threads = mlce_threads();
    snprintf(text, sizeof text, "%d thread%s, %s, OpenBLAS %s (OpenMP, %s)", threads,
             threads == 1 ? "" : "s", vector_instructions(), version, openblas_get_corename());
    return text;
}
