/* misfit.c - whether the tensors of a file are the parameters of a model. */
#include "export/misfit.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/shape.h"
#include "model/parts.h"

/* A tensor's dims apart from those of 1: PyTorch has a vector [n] for our row [1, n]. Whether it
   has at most two. */
static bool take_shape(const mlce_tensor *tensor, json_int_t shape[2]) {
    int rank = 0;
    size_t index;
    const json_t *dim;
    shape[0] = shape[1] = 1;
    json_array_foreach(tensor->dims, index, dim) {
        if (json_integer_value(dim) == 1) continue;
        if (rank == 2) return false;
        shape[rank++] = json_integer_value(dim);
    }
    return true;
}

static bool fits(const mlce_tensor *tensor, const mlce_parameter *parameter) {
    json_int_t shape[2], wanted[2] = {parameter->rows, parameter->cols};
    if (parameter->rows == 1) {
        wanted[0] = parameter->cols;
        wanted[1] = 1;
    }
    return take_shape(tensor, shape) && shape[0] == wanted[0] && shape[1] == wanted[1];
}

/* ---- The message ---- */

enum { MOST_LISTED = 8 };

/* A list that grows by one, ", and more" after MOST_LISTED. */
typedef struct listing {
    char text[512];
    int count;
} listing;

static void add(listing *list, const char *format, ...) MLCE_PRINTF(2, 3);
static void add(listing *list, const char *format, ...) {
    size_t used = strlen(list->text), room = sizeof list->text - used;
    va_list arguments;
    if (list->count++ == MOST_LISTED) snprintf(list->text + used, room, ", and more");
    if (list->count > MOST_LISTED) return;
    int comma = list->count > 1 ? snprintf(list->text + used, room, ", ") : 0;
    if ((size_t)comma >= room) return;
    va_start(arguments, format);
    vsnprintf(list->text + used + comma, room - (size_t)comma, format, arguments);
    va_end(arguments);
}

typedef struct misfit {
    listing missing, surplus, shapes;
} misfit;

static int problems(const misfit *m) {
    return m->missing.count + m->surplus.count + m->shapes.count;
}

static void add_shape(listing *list, const mlce_tensor *tensor, const mlce_parameter *parameter) {
    char *dims = json_dumps(tensor->dims, 0);
    if (parameter->rows == 1)
        add(list, "%.80s is %.60s, not [%d]", tensor->name, dims ? dims : "", parameter->cols);
    else
        add(list, "%.80s is %.60s, not [%d, %d]", tensor->name, dims ? dims : "", parameter->rows,
            parameter->cols);
    free(dims);
}

static mlce_status find_misfit(const mlce_tensors *tensors, const mlce_parameters *parameters,
                               misfit *m) {
    bool *known = mlce_calloc(tensors->count, sizeof *known);
    size_t surplus = tensors->count;
    memset(m, 0, sizeof *m);
    if (!known) return MLCE_E_MEMORY;
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        const mlce_tensor *tensor = mlce_tensors_find(tensors, parameter->name);
        if (!tensor)
            add(&m->missing, "%s", parameter->name);
        else if (!fits(tensor, parameter))
            add_shape(&m->shapes, tensor, parameter);
        if (!tensor) continue;
        known[tensor - tensors->items] = true;
        surplus--;
    }
    for (size_t i = 0; i < tensors->count && m->surplus.count <= MOST_LISTED; i++)
        if (!known[i]) add(&m->surplus, "%.80s", tensors->items[i].name);
    m->surplus.count = (int)surplus;
    free(known);
    return MLCE_OK;
}

static mlce_status refuse(const mlce_tensors *tensors, const misfit *m) {
    return mlce_fail(MLCE_E_DATA, "%s: does not fit the configured model%s%s%s%s%s%s",
                     tensors->path, m->missing.count ? "; missing: " : "", m->missing.text,
                     m->surplus.count ? "; surplus: " : "", m->surplus.text,
                     m->shapes.count ? "; of another shape: " : "", m->shapes.text);
}

/* ---- The width ---- */

/* The model for embeddings of `width` features beside the tensors. */
static mlce_status try_width(const mlce_tensors *tensors, const mlce_config *config,
                             const char *const *types, int type_count, int width, misfit *m) {
    mlce_model *model = NULL;
    mlce_status status = mlce_model_declare(config, width, types, type_count, &model);
    if (!status) status = find_misfit(tensors, mlce_model_parameters(model), m);
    mlce_model_free(model);
    return status;
}

/* Layers of the embeddings, of whose widths theirs is a multiple. */
static int embedding_layers(const mlce_config *config) {
    if (mlce_config_sections(config, "encoder") < 1 ||
        strcmp(mlce_config_string(config, "encoder.1.type"), "mix"))
        return 1;
    int layers = mlce_encoder_int(config, "encoder.1", "input_layers");
    return layers > 0 ? layers : 1;
}

/* What the embeddings' width would be if it were for it that a parameter does not fit: of the first
   layer's weight [size, width of a layer + beside]; or of the layer's size, where a weight from
   another width to it is not there. 0: none. */
static int guess_width(const mlce_tensors *tensors, const mlce_parameter *parameter, int layers,
                       int beside) {
    const mlce_tensor *tensor = mlce_tensors_find(tensors, parameter->name);
    json_int_t shape[2], guess = parameter->rows;
    if (tensor && (fits(tensor, parameter) || !take_shape(tensor, shape))) return 0;
    if (tensor) guess = parameter->rows == 1 ? shape[0] : shape[1];
    guess -= beside;
    return guess >= 1 && guess <= INT_MAX / layers ? (int)guess * layers : 0;
}

/* A parameter tells the right width, if any does, among the first that do not fit; the others of a
   file made for it would have a model each. */
enum { MOST_GUESSES = 32 };

mlce_status mlce_find_width(const mlce_tensors *tensors, const mlce_config *config,
                            const char *const *types, int type_count, int *width) {
    /* A model for embeddings as narrow as can be, and what its parameters say of their width. */
    misfit best, other;
    mlce_model *model = NULL;
    int layers = embedding_layers(config), last = *width = layers;
    mlce_shape_options shape = mlce_shape_options_from(config);
    mlce_status status = mlce_model_declare(config, layers, types, type_count, &model);
    const mlce_parameters *parameters = status ? NULL : mlce_model_parameters(model);
    if (!status) status = find_misfit(tensors, parameters, &best);
    for (int p = 0, guesses = 0; !status && p < mlce_parameters_count(parameters); p++) {
        if (!problems(&best) || guesses == MOST_GUESSES) break;
        int guess = guess_width(tensors, mlce_parameters_at(parameters, p), layers,
                                mlce_shape_width(&shape));
        if (guess == 0 || guess == last) continue;
        last = guess;
        guesses++;
        status = try_width(tensors, config, types, type_count, guess, &other);
        if (status || problems(&other) >= problems(&best)) continue;
        best = other;
        *width = guess;
    }
    mlce_model_free(model);
    return status ? status : problems(&best) ? refuse(tensors, &best) : MLCE_OK;
}
