/* onnx.c - a model as an ONNX graph. */
#include "export/formats.h"
#include "export/metadata.h"
#include "export/onnx_graph.h"
#include "model/parts.h"

static mlce_status add_metadata(mlce_onnx *o, mlce_model *model, const char *path) {
    json_t *metadata = mlce_export_metadata(model);
    if (!metadata) return mlce_fail(MLCE_E_MEMORY, "%s: out of memory", path);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) mlce_onnx_metadata(o, key, json_string_value(value));
    json_decref(metadata);
    return mlce_onnx_status(o);
}

mlce_status mlce_export_onnx(mlce_model *model, const char *part, const char *path) {
    mlce_onnx *o = mlce_onnx_new();
    mlce_status status = o ? mlce_model_to_onnx(model, o) : MLCE_E_MEMORY;
    if (!status) status = add_metadata(o, model, path);
    if (!status) status = mlce_onnx_write(o, part, path);
    mlce_onnx_free(o);
    return status;
}
