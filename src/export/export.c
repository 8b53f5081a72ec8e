/* export.c - the list of export formats. */
#include "mlce/export.h"

#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "export/formats.h"

static const struct {
    const char *name;
    mlce_export_fn *write;
} formats[] = {
    {"safetensors", mlce_export_safetensors},
    {"onnx", mlce_export_onnx},
    {"hdf5", mlce_export_hdf5},
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

const char *mlce_export_format(int index) {
    return index >= 0 && index < FORMATS ? formats[index].name : NULL;
}

static mlce_status unknown_format(const char *format) {
    char names[128] = "";
    for (int f = 0; f < FORMATS; f++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", f ? ", " : "", formats[f].name);
    }
    return mlce_fail(MLCE_E_ARGUMENT, "there is no export format '%s': choose one of %s", format,
                     names);
}

mlce_status mlce_export_to(mlce_model *model, const char *format, const char *path,
                           mlce_links links) {
    if (mlce_model_members(model))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: an average of %d models has no weights of its own, it is the mean "
                         "of their scores: export each, and average what they score",
                         path, mlce_model_members(model));
    for (int f = 0; f < FORMATS; f++) {
        if (strcmp(formats[f].name, format)) continue;
        char *part = mlce_file_begin(path, links);
        if (!part) return MLCE_E_IO;
        mlce_status status = formats[f].write(model, part, path);
        if (!status) return mlce_file_commit(part, path);
        mlce_file_abandon(part);
        return status;
    }
    return unknown_format(format);
}

mlce_status mlce_export(mlce_model *model, const char *format, const char *path) {
    return mlce_export_to(model, format, path, MLCE_LINKS_FOLLOWED);
}
