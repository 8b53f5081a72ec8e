/* panels.h - products of a few rows with a matrix that is used many times.
 *
 * A recurrent network multiplies the same weights with a handful of rows at every step, where
 * sgemm spends most of its time on rearranging the weights. Here they are arranged once, into
 * panels of 16 columns: panel p holds, for k = 0, 1, ..., the 16 numbers B[k][16 p ..].
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

#endif
