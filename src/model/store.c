/* store.c - thresholds and calibration stored into a model's file, all else in it as it was; and
 * what a calibration says. */
#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/folder_lock.h"
#include "mlce/memory.h"
#include "model/weights.h"

static mlce_status copy(const char *from, const char *to, const char *shown) {
    char block[1 << 16];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    bool failed = !in || !out;
    for (size_t n = 1; n && !failed;) {
        n = fread(block, 1, sizeof block, in);
        failed = ferror(in) || fwrite(block, 1, n, out) != n;
    }
    int error = errno;
    if (in) fclose(in);
    if (out && fclose(out) && !failed) {
        failed = true;
        error = errno;
    }
    if (!failed) return MLCE_OK;
    return mlce_fail(MLCE_E_IO, "%s: cannot copy: %s", shown, strerror(error));
}

static mlce_status overwrite(const mlce_h5 *file, const char *name, const float *values,
                             size_t count) {
    hid_t dataset;
    mlce_h5_shape shape;
    mlce_h5_lock();
    mlce_status status = mlce_h5_shape_of(file, name, &shape);
    if (!status && shape.count != count)
        status = mlce_fail(MLCE_E_DATA, "%s: %s has %zu numbers, not %zu", file->path, name,
                           shape.count, count);
    if (!status) status = mlce_h5_open_dataset(file, name, H5P_DEFAULT, &dataset);
    if (!status) {
        if (H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
            status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot write", name);
        H5Dclose(dataset);
    }
    mlce_h5_unlock();
    return status;
}

static mlce_status change(const char *part, const char *path, const char *name, const float *values,
                          size_t count) {
    mlce_h5 file = {0};
    mlce_status status = mlce_h5_change(part, path, &file);
    if (status) return status;
    bool found;
    status = mlce_h5_find(&file, name, &found);
    if (!status)
        status = found ? overwrite(&file, name, values, count)
                       : mlce_h5_write_matrix(&file, name, values, 1, count, MLCE_FLOAT32);
    if (!status) status = mlce_weights_write_checksum(&file, name, values, count);
    mlce_status closed = mlce_h5_close(&file);
    return status ? status : closed;
}

static mlce_status replace(const char *file, const char *name, const float *values, size_t count) {
    char *part = mlce_file_begin(file, MLCE_LINKS_FOLLOWED);
    if (!part) return MLCE_E_IO;
    mlce_status status = copy(file, part, file);
    if (!status) status = change(part, file, name, values, count);
    if (!status) return mlce_file_commit(part, file);
    mlce_file_abandon(part);
    return status;
}

/* A run that trains in the folder writes the same file, and so may another process like this one.
 */
static mlce_status store(const mlce_model *model, const char *path, const char *name,
                         const float *values, size_t count) {
    if (mlce_model_members(model))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: the %s of an average of %d models is not stored: it has no file of "
                         "its own",
                         path, name + 1, mlce_model_members(model));
    char *file = mlce_model_file(path), *folder = file ? mlce_strdup(file) : NULL;
    int lock = -1;
    mlce_status status = folder ? mlce_folder_lock(dirname(folder), &lock) : MLCE_E_MEMORY;
    if (!status) status = replace(file, name, values, count);
    mlce_folder_unlock(lock);
    free(folder);
    free(file);
    return status;
}

mlce_status mlce_model_store_thresholds(mlce_model *model, const char *path) {
    return store(model, path, "/thresholds", mlce_model_thresholds(model),
                 (size_t)mlce_model_types(model));
}

mlce_status mlce_model_store_calibration(mlce_model *model, const char *path) {
    mlce_calibration calibration = mlce_model_calibration(model);
    return store(model, path, "/calibration", (float[2]){calibration.slope, calibration.intercept},
                 2);
}

double mlce_probability(mlce_calibration calibration, float score) {
    return 1 /
           (1 + exp(-((double)calibration.slope * (double)score + (double)calibration.intercept)));
}
