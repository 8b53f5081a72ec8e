/* panels.c - products of a few rows with a matrix that is used many times. */
#include "autodiff/panels.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAVE_FMA_FORM 1
#endif

enum { MOST_ROWS = 6 /* at once: twelve sums of eight numbers stay in AVX2's 16 registers */ };

int mlce_panel_columns(int columns) {
    return (columns + MLCE_PANEL - 1) / MLCE_PANEL * MLCE_PANEL;
}

void mlce_panels_fill(bool transpose, const float *W, int stride, int depth, int columns,
                      float *panels) {
    for (int start = 0; start < columns; start += MLCE_PANEL) {
        int count = columns - start < MLCE_PANEL ? columns - start : MLCE_PANEL;
        float *panel = panels + (size_t)start * (size_t)depth;
        if (count < MLCE_PANEL) memset(panel, 0, (size_t)depth * MLCE_PANEL * sizeof *panel);
        for (int k = 0; k < depth; k++) {
            float *to = panel + (size_t)k * MLCE_PANEL;
            const float *from = transpose ? W + (size_t)start * (size_t)stride + k
                                          : W + (size_t)k * (size_t)stride + start;
            size_t step = transpose ? (size_t)stride : 1;
            for (int j = 0; j < count; j++) to[j] = from[(size_t)j * step];
        }
    }
}

/* One row of C, one panel wide. */
static void multiply_row(const float *row, const float *panel, int depth, float *C) {
    float sum[MLCE_PANEL] = {0};
    for (int k = 0; k < depth; k++)
        for (int j = 0; j < MLCE_PANEL; j++) sum[j] += row[k] * panel[k * MLCE_PANEL + j];
    memcpy(C, sum, sizeof sum);
}

static void multiply_plain(const float *const *rows, int count, const float *panels, int depth,
                           int columns, float *C) {
    for (int start = 0; start < columns; start += MLCE_PANEL)
        for (int r = 0; r < count; r++)
            multiply_row(rows[r], panels + (size_t)start * (size_t)depth, depth,
                         C + (size_t)r * (size_t)columns + start);
}

#if HAVE_FMA_FORM
/* `count` rows of C, one panel wide. Inlined with a count that is known, its loops over the rows
   vanish and the sums are registers. */
__attribute__((always_inline, target("avx2,fma"))) static inline void
multiply_block(int count, const float *const *rows, const float *panel, int depth, float *C,
               int stride) {
    __m256 sum[MOST_ROWS][2];
    for (int r = 0; r < count; r++) sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (int k = 0; k < depth; k++) {
        __m256 low = _mm256_load_ps(panel + k * MLCE_PANEL);
        __m256 high = _mm256_load_ps(panel + k * MLCE_PANEL + 8);
        for (int r = 0; r < count; r++) {
            __m256 number = _mm256_broadcast_ss(rows[r] + k);
            sum[r][0] = _mm256_fmadd_ps(number, low, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(number, high, sum[r][1]);
        }
    }
    for (int r = 0; r < count; r++) {
        _mm256_storeu_ps(C + (ptrdiff_t)r * stride, sum[r][0]);
        _mm256_storeu_ps(C + (ptrdiff_t)r * stride + 8, sum[r][1]);
    }
}

/* The rows are cut into blocks as equal as can be: 8 rows are 4 and 4, for a block of 2 would
   wait for its few sums. */
__attribute__((target("avx2,fma"))) static void multiply_fma(const float *const *rows, int count,
                                                             const float *panels, int depth,
                                                             int columns, float *C) {
    int blocks = (count + MOST_ROWS - 1) / MOST_ROWS;
    for (int start = 0; start < columns; start += MLCE_PANEL) {
        const float *panel = panels + (size_t)start * (size_t)depth;
        int first = 0;
        for (int left = blocks; left > 0; left--) {
            int n = (count - first + left - 1) / left;
            const float *const *a = rows + first;
            float *c = C + (size_t)first * (size_t)columns + start;
            if (n == 6) multiply_block(6, a, panel, depth, c, columns);
            if (n == 5) multiply_block(5, a, panel, depth, c, columns);
            if (n == 4) multiply_block(4, a, panel, depth, c, columns);
            if (n == 3) multiply_block(3, a, panel, depth, c, columns);
            if (n == 2) multiply_block(2, a, panel, depth, c, columns);
            if (n == 1) multiply_block(1, a, panel, depth, c, columns);
            first += n;
        }
    }
}
#endif

void mlce_panels_multiply(const float *const *rows, int count, const float *panels, int depth,
                          int columns, float *C) {
    columns = mlce_panel_columns(columns);
#if HAVE_FMA_FORM
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        multiply_fma(rows, count, panels, depth, columns, C);
        return;
    }
#endif
    multiply_plain(rows, count, panels, depth, columns, C);
}
