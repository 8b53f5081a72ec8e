/* panels.h - products with a matrix that is used many times.
 *
 * A recurrent network multiplies the same weights with a handful of rows at every step, and the
 * span loss the same keys with one tile after the other, where sgemm would rearrange them each
 * time. Here they are arranged once, into panels of 16 columns: panel p holds, for k = 0, 1, ...,
 * the 16 numbers B[k][16 p ..].
 */
#ifndef MLCE_AUTODIFF_PANELS_H
#define MLCE_AUTODIFF_PANELS_H

#include <stdbool.h>
#include <stddef.h>

enum { MLCE_PANEL = 16 };

/* `columns` rounded up to whole panels: the columns that the product below writes. */
int mlce_panel_columns(int columns);

/* Arranges B = op(W) [depth, columns], W row-major with `stride` numbers from row to row, into
   panels [depth * mlce_panel_columns(columns)], aligned to 64 bytes. What the last panel has over
   is 0. */
void mlce_panels_fill(bool transpose, const float *W, int stride, int depth, int columns,
                      float *panels);

/* C = A B: row r of A is the `depth` numbers at rows[r], of C the mlce_panel_columns(columns)
   numbers at C + r * that. On the calling thread; a row's bits do not depend on the others. */
void mlce_panels_multiply(const float *const *rows, int count, const float *panels, int depth,
                          int columns, float *C);

/* C[r][0 .. 15] = sum over k < depth of rows[r][k * step] * panel[k][0 .. 15], added to what is
   there if `add`; from one row of C to the next are `stride` numbers. With step = 1 the rows are
   those of a matrix, with step = its width they are its columns. The panel is aligned to 64 bytes.
 */
void mlce_panel_multiply(const float *const *rows, ptrdiff_t step, int count, const float *panel,
                         int depth, bool add, float *C, ptrdiff_t stride);

#endif
