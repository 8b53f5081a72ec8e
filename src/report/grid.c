/* grid.c - a table of strings, for a page and for a terminal. */
#include "report/grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/memory.h"
#include "train/metrics_items.h"

mlce_status mlce_grid_new(int rows, int columns, mlce_grid *grid) {
    size_t cells = (size_t)rows * (size_t)columns;
    *grid = (mlce_grid){.rows = rows, .columns = columns};
    grid->cells = mlce_calloc(cells, sizeof *grid->cells);
    grid->best = mlce_calloc(cells, sizeof *grid->best);
    if (grid->cells && grid->best) return MLCE_OK;
    mlce_grid_free(grid);
    return MLCE_E_MEMORY;
}

void mlce_grid_free(mlce_grid *grid) {
    for (int n = 0; grid->cells && n < grid->rows * grid->columns; n++) free(grid->cells[n]);
    free(grid->cells);
    free(grid->best);
    *grid = (mlce_grid){0};
}

mlce_status mlce_grid_set(mlce_grid *grid, int row, int column, const char *format, ...) {
    char **cell = &grid->cells[row * grid->columns + column];
    va_list values, again;
    va_start(values, format);
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    free(*cell);
    *cell = length < 0 ? NULL : mlce_calloc((size_t)length + 1, 1);
    if (*cell) vsnprintf(*cell, (size_t)length + 1, format, again);
    va_end(again);
    va_end(values);
    return *cell ? MLCE_OK : mlce_fail(MLCE_E_MEMORY, "out of memory: a table");
}

void mlce_grid_mark_best(mlce_grid *grid, int row) {
    char **cells = grid->cells + (size_t)row * (size_t)grid->columns;
    double low = 0, high = 0;
    bool first = true;
    for (int c = 1; c < grid->columns; c++) {
        if (!cells[c]) continue;
        double value = strtod(cells[c], NULL);
        if (first || value < low) low = value;
        if (first || value > high) high = value;
        first = false;
    }
    for (int c = 1; c < grid->columns && high > low; c++)
        grid->best[row * grid->columns + c] = cells[c] && strtod(cells[c], NULL) == high;
}

/* ---- Showing: row r and column c of what is shown, which may be the grid on its side ---- */

static bool on_side(const mlce_grid *grid) {
    return grid->columns > grid->rows;
}

static int place_of(const mlce_grid *grid, int r, int c) {
    return on_side(grid) ? c * grid->columns + r : r * grid->columns + c;
}

static int shown_rows(const mlce_grid *grid) {
    return on_side(grid) ? grid->columns : grid->rows;
}

static int shown_columns(const mlce_grid *grid) {
    return on_side(grid) ? grid->rows : grid->columns;
}

static const char *cell_of(const mlce_grid *grid, int r, int c) {
    const char *text = grid->cells[place_of(grid, r, c)];
    return text ? text : "";
}

void mlce_grid_put(mlce_html *html, const mlce_grid *grid) {
    mlce_html_put(html, "<div class=\"scroll\"><table>\n");
    for (int r = 0; r < shown_rows(grid); r++) {
        mlce_html_put(html, r == 0 ? "<thead><tr>" : r == 1 ? "<tbody><tr>" : "<tr>");
        for (int c = 0; c < shown_columns(grid); c++) {
            const char *tag = r == 0 || c == 0 ? "th" : "td";
            mlce_html_put(html, "<%s class=\"%s%s\">", tag, c ? "n" : "name",
                          grid->best[place_of(grid, r, c)] ? " best" : "");
            mlce_html_name(html, cell_of(grid, r, c));
            mlce_html_put(html, "</%s>", tag);
        }
        mlce_html_put(html, r == 0 ? "</tr></thead>\n" : "</tr>\n");
    }
    mlce_html_put(html, "</tbody></table></div>\n");
}

static int width_of(const mlce_grid *grid, int c) {
    int width = 0;
    for (int r = 0; r < shown_rows(grid); r++) {
        int columns = mlce_print_name(NULL, cell_of(grid, r, c));
        if (columns > width) width = columns;
    }
    return width;
}

void mlce_grid_print(FILE *out, const mlce_grid *grid) {
    int columns = shown_columns(grid), *width = mlce_calloc((size_t)columns, sizeof *width);
    if (!width) return;
    for (int c = 0; c < columns; c++) width[c] = width_of(grid, c);
    for (int r = 0; r < shown_rows(grid); r++) {
        for (int c = 0; c < columns; c++) {
            const char *text = cell_of(grid, r, c);
            int space = width[c] - mlce_print_name(NULL, text);
            bool last = c + 1 == columns;
            fprintf(out, "%*s", c ? space + 2 : 0, "");
            mlce_print_name(out, text);
            bool best = grid->best[place_of(grid, r, c)];
            if (best || !last) fputc(best ? '*' : ' ', out);
            if (c == 0 && !last) fprintf(out, "%*s", space, "");
        }
        fputc('\n', out);
    }
    free(width);
}
