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
#include <string.h>

#include "core/vector.h"

enum {
    ALWAYS_SERIAL = 262144, /* m n k up to which OpenBLAS itself never starts threads */
    SMALL_BLOCK = 96,       /* rows or columns at which sgemm is near its full speed */
    BLOCK = 192,            /* and at it */
    DEALT = 4,              /* blocks come in multiples of this, so that threads get equal shares */
    MOST_BLOCKS = 64,
    WORK_PER_BLOCK = 1 << 20 /* multiplications that outweigh the start of a task */
};

static CBLAS_TRANSPOSE transpose(bool yes) {
    return yes ? CblasTrans : CblasNoTrans;
}

static int block_size(int side, double work_per_line) {
    int blocks = side / SMALL_BLOCK;
    if (blocks > DEALT) blocks = side / BLOCK < DEALT ? DEALT : side / BLOCK / DEALT * DEALT;
    if (blocks > MOST_BLOCKS) blocks = MOST_BLOCKS;
    int block = blocks > 1 ? (side + blocks - 1) / blocks : side;
    if (block * work_per_line < WORK_PER_BLOCK) {
        double lines = WORK_PER_BLOCK / work_per_line;
        block = lines < side ? (int)lines : side;
    }
    return (block + 15) / 16 * 16;
}

/* C = alpha op(A) op(B) + beta C, or with a bias [n] (then beta = 0) C = alpha op(A) op(B) + bias
   in every row. */
typedef struct product {
    bool transpose_a, transpose_b;
    int m, n, k;
    float alpha;
    const float *A;
    int lda;
    const float *B;
    int ldb;
    const float *bias;
    float beta;
    float *C;
    int ldc;
} product;

/* sgemm with beta = 0 writes zeros first and adds to them: it can as well add to the bias. */
static void multiply(const product *p) {
    for (int r = 0; p->bias && r < p->m; r++)
        memcpy(p->C + (size_t)r * (size_t)p->ldc, p->bias, (size_t)p->n * sizeof *p->C);
    cblas_sgemm(CblasRowMajor, transpose(p->transpose_a), transpose(p->transpose_b), p->m, p->n,
                p->k, p->alpha, p->A, p->lda, p->B, p->ldb, p->bias ? 1 : p->beta, p->C, p->ldc);
}

/* Rows [start, start + count) of the product. */
static product rows_of(product p, int start, int count) {
    p.A += p.transpose_a ? (size_t)start : (size_t)start * (size_t)p.lda;
    p.C += (size_t)start * (size_t)p.ldc;
    p.m = count;
    return p;
}

static product columns_of(product p, int start, int count) {
    p.B += p.transpose_b ? (size_t)start * (size_t)p.ldb : (size_t)start;
    p.C += start;
    if (p.bias) p.bias += start;
    p.n = count;
    return p;
}

static void multiply_in_blocks(const product *p) {
    if (p->m == 0 || p->n == 0) return;
    bool by_rows = p->m >= p->n;
    int side = by_rows ? p->m : p->n;
    int block = block_size(side, (double)(by_rows ? p->n : p->m) * p->k);
    if ((double)p->m * p->n * p->k <= ALWAYS_SERIAL || omp_in_parallel()) {
        multiply(p);
        return;
    }
    int blocks = (side + block - 1) / block;
#pragma omp parallel for schedule(dynamic, 1)
    for (int t = 0; t < blocks; t++) {
        int start = t * block, count = side - start < block ? side - start : block;
        product part = by_rows ? rows_of(*p, start, count) : columns_of(*p, start, count);
        multiply(&part);
    }
}

void mlce_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *A,
               int lda, const float *B, int ldb, float beta, float *C, int ldc) {
    multiply_in_blocks(
        &(product){transpose_a, transpose_b, m, n, k, alpha, A, lda, B, ldb, NULL, beta, C, ldc});
}

void mlce_gemm_linear(int rows, int out, int in, const float *x, const float *W, const float *bias,
                      float *y) {
    multiply_in_blocks(&(product){false, true, rows, out, in, 1, x, in, W, in, bias, 0, y, out});
}

/* Columns are shared out among threads, each summed from the top. */
void mlce_add_column_sums(const float *dy, int rows, int cols, float *sum) {
    enum { CHUNK = 64 };
#pragma omp parallel for if ((double)rows * cols > MLCE_PARALLEL_SIZE) schedule(static)
    for (int start = 0; start < cols; start += CHUNK) {
        int count = cols - start < CHUNK ? cols - start : CHUNK;
        float part[CHUNK] = {0};
        for (int r = 0; r < rows; r++) {
            const float *row = dy + (size_t)r * (size_t)cols + start;
            for (int c = 0; c < count; c++) part[c] += row[c];
        }
        for (int c = 0; c < count; c++) sum[start + c] += part[c];
    }
}
