/* errors.h - what a model gets wrong: counts by kind and types, and examples. */
#ifndef MLCE_REPORT_ERRORS_H
#define MLCE_REPORT_ERRORS_H

#include "report/align.h"

/* How many pairs there are of a kind, a gold type and a predicted type; -1: none. */
typedef struct mlce_confusion {
    mlce_pair_kind kind;
    int gold, predicted;
    int64_t count;
} mlce_confusion;

/* Most examples of a kind; spans shown around one, gold and predicted each; tokens beside it. */
enum { MLCE_EXAMPLES = 25, MLCE_EXAMPLE_SPANS = 12, MLCE_EXAMPLE_BESIDE = 12 };

/* An error in its place. The first span of each list is the error's own, if has_gold and
   has_predicted; then those around it. */
typedef struct mlce_example {
    int64_t sequence;
    float rank; /* the higher, the sooner shown */
    bool has_gold, has_predicted;
    int first, last;                    /* the tokens shown: half-open */
    mlce_scored_span *gold, *predicted; /* gold has no scores */
    int gold_count, predicted_count;
    int left_out; /* spans of this place that are not among them */
} mlce_example;

/* {.task, .types} at first. */
typedef struct mlce_errors {
    mlce_task task;
    int types;
    int64_t counts[MLCE_PAIR_KINDS];
    int64_t crowded;            /* sequences in which not all spans were paired (align.h) */
    mlce_confusion *confusions; /* after mlce_errors_settle(): the most frequent first */
    size_t confusion_count, confusion_capacity, merged;
    mlce_example examples[MLCE_ERROR_KINDS][MLCE_EXAMPLES]; /* after it: the highest rank first */
    int example_count[MLCE_ERROR_KINDS];
    mlce_alignment alignment;
} mlce_errors;

/* Adds a sequence of `length` tokens. The examples kept are those with the highest scores; of
   missed spans, which have none, a choice that looks random but depends on their places alone. */
mlce_status mlce_errors_add(mlce_errors *errors, int64_t sequence, int length,
                            const mlce_span *gold, int gold_count,
                            const mlce_scored_span *predicted, size_t predicted_count);
void mlce_errors_settle(mlce_errors *errors);
void mlce_errors_free(mlce_errors *errors);

#endif
