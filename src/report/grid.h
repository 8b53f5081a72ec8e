/* grid.h - a table of strings, for a page and for a terminal. */
#ifndef MLCE_REPORT_GRID_H
#define MLCE_REPORT_GRID_H

#include <stdbool.h>

#include "report/html.h"

/* The first row and the first column are heads. */
typedef struct mlce_grid {
    int rows, columns;
    char **cells; /* [rows][columns], on the heap; NULL: empty */
    bool *best;   /* [rows][columns]: to be seen at once */
} mlce_grid;

mlce_status mlce_grid_new(int rows, int columns, mlce_grid *grid);
void mlce_grid_free(mlce_grid *grid);
mlce_status mlce_grid_set(mlce_grid *grid, int row, int column, const char *format, ...)
    MLCE_PRINTF(4, 5);
/* Marks the highest number of a row, if there are several columns and not all are equal. */
void mlce_grid_mark_best(mlce_grid *grid, int row);

/* What has fewer columns: the grid, or its rows as columns. */
void mlce_grid_put(mlce_html *html, const mlce_grid *grid);
/* The same, aligned; the best has a star. */
void mlce_grid_print(FILE *out, const mlce_grid *grid);

#endif
