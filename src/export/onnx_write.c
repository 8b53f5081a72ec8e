/* onnx_write.c - an ONNX graph as a file, by protobuf-c's structs for the schema onnx.proto, which
 * the build compiles (scripts/cmake/onnx.cmake). The structs point at the graph's numbers and
 * texts; nothing is copied. A field that may be absent is written only if its `has_` is set.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "export/onnx_records.h"

#ifndef MLCE_HAS_ONNX

mlce_status mlce_onnx_write(mlce_onnx *o, const char *part, const char *path) {
    (void)o;
    (void)part;
    return mlce_fail(MLCE_E_ARGUMENT,
                     "%s: this build of mlce has no ONNX: install libonnx-dev, "
                     "protobuf-c-compiler and libprotobuf-c-dev (scripts/setup does), then build "
                     "again with cmake -DMLCE_ONNX=ON",
                     path);
}

#else

#include "mlce_onnx.pb-c.h"

/* protobuf-c's pointers are not const, though it only reads through them. */
static void *unconst(const void *pointer) {
    return (void *)(uintptr_t)pointer;
}

static ProtobufCBinaryData bytes_of(const char *text) {
    return (ProtobufCBinaryData){strlen(text), unconst(text)};
}

/* Memory for `count` messages, and in *list pointers to them; NULL when out of it. */
static void *new_messages(mlce_onnx *o, size_t count, size_t size, void *list) {
    char *messages = mlce_onnx_alloc(o, count, size);
    void **pointers = mlce_onnx_alloc(o, count, sizeof *pointers);
    for (size_t i = 0; messages && pointers && i < count; i++) pointers[i] = messages + i * size;
    memcpy(list, &pointers, sizeof pointers);
    return pointers ? messages : NULL;
}

#define NEW_MESSAGES(o, count, list) new_messages(o, count, sizeof **(list), &(list))

static void fill_attributes(mlce_onnx *o, MlceOnnx__NodeProto *node,
                            const mlce_onnx_attribute *attributes) {
    for (const mlce_onnx_attribute *a = attributes; a; a = a->next) node->n_attribute++;
    MlceOnnx__AttributeProto *to = NEW_MESSAGES(o, node->n_attribute, node->attribute);
    for (const mlce_onnx_attribute *a = attributes; to && a; a = a->next, to++) {
        mlce_onnx__attribute_proto__init(to);
        to->name = unconst(a->name);
        to->has_type = true;
        switch (a->kind) {
        case MLCE_ONNX_ATTRIBUTE_INT:
            to->type = MLCE_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
            to->has_i = true;
            to->i = a->ints[0];
            break;
        case MLCE_ONNX_ATTRIBUTE_FLOAT:
            to->type = MLCE_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
            to->has_f = true;
            to->f = a->number;
            break;
        case MLCE_ONNX_ATTRIBUTE_TEXT:
            to->type = MLCE_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
            to->has_s = true;
            to->s = bytes_of(a->text);
            break;
        case MLCE_ONNX_ATTRIBUTE_INTS:
            to->type = MLCE_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
            to->n_ints = (size_t)a->count;
            to->ints = unconst(a->ints);
            break;
        }
    }
}

static void fill_nodes(mlce_onnx *o, MlceOnnx__GraphProto *graph) {
    graph->n_node = (size_t)o->node_count;
    MlceOnnx__NodeProto *to = NEW_MESSAGES(o, graph->n_node, graph->node);
    for (const mlce_onnx_node_record *node = o->nodes; to && node; node = node->next, to++) {
        mlce_onnx__node_proto__init(to);
        to->name = unconst(node->output);
        to->op_type = unconst(node->op);
        to->n_input = (size_t)node->input_count;
        to->input = unconst(node->inputs);
        to->n_output = 1;
        to->output = unconst(&node->output);
        fill_attributes(o, to, node->attributes);
    }
}

/* Numbers in the fields that are of their type: those have one byte order on every machine. */
static void fill_tensors(mlce_onnx *o, MlceOnnx__GraphProto *graph) {
    for (const mlce_onnx_tensor_record *t = o->tensors; t; t = t->next) graph->n_initializer++;
    MlceOnnx__TensorProto *to = NEW_MESSAGES(o, graph->n_initializer, graph->initializer);
    for (const mlce_onnx_tensor_record *t = o->tensors; to && t; t = t->next, to++) {
        mlce_onnx__tensor_proto__init(to);
        to->name = unconst(t->name);
        to->n_dims = (size_t)t->rank;
        to->dims = unconst(t->dims);
        to->has_data_type = true;
        to->data_type = (int32_t)t->type;
        if (t->type == MLCE_ONNX_FLOAT) {
            to->n_float_data = t->count;
            to->float_data = unconst(t->values);
        } else if (t->type == MLCE_ONNX_DOUBLE) {
            to->n_double_data = t->count;
            to->double_data = unconst(t->values);
        } else {
            to->n_int64_data = t->count;
            to->int64_data = unconst(t->values);
        }
    }
}

static void fill_port(mlce_onnx *o, MlceOnnx__ValueInfoProto *to, const mlce_onnx_port *port) {
    MlceOnnx__TypeProto *type = mlce_onnx_alloc(o, 1, sizeof *type);
    MlceOnnx__TypeProto__Tensor *tensor = mlce_onnx_alloc(o, 1, sizeof *tensor);
    MlceOnnx__TensorShapeProto *shape = mlce_onnx_alloc(o, 1, sizeof *shape);
    if (!type || !tensor || !shape) return;
    mlce_onnx__value_info_proto__init(to);
    mlce_onnx__type_proto__init(type);
    mlce_onnx__type_proto__tensor__init(tensor);
    mlce_onnx__tensor_shape_proto__init(shape);
    to->name = unconst(port->name);
    to->doc_string = unconst(port->doc);
    to->type = type;
    type->value_case = MLCE_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = (int32_t)port->type;
    tensor->shape = shape;
    shape->n_dim = (size_t)port->rank;
    MlceOnnx__TensorShapeProto__Dimension *dim = NEW_MESSAGES(o, shape->n_dim, shape->dim);
    for (int d = 0; dim && d < port->rank; d++, dim++) {
        mlce_onnx__tensor_shape_proto__dimension__init(dim);
        if (port->dims[d].symbol) {
            dim->value_case = MLCE_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim->dim_param = unconst(port->dims[d].symbol);
        } else {
            dim->value_case = MLCE_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim->dim_value = port->dims[d].size;
        }
    }
}

static void fill_ports(mlce_onnx *o, MlceOnnx__GraphProto *graph) {
    graph->n_input = 2;
    graph->n_output = 1;
    MlceOnnx__ValueInfoProto *inputs = NEW_MESSAGES(o, graph->n_input, graph->input);
    MlceOnnx__ValueInfoProto *output = NEW_MESSAGES(o, graph->n_output, graph->output);
    if (!inputs || !output) return;
    fill_port(o, &inputs[0], &o->inputs[0]);
    fill_port(o, &inputs[1], &o->inputs[1]);
    fill_port(o, output, &o->output);
}

static void fill_properties(mlce_onnx *o, MlceOnnx__ModelProto *model) {
    for (const mlce_onnx_property *p = o->properties; p; p = p->next) model->n_metadata_props++;
    MlceOnnx__StringStringEntryProto *to =
        NEW_MESSAGES(o, model->n_metadata_props, model->metadata_props);
    for (const mlce_onnx_property *p = o->properties; to && p; p = p->next, to++) {
        mlce_onnx__string_string_entry_proto__init(to);
        to->key = unconst(p->key);
        to->value = unconst(p->value);
    }
}

/* ---- The file ---- */

typedef struct sink {
    ProtobufCBuffer base;
    FILE *file;
    bool failed;
} sink;

static void append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data) {
    sink *to = (sink *)buffer;
    if (!to->failed && fwrite(data, 1, length, to->file) != length) to->failed = true;
}

static mlce_status write_message(const MlceOnnx__ModelProto *model, const char *part,
                                 const char *path) {
    if (mlce_onnx__model_proto__get_packed_size(model) > INT_MAX)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: an ONNX file holds at most 2 GiB, and the model has more: export it "
                         "as safetensors",
                         path);
    sink to = {.base = {append}, .file = fopen(part, "wb")};
    if (to.file) mlce_onnx__model_proto__pack_to_buffer(model, &to.base);
    if (!to.file || fclose(to.file) || to.failed)
        return mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    return MLCE_OK;
}

mlce_status mlce_onnx_write(mlce_onnx *o, const char *part, const char *path) {
    MlceOnnx__ModelProto model = MLCE_ONNX__MODEL_PROTO__INIT;
    MlceOnnx__GraphProto graph = MLCE_ONNX__GRAPH_PROTO__INIT;
    MlceOnnx__OperatorSetIdProto opset = MLCE_ONNX__OPERATOR_SET_ID_PROTO__INIT;
    opset.domain = unconst(""); /* ONNX's own operators */
    opset.has_version = true;
    opset.version = MLCE_ONNX_OPSET;
    graph.name = unconst("mlce");
    fill_nodes(o, &graph);
    fill_tensors(o, &graph);
    fill_ports(o, &graph);
    model.has_ir_version = true;
    model.ir_version = MLCE_ONNX_IR_VERSION;
    model.n_opset_import = 1;
    model.opset_import = (MlceOnnx__OperatorSetIdProto *[]){&opset};
    model.producer_name = unconst("mlce");
    model.producer_version = unconst(MLCE_VERSION);
    model.graph = &graph;
    fill_properties(o, &model);
    return o->status ? o->status : write_message(&model, part, path);
}

#endif
