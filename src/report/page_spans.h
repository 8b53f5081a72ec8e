/* page_spans.h - an error in its place: the text with gold and predicted spans marked. */
#ifndef MLCE_REPORT_PAGE_SPANS_H
#define MLCE_REPORT_PAGE_SPANS_H

#include "report/html.h"
#include "report/view.h"

/* An item of a list. */
mlce_status mlce_page_example(mlce_html *html, const mlce_view *view, const mlce_example *example);

#endif
