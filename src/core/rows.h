/* rows.h - what attention and the span losses do to rows of scores. */
#ifndef MLCE_CORE_ROWS_H
#define MLCE_CORE_ROWS_H

/* e^x is taken for 0 below: e^-87 is about the smallest that float32 holds in full, and under it
   expf() is slow. */
static const float MLCE_LOWEST = -87.0f;

/* The largest; -infinity of none. */
float mlce_row_top(const float *row, int count);

/* row_j := e^(row_j - shift); returns their sum. */
float mlce_row_exp(float *row, float shift, int count);

/* row_j := factor row_j */
void mlce_row_scale(float *row, float factor, int count);

#endif
