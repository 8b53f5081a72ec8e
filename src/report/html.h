/* html.h - a page in memory, written so that what comes from files cannot be taken for markup.
 *
 *   mlce_html html;
 *   mlce_status status = mlce_html_begin(&html);
 *   if (status) return status;
 *   mlce_html_put(&html, "<td title=\"%s\">%.4f</td>\n", name, f1);    // name is escaped
 *   return mlce_html_end(&html, path, MLCE_LINKS_FOLLOWED);
 *
 * Markup can only stand in the string of mlce_html_put(). The page is well-formed XML too.
 */
#ifndef MLCE_REPORT_HTML_H
#define MLCE_REPORT_HTML_H

#include <stdio.h>

#include "core/config_locale.h"
#include "core/file.h"
#include "core/text.h"
#include "mlce/status.h"

typedef struct mlce_html {
    FILE *out;
    mlce_text text; /* of a page in memory */
    mlce_locale locale;
} mlce_html;

/* The longest name that a page shows whole, in characters. */
enum { MLCE_HTML_NAME = 64 };

mlce_status mlce_html_begin(mlce_html *html);

/* Writes markup with values in it: %s (escaped), %d, %lld, %zu, and %f, %g with their precision. */
void mlce_html_put(mlce_html *html, const char *markup, ...) MLCE_PRINTF(2, 3);

/* Writes text, escaped, of `most` characters at the most, then an ellipsis. Control characters are
   shown by their pictures; what is not UTF-8, and controls of the direction of writing, by
   U+FFFD. */
void mlce_html_text(mlce_html *html, const char *text, int most);

/* Writes a name, whose direction of writing does not touch what stands around it. */
void mlce_html_name(mlce_html *html, const char *name);

/* Writes the page to the file, whole or not at all. */
mlce_status mlce_html_end(mlce_html *html, const char *path, mlce_links links);
/* Drops it instead. */
void mlce_html_abandon(mlce_html *html);

#endif
