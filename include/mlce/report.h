/* report.h - a run as a page to look at, and several runs side by side.
 *
 * A page is one HTML file that needs nothing else: no network, no JavaScript; it is well-formed XML
 * too. The same run and data give the same bytes.
 */
#ifndef MLCE_REPORT_H
#define MLCE_REPORT_H

#include "mlce/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the page of the run in a folder, whole or not at all, to `path`; NULL: report.html in the
   folder. It shows the curves, what the best checkpoint does on data.dev by type, its errors by
   kind in their places, the data, the speed, the parameters and the configuration. The data are
   those that the configuration names, relative to the current folder; what cannot be had of them is
   left out, and the page says so, as are the curves of a run that was imported. At most 25 errors
   of a kind are shown, and 200 rows in a table.
 */
MLCE_API mlce_status mlce_report_write(const char *run, const char *path);

/* Compares the runs in these folders: figures, settings that differ, and F1 of each type on the
   run's data.dev. `path`: a page with that and the runs' curves in one picture; NULL: none. `text`:
   the same as plain tables, on the heap for the caller to free; NULL: not wanted. */
MLCE_API mlce_status mlce_report_compare(const char *const *runs, int count, const char *path,
                                         char **text);

#ifdef __cplusplus
}
#endif
#endif
