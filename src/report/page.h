/* page.h - the parts of a page: what a report of one run and a comparison of several share, and the
 * sections of the former.
 */
#ifndef MLCE_REPORT_PAGE_H
#define MLCE_REPORT_PAGE_H

#include "report/html.h"
#include "report/view.h"

/* Rows of a table that a page shows at the most. */
enum { MLCE_PAGE_ROWS = 200 };

/* From the doctype to the heading, and from there to the end. */
void mlce_page_begin(mlce_html *html, const char *title);
void mlce_page_end(mlce_html *html);

/* "1,234,567" in one of a few buffers that calls use in turn. */
const char *mlce_page_count(int64_t number);
/* "3.2 s", "5:07 min" or "2:05:07 h", in the same way. */
const char *mlce_page_time(double seconds);

/* A table cell: a value over a bar of this share of the cell's width. */
void mlce_page_bar(mlce_html *html, const char *colour, double share, const char *value);

/* Where evaluations are drawn: their epochs, or, where an epoch has several, their steps.
   `x` [evaluations]. Returns the axis' name. */
const char *mlce_page_positions(const mlce_view *view, bool by_steps, double *x);
bool mlce_page_needs_steps(const mlce_view *view);

/* Of `count` things those of weight over 0, or the `most` of them with the highest weights: their
   numbers, ascending, into ids[most or count, what is less]; how many into *picked. */
mlce_status mlce_page_pick(const int64_t *weights, int count, int most, int *ids, int *picked);

/* The sections, in order. */
void mlce_page_summary(mlce_html *html, const mlce_view *view);
mlce_status mlce_page_curves(mlce_html *html, const mlce_view *view);
mlce_status mlce_page_type_table(mlce_html *html, const mlce_view *view);
mlce_status mlce_page_confusions(mlce_html *html, const mlce_view *view);
mlce_status mlce_page_errors(mlce_html *html, const mlce_view *view);
mlce_status mlce_page_data(mlce_html *html, const mlce_view *view);
mlce_status mlce_page_speed(mlce_html *html, const mlce_view *view);
void mlce_page_model(mlce_html *html, const mlce_view *view);

#endif
