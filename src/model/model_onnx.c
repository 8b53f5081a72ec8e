/* model_onnx.c - a model as an ONNX graph: what its parts state, one after the other. */
#include "model/private.h"

static mlce_onnx_value onnx_encoders(const mlce_model *model, mlce_onnx *o, mlce_onnx_value x) {
    mlce_onnx_value late = NULL;
    if (model->joined && model->shape.buckets) {
        late = mlce_onnx_slice(o, x, 2, model->width, mlce_shape_width(&model->shape));
        x = mlce_onnx_slice(o, x, 2, 0, model->width);
    }
    for (int n = 0; n < model->encoder_count; n++) {
        char prefix[32];
        const mlce_encoder_type *type = mlce_model_encoder_at(model->config, n, prefix);
        mlce_onnx_scope(o, prefix);
        x = type->onnx(o, model->encoders[n].state, x);
        if (!late || n + 1 != model->joined) continue;
        x = MLCE_ONNX(o, "Concat", x, late);
        mlce_onnx_set_int(o, "axis", 2);
    }
    return x;
}

mlce_status mlce_model_to_onnx(const mlce_model *model, mlce_onnx *o) {
    bool items = model->head->task == MLCE_TASK_LABELS;
    mlce_onnx_value x = mlce_onnx_begin(o, mlce_model_input_width(model), items);
    if (model->standardises) {
        x = MLCE_ONNX(o, "Sub", x, mlce_onnx_vector(o, model->standardise.mean));
        x = MLCE_ONNX(o, "Mul", x, mlce_onnx_vector(o, model->standardise.scale));
    }
    x = onnx_encoders(model, o, x);
    mlce_onnx_scope(o, "head");
    x = model->head->onnx(o, model->head_state, x);
    if (model->learned_thresholds)
        x = MLCE_ONNX(o, "Sub", x,
                      mlce_onnx_tensor(o, model->learned_thresholds->name,
                                       model->learned_thresholds->value, 3,
                                       (const int64_t[]){model->types, 1, 1}));
    if (!items) mlce_onnx_only_spans(o, x, (int)mlce_config_int(model->config, "model.max_width"));
    mlce_onnx_end(o, model->types, items);
    return mlce_onnx_status(o);
}
