/* report.h - the page of a run that has just ended. */
#ifndef MLCE_REPORT_REPORT_H
#define MLCE_REPORT_REPORT_H

#include "mlce/report.h"
#include "report/view.h"

/* The page that mlce_report_write() makes, from a model and data that are open already: `best` is
   the model of best.h5, `data` the splits, NULL where there is none. */
mlce_status mlce_report_of(const char *run, mlce_model *best, mlce_dataset *const *data);

#endif
