/* panels.c - products with a matrix that is used many times. */
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

/* What a form of the kernel computes: see mlce_panel_multiply(). */
typedef struct panel_product {
    const float *const *rows;
    ptrdiff_t step;
    int count;
    const float *panel;
    int depth;
    bool add;
    float *C;
    ptrdiff_t stride;
} panel_product;

enum { PLAIN_ROWS = 4 /* their sums stay in 16 registers of four numbers */ };

/* `count` rows from row `first` on, count <= PLAIN_ROWS. */
static inline void multiply_plain_block(const panel_product *p, int first, int count) {
    float sum[PLAIN_ROWS][MLCE_PANEL] = {{0}};
    for (int k = 0; k < p->depth; k++)
        for (int r = 0; r < count; r++) {
            float number = p->rows[first + r][k * p->step];
            for (int j = 0; j < MLCE_PANEL; j++) sum[r][j] += number * p->panel[k * MLCE_PANEL + j];
        }
    for (int r = 0; r < count; r++) {
        float *C = p->C + (first + r) * p->stride;
        for (int j = 0; j < MLCE_PANEL; j++) C[j] = p->add ? C[j] + sum[r][j] : sum[r][j];
    }
}

static void multiply_plain(const panel_product *p) {
    int first = 0;
    for (; first + PLAIN_ROWS <= p->count; first += PLAIN_ROWS)
        multiply_plain_block(p, first, PLAIN_ROWS);
    for (; first < p->count; first++) multiply_plain_block(p, first, 1);
}

#if HAVE_FMA_FORM
/* `count` rows from row `first` on. Inlined with a count that is known, its loops over the rows
   vanish and the sums are registers. */
__attribute__((always_inline, target("avx2,fma"))) static inline void
multiply_block(int count, const panel_product *p, int first) {
    const float *const *rows = p->rows + first;
    const float *panel = p->panel;
    ptrdiff_t step = p->step, at = 0;
    __m256 sum[MOST_ROWS][2];
    for (int r = 0; r < count; r++) sum[r][0] = sum[r][1] = _mm256_setzero_ps();
    for (int k = 0; k < p->depth; k++, at += step, panel += MLCE_PANEL) {
        __m256 low = _mm256_load_ps(panel), high = _mm256_load_ps(panel + 8);
        for (int r = 0; r < count; r++) {
            __m256 number = _mm256_broadcast_ss(rows[r] + at);
            sum[r][0] = _mm256_fmadd_ps(number, low, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(number, high, sum[r][1]);
        }
    }
    for (int r = 0; r < count; r++) {
        float *C = p->C + (first + r) * p->stride;
        if (p->add) {
            sum[r][0] = _mm256_add_ps(_mm256_loadu_ps(C), sum[r][0]);
            sum[r][1] = _mm256_add_ps(_mm256_loadu_ps(C + 8), sum[r][1]);
        }
        _mm256_storeu_ps(C, sum[r][0]);
        _mm256_storeu_ps(C + 8, sum[r][1]);
    }
}

/* The rows are cut into blocks as equal as can be: 8 rows are 4 and 4, for a block of 2 would
   wait for its few sums. */
__attribute__((target("avx2,fma"))) static void multiply_fma(const panel_product *p) {
    int first = 0;
    for (int left = (p->count + MOST_ROWS - 1) / MOST_ROWS; left > 0; left--) {
        int n = (p->count - first + left - 1) / left;
        if (n == 6) multiply_block(6, p, first);
        if (n == 5) multiply_block(5, p, first);
        if (n == 4) multiply_block(4, p, first);
        if (n == 3) multiply_block(3, p, first);
        if (n == 2) multiply_block(2, p, first);
        if (n == 1) multiply_block(1, p, first);
        first += n;
    }
}
#endif

static void multiply(const panel_product *p) {
#if HAVE_FMA_FORM
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        multiply_fma(p);
        return;
    }
#endif
    multiply_plain(p);
}

void mlce_panel_multiply(const float *const *rows, ptrdiff_t step, int count, const float *panel,
                         int depth, bool add, float *C, ptrdiff_t stride) {
    multiply(&(panel_product){rows, step, count, panel, depth, add, C, stride});
}

void mlce_panels_multiply(const float *const *rows, int count, const float *panels, int depth,
                          int columns, float *C) {
    int stride = mlce_panel_columns(columns);
    for (int start = 0; start < columns; start += MLCE_PANEL)
        multiply(&(panel_product){rows, 1, count, panels + (size_t)start * (size_t)depth, depth,
                                  false, C + start, stride});
}
