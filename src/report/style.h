/* style.h - the style sheet of the pages. */
#ifndef MLCE_REPORT_STYLE_H
#define MLCE_REPORT_STYLE_H

extern const char *const mlce_page_style[]; /* lines; NULL at the end */

#endif
