/* summary.h - how large a dataset is, and how its spans are spread over types, sequences and each
 * other. */
#ifndef MLCE_CORPUS_SUMMARY_H
#define MLCE_CORPUS_SUMMARY_H

#include "mlce/dataset.h"

/* Counted in one pass over all sequences. {0} is empty. Free with mlce_summary_free(). */
typedef struct mlce_summary {
    int64_t sequences, tokens, spans;
    int types;
    int *lengths;            /* [sequences] tokens, sorted */
    int *counts;             /* [sequences] spans or labels, sorted */
    int *widths;             /* [spans] tokens, sorted */
    int64_t *type_spans;     /* [types] */
    int64_t *type_sequences; /* [types] that have one of it or more */
    int64_t bare;            /* sequences without a span */
    int64_t empty;           /* sequences without a token */
    int64_t nested;          /* spans within a longer one */
    int64_t crossing;        /* spans that begin in another and end behind it */
    int64_t shared;          /* spans with the range of another, under another type */
    int64_t blank;           /* tokens (or items) whose text is empty or white space */
    int64_t first_blank;     /* the sequence of the first of them, or -1 */
    int64_t crossing_first;  /* the first sequence with a crossing span, or -1 */
} mlce_summary;

/* mlce_dataset_load_text() must have succeeded before. */
mlce_status mlce_summarise(const mlce_dataset *dataset, mlce_summary *summary);
void mlce_summary_free(mlce_summary *summary);

/* The value at `share` (0 .. 1) of a sorted list: 0.5 is the median; 0 where the list is empty. */
int mlce_quantile(const int *sorted, int64_t count, double share);
/* How many of a sorted list are at most `limit`. */
int64_t mlce_count_up_to(const int *sorted, int64_t count, int limit);

#endif
