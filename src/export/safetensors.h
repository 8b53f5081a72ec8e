/* safetensors.h - safetensors files as they are read: every rule of the format is checked, because
 * such files come from anywhere.
 */
#ifndef MLCE_EXPORT_SAFETENSORS_H
#define MLCE_EXPORT_SAFETENSORS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "mlce/status.h"

typedef struct mlce_tensor {
    const char *name;
    const char *type;   /* "F32" */
    size_t size;        /* of a number, in bytes */
    size_t count;       /* of numbers */
    const json_t *dims; /* a list of whole numbers that are not negative */
    uint64_t begin;     /* from the file's begin */
} mlce_tensor;

/* An open file. {0} is none, and may be closed. */
typedef struct mlce_tensors {
    const char *path; /* the caller's */
    FILE *file;
    json_t *header;
    mlce_tensor *items; /* in the order of the file */
    size_t count;
    const mlce_tensor **by_name; /* [count] sorted, to be searched */
} mlce_tensors;

/* MLCE_E_DATA where the header is no JSON object of tensors and texts, a key stands twice, a number
   overflows, or the tensors do not fill the file one after the other without overlap or hole.
   On failure there is nothing to close. */
mlce_status mlce_tensors_open(const char *path, mlce_tensors *tensors);
void mlce_tensors_close(mlce_tensors *tensors);

/* A text of __metadata__; NULL where there is none. */
const char *mlce_tensors_metadata(const mlce_tensors *tensors, const char *key);
/* NULL where there is none of that name. */
const mlce_tensor *mlce_tensors_find(const mlce_tensors *tensors, const char *name);

/* Its numbers as float32: F64, F32, F16 and BF16 that are finite as float32, else MLCE_E_DATA. */
mlce_status mlce_tensors_read(const mlce_tensors *tensors, const mlce_tensor *tensor,
                              float *values);

#endif
