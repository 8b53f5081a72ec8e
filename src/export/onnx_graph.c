/* onnx_graph.c - an ONNX graph as it is built: constants, nodes and their attributes. */
#include "export/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/onnx_records.h"

mlce_onnx *mlce_onnx_new(void) {
    mlce_onnx *o = mlce_calloc(1, sizeof *o);
    if (!o) return NULL;
    o->arena = mlce_arena_new();
    if (!o->arena) {
        free(o);
        return NULL;
    }
    o->tensors_end = &o->tensors;
    o->nodes_end = &o->nodes;
    o->properties_end = &o->properties;
    o->scope = "";
    return o;
}

void mlce_onnx_free(mlce_onnx *o) {
    if (!o) return;
    mlce_arena_free(o->arena);
    free(o);
}

mlce_status mlce_onnx_status(const mlce_onnx *o) {
    return o->status;
}

void *mlce_onnx_alloc(mlce_onnx *o, size_t count, size_t size) {
    void *memory = o->status ? NULL : mlce_arena_alloc(o->arena, count, size);
    if (!memory && !o->status) o->status = MLCE_E_MEMORY;
    return memory;
}

const char *mlce_onnx_text(mlce_onnx *o, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = mlce_onnx_alloc(o, (size_t)length + 1, 1);
    va_start(arguments, format);
    if (text) vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void mlce_onnx_scope(mlce_onnx *o, const char *scope) {
    const char *copy = mlce_onnx_text(o, "%s/", scope);
    if (copy) o->scope = copy;
}

void mlce_onnx_metadata(mlce_onnx *o, const char *key, const char *value) {
    mlce_onnx_property *property = mlce_onnx_alloc(o, 1, sizeof *property);
    if (!property) return;
    *property =
        (mlce_onnx_property){mlce_onnx_text(o, "%s", key), mlce_onnx_text(o, "%s", value), NULL};
    *o->properties_end = property;
    o->properties_end = &property->next;
}

/* ---- Constants ---- */

static mlce_onnx_value add_tensor(mlce_onnx *o, const char *name, mlce_onnx_type type,
                                  const void *values, int rank, const int64_t *dims) {
    mlce_onnx_tensor_record *tensor = mlce_onnx_alloc(o, 1, sizeof *tensor);
    int64_t *copy = mlce_onnx_alloc(o, (size_t)rank, sizeof *copy);
    if (!tensor || !copy || !name || !values) return NULL;
    *tensor = (mlce_onnx_tensor_record){
        .name = name, .type = type, .rank = rank, .dims = copy, .count = 1, .values = values};
    for (int d = 0; d < rank; d++) {
        copy[d] = dims[d];
        tensor->count *= (size_t)dims[d];
    }
    *o->tensors_end = tensor;
    o->tensors_end = &tensor->next;
    return name;
}

mlce_onnx_value mlce_onnx_tensor(mlce_onnx *o, const char *name, const float *values, int rank,
                                 const int64_t *dims) {
    return add_tensor(o, mlce_onnx_text(o, "%s", name), MLCE_ONNX_FLOAT, values, rank, dims);
}

/* A small constant that its name tells from all others: asked for again, it is the same one. */
static mlce_onnx_value constant(mlce_onnx *o, const char *name, mlce_onnx_type type,
                                const void *values, size_t size, int rank, int64_t count) {
    if (!name) return NULL;
    for (const mlce_onnx_tensor_record *t = o->tensors; t; t = t->next)
        if (t->type == type && strcmp(t->name, name) == 0) return t->name;
    void *copy = mlce_onnx_alloc(o, (size_t)count, size);
    if (copy) memcpy(copy, values, (size_t)count * size);
    return add_tensor(o, name, type, copy, rank, &count);
}

mlce_onnx_value mlce_onnx_ints(mlce_onnx *o, const int64_t *values, int count) {
    const char *name = "int64";
    for (int i = 0; i < count && name; i++)
        name = mlce_onnx_text(o, "%s%c%lld", name, i ? ',' : ':', (long long)values[i]);
    return constant(o, name, MLCE_ONNX_INT64, values, sizeof *values, 1, count);
}

mlce_onnx_value mlce_onnx_doubles(mlce_onnx *o, const char *name, const double *values, int count) {
    return constant(o, mlce_onnx_text(o, "%s", name), MLCE_ONNX_DOUBLE, values, sizeof *values, 1,
                    count);
}

mlce_onnx_value mlce_onnx_int(mlce_onnx *o, int64_t value) {
    return constant(o, mlce_onnx_text(o, "int64=%lld", (long long)value), MLCE_ONNX_INT64, &value,
                    sizeof value, 0, 1);
}

mlce_onnx_value mlce_onnx_scalar(mlce_onnx *o, float value) {
    return constant(o, mlce_onnx_text(o, "float=%.9g", (double)value), MLCE_ONNX_FLOAT, &value,
                    sizeof value, 0, 1);
}

mlce_onnx_value mlce_onnx_transposed(mlce_onnx *o, const mlce_parameter *parameter) {
    size_t rows = (size_t)parameter->rows, cols = (size_t)parameter->cols;
    float *copy = mlce_onnx_alloc(o, rows * cols, sizeof *copy);
    if (!copy) return NULL;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) copy[c * rows + r] = parameter->value[r * cols + c];
    return mlce_onnx_tensor(o, parameter->name, copy, 2,
                            (const int64_t[]){parameter->cols, parameter->rows});
}

mlce_onnx_value mlce_onnx_vector(mlce_onnx *o, const mlce_parameter *parameter) {
    return mlce_onnx_tensor(o, parameter->name, parameter->value, 1,
                            (const int64_t[]){parameter->cols});
}

/* ---- Nodes ---- */

mlce_onnx_value mlce_onnx_node(mlce_onnx *o, const char *op, const mlce_onnx_value *inputs,
                               int count) {
    for (int i = 0; i < count; i++)
        if (!inputs[i]) return NULL;
    mlce_onnx_node_record *node = mlce_onnx_alloc(o, 1, sizeof *node);
    mlce_onnx_value *copy = mlce_onnx_alloc(o, (size_t)count, sizeof *copy);
    const char *output = mlce_onnx_text(o, "%s%s_%d", o->scope, op, o->node_count + 1);
    if (!node || !copy || !output) return NULL;
    memcpy(copy, inputs, (size_t)count * sizeof *copy);
    *node = (mlce_onnx_node_record){op, output, copy, count, NULL, NULL};
    *o->nodes_end = o->last = node;
    o->nodes_end = &node->next;
    o->node_count++;
    return output;
}

static void set(mlce_onnx *o, mlce_onnx_attribute attribute, const int64_t *ints) {
    mlce_onnx_attribute *copy = mlce_onnx_alloc(o, 1, sizeof *copy);
    int64_t *numbers = mlce_onnx_alloc(o, (size_t)attribute.count, sizeof *numbers);
    if (!copy || !numbers) return;
    *copy = attribute;
    for (int i = 0; i < attribute.count; i++) numbers[i] = ints[i];
    copy->ints = numbers;
    copy->next = o->last->attributes;
    o->last->attributes = copy;
}

void mlce_onnx_set_int(mlce_onnx *o, const char *name, int64_t value) {
    set(o, (mlce_onnx_attribute){.name = name, .kind = MLCE_ONNX_ATTRIBUTE_INT, .count = 1},
        &value);
}

void mlce_onnx_set_float(mlce_onnx *o, const char *name, float value) {
    set(o, (mlce_onnx_attribute){.name = name, .kind = MLCE_ONNX_ATTRIBUTE_FLOAT, .number = value},
        NULL);
}

void mlce_onnx_set_text(mlce_onnx *o, const char *name, const char *text) {
    const char *copy = mlce_onnx_text(o, "%s", text);
    set(o, (mlce_onnx_attribute){.name = name, .kind = MLCE_ONNX_ATTRIBUTE_TEXT, .text = copy},
        NULL);
}

void mlce_onnx_set_ints(mlce_onnx *o, const char *name, const int64_t *values, int count) {
    set(o, (mlce_onnx_attribute){.name = name, .kind = MLCE_ONNX_ATTRIBUTE_INTS, .count = count},
        values);
}
