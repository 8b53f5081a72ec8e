/* parameters.c - named matrices that are trained, in one block of memory. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/graph.h"
#include "mlce/random.h"

enum { ALIGN_FLOATS = 16 };
static const size_t MOST_FLOATS = PTRDIFF_MAX / sizeof(float); /* bytes can be counted too */

struct mlce_parameters {
    mlce_parameter **items;
    size_t count, capacity;
    size_t size; /* floats, with alignment */
    float *values, *grads;
};

mlce_parameters *mlce_parameters_new(void) {
    return mlce_calloc(1, sizeof(mlce_parameters));
}

void mlce_parameters_free(mlce_parameters *parameters) {
    if (!parameters) return;
    for (size_t i = 0; i < parameters->count; i++) {
        free(parameters->items[i]->name);
        free(parameters->items[i]);
    }
    free(parameters->items);
    free(parameters->values);
    free(parameters->grads);
    free(parameters);
}

mlce_parameter *mlce_parameters_add(mlce_parameters *parameters, const char *name, int rows,
                                    int cols, mlce_init init, int fan_in) {
    if (rows < 1 || cols < 1 || parameters->values || mlce_parameters_find(parameters, name)) {
        mlce_fail(MLCE_E_ARGUMENT, "parameter '%s' [%d, %d]: %s", name, rows, cols,
                  rows < 1 || cols < 1 ? "has no numbers"
                  : parameters->values ? "comes after the memory was given out"
                                       : "is there already");
        return NULL;
    }
    size_t numbers = (size_t)rows * (size_t)cols;
    size_t floats = (numbers + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    if (floats > MOST_FLOATS - parameters->size) {
        mlce_fail(MLCE_E_MEMORY, "parameter '%s' [%d, %d]: no memory can hold so many numbers",
                  name, rows, cols);
        return NULL;
    }
    if (mlce_grow((void **)&parameters->items, &parameters->capacity, parameters->count + 1,
                  sizeof *parameters->items))
        return NULL;
    mlce_parameter *parameter = mlce_calloc(1, sizeof *parameter);
    char *copy = mlce_strdup(name);
    if (!parameter || !copy) {
        free(parameter);
        free(copy);
        return NULL;
    }
    *parameter = (mlce_parameter){.name = copy,
                                  .rows = rows,
                                  .cols = cols,
                                  .init = init,
                                  .fan_in = fan_in ? fan_in : cols,
                                  .decays = rows > 1,
                                  .offset = parameters->size,
                                  .number = (int)parameters->count};
    parameters->size += floats;
    parameters->items[parameters->count++] = parameter;
    return parameter;
}

static void fill(mlce_parameter *parameter, uint64_t seed, uint32_t number) {
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_INIT + 16 * number);
    size_t numbers = (size_t)parameter->rows * (size_t)parameter->cols;
    float bound = parameter->init == MLCE_INIT_XAVIER
                      ? sqrtf(6.0f / (float)(parameter->rows + parameter->cols))
                      : 1.0f / sqrtf((float)parameter->fan_in);
    for (size_t i = 0; i < numbers; i++) {
        switch (parameter->init) {
        case MLCE_INIT_ZERO:
            parameter->value[i] = 0.0f;
            break;
        case MLCE_INIT_ONE:
            parameter->value[i] = 1.0f;
            break;
        case MLCE_INIT_FAN_IN:
        case MLCE_INIT_XAVIER:
            parameter->value[i] = bound * (2.0f * mlce_random_float(&random) - 1.0f);
            break;
        }
    }
}

mlce_status mlce_parameters_allocate(mlce_parameters *parameters, uint64_t seed) {
    size_t bytes = parameters->size * sizeof(float);
    parameters->values = aligned_alloc(64, bytes ? bytes : 64);
    parameters->grads = aligned_alloc(64, bytes ? bytes : 64);
    if (!parameters->values || !parameters->grads)
        return mlce_fail(MLCE_E_MEMORY, "out of memory: %zu parameters", parameters->size);
    memset(parameters->values, 0, bytes);
    memset(parameters->grads, 0, bytes);
    for (size_t i = 0; i < parameters->count; i++) {
        mlce_parameter *parameter = parameters->items[i];
        parameter->value = parameters->values + parameter->offset;
        parameter->grad = parameters->grads + parameter->offset;
        fill(parameter, seed, (uint32_t)i);
    }
    return MLCE_OK;
}

int mlce_parameters_count(const mlce_parameters *parameters) {
    return (int)parameters->count;
}

mlce_parameter *mlce_parameters_at(const mlce_parameters *parameters, int index) {
    return parameters->items[index];
}

mlce_parameter *mlce_parameters_find(const mlce_parameters *parameters, const char *name) {
    for (size_t i = 0; i < parameters->count; i++)
        if (strcmp(parameters->items[i]->name, name) == 0) return parameters->items[i];
    return NULL;
}

size_t mlce_parameters_size(const mlce_parameters *parameters) {
    return parameters->size;
}

float *mlce_parameters_values(const mlce_parameters *parameters) {
    return parameters->values;
}

float *mlce_parameters_grads(const mlce_parameters *parameters) {
    return parameters->grads;
}

size_t mlce_parameters_numbers(const mlce_parameters *parameters) {
    size_t numbers = 0;
    for (size_t i = 0; i < parameters->count; i++)
        if (!parameters->items[i]->fixed)
            numbers += (size_t)parameters->items[i]->rows * (size_t)parameters->items[i]->cols;
    return numbers;
}

void mlce_parameters_settle_grads(mlce_parameters *parameters) {
    for (size_t i = 0; i < parameters->count; i++) {
        mlce_parameter *parameter = parameters->items[i];
        if (parameter->grad_started) continue;
        memset(parameter->grad, 0,
               (size_t)parameter->rows * (size_t)parameter->cols * sizeof(float));
        parameter->grad_started = true;
    }
}

void mlce_parameters_scale_grads(mlce_parameters *parameters, float factor) {
    for (size_t i = 0; i < parameters->count; i++) {
        const mlce_parameter *parameter = parameters->items[i];
        size_t numbers = (size_t)parameter->rows * (size_t)parameter->cols;
        for (size_t n = 0; parameter->grad_started && n < numbers; n++)
            parameter->grad[n] *= factor;
    }
}

void mlce_parameters_clear_grads(mlce_parameters *parameters) {
    for (size_t i = 0; i < parameters->count; i++) parameters->items[i]->grad_started = false;
}
