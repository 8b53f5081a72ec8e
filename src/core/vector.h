/* vector.h - what lets plain loops use the vector unit. */
#ifndef MLCE_CORE_VECTOR_H
#define MLCE_CORE_VECTOR_H

#include <math.h>

/* glibc's libmvec has vector forms of these. gcc takes them in `#pragma omp simd` loops once they
   are declared so; its own headers do that under -ffast-math only. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#pragma omp declare simd notinbranch
extern float expf(float);
#if __GLIBC_PREREQ(2, 35)
#pragma omp declare simd notinbranch
extern float erff(float);
#pragma omp declare simd notinbranch
extern float tanhf(float);
#pragma omp declare simd notinbranch
extern float log1pf(float);
#endif
#endif

/* A function so marked is compiled for several instruction sets, and the best that the machine has
   is taken when the program starts. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) &&       \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MLCE_KERNEL_CLONES
#define MLCE_KERNEL __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define MLCE_KERNEL
#endif

/* Loops over less than this many numbers run on one thread: starting threads costs more. */
enum { MLCE_PARALLEL_SIZE = 1 << 15 };

#endif
