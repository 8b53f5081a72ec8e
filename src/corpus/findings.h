/* findings.h - what a check has to say, in the order in which it was found. */
#ifndef MLCE_CORPUS_FINDINGS_H
#define MLCE_CORPUS_FINDINGS_H

#include <stddef.h>

#include "mlce/status.h"

typedef enum mlce_finding_level {
    MLCE_FINDING_ERROR,   /* training refuses it */
    MLCE_FINDING_WARNING, /* training works, but probably not as meant */
    MLCE_FINDING_NOTE     /* good to know */
} mlce_finding_level;

typedef struct mlce_finding {
    mlce_finding_level level;
    const char *code; /* a short name that stays, for programs: "few-examples" */
    char *message;
} mlce_finding;

/* {0} is empty. Free with mlce_findings_free(). */
typedef struct mlce_findings {
    mlce_finding *items;
    size_t count, capacity;
    size_t counts[MLCE_FINDING_NOTE + 1]; /* of each level */
    mlce_status status;                   /* MLCE_E_MEMORY once one was lost */
} mlce_findings;

void mlce_find(mlce_findings *findings, mlce_finding_level level, const char *code,
               const char *format, ...) MLCE_PRINTF(4, 5);
void mlce_findings_free(mlce_findings *findings);

#endif
