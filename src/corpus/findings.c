/* findings.c - a list of messages that grows. */
#include "corpus/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlce/memory.h"

void mlce_find(mlce_findings *findings, mlce_finding_level level, const char *code,
               const char *format, ...) {
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    mlce_status status = mlce_grow((void **)&findings->items, &findings->capacity,
                                   findings->count + 1, sizeof *findings->items);
    char *copy = status ? NULL : mlce_strdup(message);
    if (!copy) {
        findings->status = MLCE_E_MEMORY;
        return;
    }
    findings->items[findings->count++] = (mlce_finding){level, code, copy};
    findings->counts[level]++;
}

void mlce_findings_free(mlce_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) free(findings->items[i].message);
    free(findings->items);
    *findings = (mlce_findings){0};
}
