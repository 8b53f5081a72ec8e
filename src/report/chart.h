/* chart.h - lines over epochs as inline SVG. */
#ifndef MLCE_REPORT_CHART_H
#define MLCE_REPORT_CHART_H

#include <stdbool.h>

#include "report/html.h"

typedef struct mlce_chart_line {
    const char *name;   /* escaped */
    const char *colour; /* CSS classes of the page: "c0" .. "c7", and "dashed", "dotted", "thick" */
    const double *x, *y;
    int count;
} mlce_chart_line;

typedef struct mlce_chart {
    const char *title, *x_name, *y_name;
    const mlce_chart_line *lines;
    int count;
    bool share;       /* y does not leave [0, 1] */
    bool from_zero;   /* the y axis begins at 0 */
    const char *mark; /* what the vertical line at mark_x is; NULL: there is none */
    double mark_x;
} mlce_chart;

/* A figure with its legend. Of very many points so many are drawn as can be told apart. */
void mlce_chart_put(mlce_html *html, const mlce_chart *chart);

#endif
