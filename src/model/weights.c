/* weights.c - a model in an HDF5 file. */
#include "model/weights.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crc.h"
#include "model/parts.h"

static const int VERSION = 1;
static const char CHECKSUM[] = "crc32";

/* ---- Matrices with their checksums ---- */

/* Of the numbers as the file has them, whatever the machine's byte order. */
static int64_t checksum(const float *values, size_t count) {
    enum { BLOCK = 1024 };
    uint32_t crc = 0;
    unsigned char bytes[BLOCK * 4];
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t n = count - done < BLOCK ? count - done : BLOCK;
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, values + done + i, sizeof bits);
            for (int b = 0; b < 4; b++) bytes[4 * i + (size_t)b] = (unsigned char)(bits >> 8 * b);
        }
        crc = mlce_crc32(crc, bytes, 4 * n);
    }
    return crc;
}

mlce_status mlce_weights_write_checksum(const mlce_h5 *file, const char *name, const float *values,
                                        size_t count) {
    return mlce_h5_write_integer(file, name, CHECKSUM, checksum(values, count));
}

static mlce_status write_matrix(const mlce_h5 *file, const char *name, const float *values,
                                size_t rows, size_t cols) {
    mlce_status status = mlce_h5_write_matrix(file, name, values, rows, cols, MLCE_FLOAT32);
    return status ? status : mlce_weights_write_checksum(file, name, values, rows * cols);
}

/* Files from before there were checksums have none. */
static mlce_status check_matrix(const mlce_h5 *file, const char *name, const float *values,
                                size_t count) {
    int64_t stored;
    bool found;
    mlce_status status = mlce_h5_find_attribute(file, name, CHECKSUM, &found);
    if (status || !found) return status;
    status = mlce_h5_read_integer(file, name, CHECKSUM, &stored);
    if (status || stored == checksum(values, count)) return status;
    return mlce_fail(MLCE_E_DATA,
                     "%s: %s is damaged: its numbers do not have the checksum that was stored with "
                     "them; take another checkpoint of the run, or a copy of the file",
                     file->path, name);
}

static mlce_status read_matrix(const mlce_h5 *file, const char *name, float **values, size_t *rows,
                               size_t *cols) {
    mlce_status status = mlce_h5_read_matrix(file, name, values, rows, cols);
    if (!status) status = check_matrix(file, name, *values, *rows * *cols);
    if (!status) return MLCE_OK;
    free(*values);
    *values = NULL;
    return status;
}

mlce_status mlce_weights_write_vector(const mlce_h5 *file, const char *folder,
                                      const mlce_parameters *parameters, const float *vector) {
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        char name[192];
        snprintf(name, sizeof name, "%s/%s", folder, parameter->name);
        mlce_status status = write_matrix(file, name, vector + parameter->offset,
                                          (size_t)parameter->rows, (size_t)parameter->cols);
        if (status) return status;
    }
    return MLCE_OK;
}

static mlce_status check_size(const mlce_h5 *file, const char *name, size_t rows, size_t cols,
                              const mlce_parameter *parameter) {
    if (rows == (size_t)parameter->rows && cols == (size_t)parameter->cols) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA, "%s: %s is [%zu, %zu], its config asks for [%d, %d]", file->path,
                     name, rows, cols, parameter->rows, parameter->cols);
}

mlce_status mlce_weights_read_vector(const mlce_h5 *file, const char *folder,
                                     const mlce_parameters *parameters, float *vector) {
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        char name[192];
        snprintf(name, sizeof name, "%s/%s", folder, parameter->name);
        float *values = NULL;
        size_t rows, cols;
        mlce_status status = read_matrix(file, name, &values, &rows, &cols);
        if (status) return status;
        status = check_size(file, name, rows, cols, parameter);
        if (!status) memcpy(vector + parameter->offset, values, rows * cols * sizeof *values);
        free(values);
        if (status) return status;
    }
    return MLCE_OK;
}

mlce_status mlce_weights_write(const mlce_h5 *file, const char *format, mlce_model *model) {
    char *config = mlce_config_to_json(mlce_model_config(model));
    if (!config) return MLCE_E_MEMORY;
    const mlce_parameters *parameters = mlce_model_parameters(model);
    mlce_status status = mlce_h5_write_text(file, "/", "format", format);
    if (!status) status = mlce_h5_write_integer(file, "/", "version", VERSION);
    if (!status) status = mlce_h5_write_text(file, "/", "config", config);
    if (!status) status = mlce_h5_write_integer(file, "/", "width", mlce_model_width(model));
    if (!status) status = mlce_h5_write_text(file, "/", "embedding", mlce_model_embedding(model));
    if (!status)
        status = mlce_h5_write_strings(file, "/types", mlce_model_type_names(model),
                                       (size_t)mlce_model_types(model));
    if (!status)
        status = mlce_weights_write_vector(file, "/parameters", parameters,
                                           mlce_parameters_values(parameters));
    if (!status)
        status = write_matrix(file, "/thresholds", mlce_model_thresholds(model), 1,
                              (size_t)mlce_model_types(model));
    mlce_calibration calibration = mlce_model_calibration(model);
    if (!status && calibration.slope > 0)
        status = write_matrix(file, "/calibration",
                              (float[2]){calibration.slope, calibration.intercept}, 1, 2);
    free(config);
    return status;
}

/* Files from before there were thresholds have none: they are 0. */
static mlce_status read_thresholds(const mlce_h5 *file, mlce_model *model) {
    bool found;
    mlce_status status = mlce_h5_find(file, "/thresholds", &found);
    if (status || !found) return status;
    float *values = NULL;
    size_t rows, cols, types = (size_t)mlce_model_types(model);
    status = read_matrix(file, "/thresholds", &values, &rows, &cols);
    if (!status && rows * cols != types)
        status = mlce_fail(MLCE_E_DATA, "%s: /thresholds has %zu numbers for %zu types", file->path,
                           rows * cols, types);
    if (!status) memcpy(mlce_model_thresholds(model), values, types * sizeof *values);
    free(values);
    return status;
}

static mlce_status read_calibration(const mlce_h5 *file, mlce_model *model) {
    bool found;
    mlce_status status = mlce_h5_find(file, "/calibration", &found);
    if (status || !found) return status;
    float *values = NULL;
    size_t rows, cols;
    status = read_matrix(file, "/calibration", &values, &rows, &cols);
    if (status) return status;
    if (rows * cols == 2 && isfinite(values[0]) && isfinite(values[1]) && values[0] >= 0)
        mlce_model_set_calibration(model, (mlce_calibration){values[0], values[1]});
    else
        status = mlce_fail(MLCE_E_DATA,
                           "%s: /calibration must be two finite numbers, a slope of 0 or more and "
                           "an intercept",
                           file->path);
    free(values);
    return status;
}

mlce_status mlce_weights_check_format(const mlce_h5 *file) {
    char *format = NULL;
    int64_t version = 0;
    mlce_status status = mlce_h5_read_text(file, "/", "format", &format);
    if (!status && strcmp(format, "mlce-checkpoint") && strcmp(format, "mlce-weights"))
        status = mlce_fail(MLCE_E_DATA,
                           "%s: holds '%s', not a model: give a run's folder, or a file with the "
                           "format mlce-checkpoint or mlce-weights",
                           file->path, format);
    free(format);
    if (!status) status = mlce_h5_read_integer(file, "/", "version", &version);
    if (!status && version != VERSION)
        status = mlce_fail(MLCE_E_DATA, "%s: has version %lld of its format, this program reads %d",
                           file->path, (long long)version, VERSION);
    return status;
}

mlce_status mlce_weights_read_config(const mlce_h5 *file, mlce_config *config) {
    char *json = NULL;
    mlce_status status = mlce_h5_read_text(file, "/", "config", &json);
    if (!status) {
        status = mlce_config_from_json(config, json);
        if (status) mlce_fail_prefix(status, "%s: config: ", file->path);
    }
    free(json);
    return status;
}

/* Memory for the model's parameters, once it is known that the file has as many numbers: its config
   may ask for any size. */
static mlce_status allocate_parameters(const mlce_h5 *file, mlce_parameters *parameters) {
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        char name[192];
        mlce_h5_shape shape;
        snprintf(name, sizeof name, "/parameters/%s", parameter->name);
        mlce_status status = mlce_h5_shape_of(file, name, &shape);
        if (!status) status = check_size(file, name, shape.size[0], shape.size[1], parameter);
        if (status) return status;
    }
    return mlce_parameters_allocate(parameters, 0); /* what it draws is replaced */
}

/* The model that the file describes, with the file's weights. */
static mlce_status read_model(const mlce_h5 *file, mlce_config *config, mlce_h5_strings *types,
                              char **embedding, mlce_model **model) {
    int64_t width = 0;
    mlce_status status = mlce_weights_check_format(file);
    if (!status) status = mlce_weights_read_config(file, config);
    if (!status) status = mlce_h5_read_integer(file, "/", "width", &width);
    if (!status) status = mlce_h5_read_text(file, "/", "embedding", embedding);
    if (!status) status = mlce_h5_read_strings(file, "/types", types);
    if (!status && (width < 1 || width > INT_MAX || types->count < 1 || types->count > INT_MAX))
        status = mlce_fail(MLCE_E_DATA, "%s: width %lld with %zu types is no model", file->path,
                           (long long)width, types->count);
    if (!status) {
        status = mlce_model_declare(config, (int)width, (const char *const *)types->items,
                                    (int)types->count, model);
        if (status) mlce_fail_prefix(status, "%s: ", file->path);
    }
    if (status) return status;
    mlce_parameters *parameters = mlce_model_parameters(*model);
    status = allocate_parameters(file, parameters);
    if (!status)
        status = mlce_weights_read_vector(file, "/parameters", parameters,
                                          mlce_parameters_values(parameters));
    if (!status) status = read_thresholds(file, *model);
    if (!status) status = read_calibration(file, *model);
    return status ? status : mlce_model_set_embedding(*model, *embedding);
}

char *mlce_model_file(const char *path) {
    struct stat info;
    bool is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    size_t size = strlen(path) + sizeof "/best.h5";
    char *file = mlce_calloc(size, 1);
    if (file) snprintf(file, size, is_folder ? "%s/best.h5" : "%s", path);
    return file;
}

/* That there is a checkpoint to open: a folder without one is told apart from a missing file. */
static mlce_status check_is_there(const char *path, const char *file_path) {
    if (!strcmp(path, file_path) || access(file_path, F_OK) == 0) return MLCE_OK;
    size_t size = strlen(path) + sizeof "/sweep.tsv";
    char *table = mlce_calloc(size, 1);
    if (!table) return MLCE_E_MEMORY;
    snprintf(table, size, "%s/sweep.tsv", path);
    bool is_sweep = access(table, F_OK) == 0;
    free(table);
    if (is_sweep)
        return mlce_fail(MLCE_E_IO, "%s: is the folder of a sweep: name one of its runs, as %s/001",
                         path, path);
    return mlce_fail(MLCE_E_IO,
                     "%s: is a folder without best.h5: no run, or one that was not evaluated yet "
                     "(its last.h5 can be named)",
                     path);
}

mlce_status mlce_model_load(const char *path, mlce_model **model) {
    *model = NULL;
    char *file_path = mlce_model_file(path);
    mlce_config *config = mlce_config_new();
    mlce_h5 file = {0};
    mlce_h5_strings types = {0};
    char *embedding = NULL;
    mlce_status status = file_path && config ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) status = check_is_there(path, file_path);
    if (!status) status = mlce_h5_open(file_path, &file);
    if (!status) status = read_model(&file, config, &types, &embedding, model);
    if (status) {
        mlce_model_free(*model);
        *model = NULL;
    }
    mlce_h5_close(&file);
    mlce_h5_strings_free(&types);
    mlce_config_free(config);
    free(embedding);
    free(file_path);
    return status;
}
