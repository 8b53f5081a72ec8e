/* gemm.h - matrix products whose bits do not depend on the number of threads. */
#ifndef MLCE_AUTODIFF_GEMM_H
#define MLCE_AUTODIFF_GEMM_H

#include <stdbool.h>

/* C = alpha op(A) op(B) + beta C, row-major; op(A) [m, k], op(B) [k, n], C [m, n]; lda, ldb, ldc
   are the distances between rows as stored. Inside a parallel region it runs on the calling thread.
 */
void mlce_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *A,
               int lda, const float *B, int ldb, float beta, float *C, int ldc);

/* y = x W^T + bias: x [rows, in], W [out, in], bias [out] or NULL, y [rows, out]. */
void mlce_gemm_linear(int rows, int out, int in, const float *x, const float *W, const float *bias,
                      float *y);

/* sum_c += sum over rows of dy[r, c] */
void mlce_add_column_sums(const float *dy, int rows, int cols, float *sum);

#endif
