/* thresholds.c - thresholds stored into a model's file, all else in it as it was. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "data/hdf5.h"
#include "mlce/memory.h"
#include "mlce/model.h"

static const char NAME[] = "/thresholds";

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

static mlce_status overwrite(const mlce_h5 *file, const float *values, size_t count) {
    hid_t dataset;
    mlce_h5_shape shape;
    mlce_h5_lock();
    mlce_status status = mlce_h5_shape_of(file, NAME, &shape);
    if (!status && shape.count != count)
        status = mlce_fail(MLCE_E_DATA, "%s: %s has %zu numbers for %zu types", file->path, NAME,
                           shape.count, count);
    if (!status) status = mlce_h5_open_dataset(file, NAME, H5P_DEFAULT, &dataset);
    if (!status) {
        if (H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
            status = mlce_h5_fail(MLCE_E_IO, file->path, "%s: cannot write", NAME);
        H5Dclose(dataset);
    }
    mlce_h5_unlock();
    return status;
}

static mlce_status change(mlce_model *model, const char *part, const char *path) {
    mlce_h5 file = {0};
    size_t count = (size_t)mlce_model_types(model);
    const float *values = mlce_model_thresholds(model);
    mlce_status status = mlce_h5_change(part, path, &file);
    if (status) return status;
    status = mlce_h5_exists(&file, NAME)
                 ? overwrite(&file, values, count)
                 : mlce_h5_write_matrix(&file, NAME, values, 1, count, MLCE_FLOAT32);
    mlce_status closed = mlce_h5_close(&file);
    return status ? status : closed;
}

mlce_status mlce_model_store_thresholds(mlce_model *model, const char *path) {
    if (mlce_model_members(model))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: the thresholds of an average of %d models are not stored: it has no "
                         "file of its own",
                         path, mlce_model_members(model));
    char *file = mlce_model_file(path);
    char *part = file ? mlce_file_begin(file) : NULL;
    mlce_status status = part ? copy(file, part, file) : file ? MLCE_E_IO : MLCE_E_MEMORY;
    if (!status) status = change(model, part, file);
    if (!status)
        status = mlce_file_commit(part, file);
    else
        mlce_file_abandon(part);
    free(file);
    return status;
}
