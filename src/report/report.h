/* report.h - the page of a run that has just ended. */
#ifndef MLCE_REPORT_REPORT_H
#define MLCE_REPORT_REPORT_H

#include "mlce/report.h"
#include "report/view.h"

/* Writes report.html into the folder of the run that is viewed. */
mlce_status mlce_report_of(const mlce_view *view);

/* Refuses a path of what the view is made from: data, or a file of the run's own. */
mlce_status mlce_report_check_path(const mlce_view *view, const char *path);

#endif
