/* gemm.c - matrix products whose bits do not depend on the number of threads.
 *
 * OpenBLAS cuts a product by the number of threads, and the cut decides the bits. Here the longer
 * side of C is cut into blocks whose size depends on the shape alone, and each block is one
 * single-threaded sgemm inside a parallel region.
 */
#include "autodiff/gemm.h"

#include <cblas.h>
#include <omp.h>
#include <stddef.h>

enum {
    ALWAYS_SERIAL = 262144, /* m n k up to which OpenBLAS itself never starts threads */
    SMALLEST_BLOCK = 128,   /* rows or columns: sgemm is at full speed from there on */
    MOST_BLOCKS = 64,
    WORK_PER_BLOCK = 1 << 20 /* multiplications that outweigh the start of a task */
};

static CBLAS_TRANSPOSE transpose(bool yes) {
    return yes ? CblasTrans : CblasNoTrans;
}

static int block_size(int side, double work_per_line) {
    int block = (side + MOST_BLOCKS - 1) / MOST_BLOCKS;
    if (block < SMALLEST_BLOCK) block = SMALLEST_BLOCK;
    if (block * work_per_line < WORK_PER_BLOCK) {
        double lines = WORK_PER_BLOCK / work_per_line;
        block = lines < side ? (int)lines : side;
    }
    return (block + 31) / 32 * 32;
}

void mlce_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *A,
               int lda, const float *B, int ldb, float beta, float *C, int ldc) {
    if (m == 0 || n == 0) return;
    CBLAS_TRANSPOSE op_a = transpose(transpose_a), op_b = transpose(transpose_b);
    bool by_rows = m >= n;
    int side = by_rows ? m : n;
    int block = block_size(side, (double)(by_rows ? n : m) * k);
    if ((double)m * n * k <= ALWAYS_SERIAL || omp_in_parallel()) {
        cblas_sgemm(CblasRowMajor, op_a, op_b, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
        return;
    }
    int blocks = (side + block - 1) / block;
#pragma omp parallel for schedule(dynamic, 1)
    for (int t = 0; t < blocks; t++) {
        int start = t * block, count = side - start < block ? side - start : block;
        const float *a = A, *b = B;
        float *c = C;
        if (by_rows) {
            a += transpose_a ? (size_t)start : (size_t)start * (size_t)lda;
            c += (size_t)start * (size_t)ldc;
        } else {
            b += transpose_b ? (size_t)start * (size_t)ldb : (size_t)start;
            c += start;
        }
        cblas_sgemm(CblasRowMajor, op_a, op_b, by_rows ? count : m, by_rows ? n : count, k, alpha,
                    a, lda, b, ldb, beta, c, ldc);
    }
}
