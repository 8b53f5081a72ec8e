/* statistics.h - what a split of the data consists of. */
#ifndef MLCE_REPORT_STATISTICS_H
#define MLCE_REPORT_STATISTICS_H

#include "mlce/dataset.h"

/* Spans of 1, 2, 3, 4, 5 to 8, 9 to 16, and more tokens; items with so many labels. */
enum { MLCE_LENGTHS = 7 };
extern const char *const mlce_length_names[MLCE_LENGTHS];

typedef struct mlce_statistics {
    int64_t sequences, tokens, spans;
    int64_t longest;  /* tokens */
    int64_t bare;     /* sequences without spans */
    int64_t most;     /* spans in one sequence */
    int64_t nested;   /* spans all of whose tokens are another's too */
    int64_t crossing; /* spans that share some of their tokens with another, each having
                         tokens the other has not */
    int64_t depth;    /* most spans over one token */
    int64_t by_length[MLCE_LENGTHS]; /* spans; with labels: items by number of labels, from 1 on */
    int64_t *by_type;                /* [types] spans */
} mlce_statistics;

mlce_status mlce_statistics_of(const mlce_dataset *dataset, mlce_statistics *statistics);
void mlce_statistics_free(mlce_statistics *statistics);

#endif
