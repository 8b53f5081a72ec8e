/* average.c - several models as one, with the mean of their scores. */

#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "model/private.h"

static const char *value_of(const mlce_model *model, const char *key) {
    return mlce_config_string(mlce_model_config(model), key);
}

static mlce_status compare_types(const mlce_model *a, const mlce_model *b) {
    if (mlce_model_types(a) != mlce_model_types(b))
        return mlce_fail(MLCE_E_ARGUMENT, "it has %d types, the first model has %d",
                         mlce_model_types(b), mlce_model_types(a));
    for (int t = 0; t < mlce_model_types(a); t++) {
        const char *first = mlce_model_type_names(a)[t], *other = mlce_model_type_names(b)[t];
        if (strcmp(first, other))
            return mlce_fail(MLCE_E_ARGUMENT,
                             "its type %d is '%s', the first model's is '%s': train on data with "
                             "the same types in the same order",
                             t, other, first);
    }
    return MLCE_OK;
}

/* The features that are computed beside the embeddings: a batch has one kind of rows. */
static mlce_status compare_features(const mlce_model *a, const mlce_model *b) {
    static const char *const keys[] = {"features.shape", "features.ngram_min",
                                       "features.ngram_max"};
    int64_t first[3], other[3];
    for (int n = 0; n < 3; n++) {
        first[n] = mlce_config_int(mlce_model_config(a), keys[n]);
        other[n] = mlce_config_int(mlce_model_config(b), keys[n]);
    }
    for (int n = 0; n < 3; n++)
        if (first[n] != other[n] && (n == 0 || first[0]))
            return mlce_fail(MLCE_E_ARGUMENT, "it has %s = %lld, the first model %lld: %s", keys[n],
                             (long long)other[n], (long long)first[n],
                             "they must see the same features");
    return MLCE_OK;
}

/* Whether the mean of both models' scores says anything. */
static mlce_status compare(const mlce_model *a, const mlce_model *b) {
    mlce_task task = mlce_model_task(a);
    const mlce_dataset_layout *first = &mlce_dataset_layouts[task];
    const mlce_dataset_layout *other = &mlce_dataset_layouts[mlce_model_task(b)];
    if (first != other)
        return mlce_fail(
            MLCE_E_ARGUMENT, "it is for %s (model.head = %s), the first model for %s (%s)",
            other->holds, value_of(b, "model.head"), first->holds, value_of(a, "model.head"));
    if (mlce_model_width(a) != mlce_model_width(b))
        return mlce_fail(
            MLCE_E_ARGUMENT,
            "it was made for %d features %s, the first model for %d: no data fits both",
            mlce_model_width(b), other->a_token, mlce_model_width(a));
    mlce_status status = compare_features(a, b);
    if (!status) status = compare_types(a, b);
    if (status) return status;
    int64_t width = mlce_config_int(mlce_model_config(a), "model.max_width");
    int64_t other_width = mlce_config_int(mlce_model_config(b), "model.max_width");
    if (task == MLCE_TASK_SPANS && width != other_width)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "it has model.max_width = %lld, the first model %lld: they must score the "
                         "same spans",
                         (long long)other_width, (long long)width);
    if (a->top != b->top)
        return mlce_fail(MLCE_E_ARGUMENT,
                         "with loss.name = %s it predicts the best %d, the first model with %s the "
                         "best %d (0: what is over a threshold): they must be the same",
                         value_of(b, "loss.name"), b->top, value_of(a, "loss.name"), a->top);
    return MLCE_OK;
}

static void warn_of_embeddings(const mlce_model *a, const mlce_model *b) {
    const char *first = mlce_model_embedding(a), *other = mlce_model_embedding(b);
    if (*first && *other && strcmp(first, other))
        mlce_log(MLCE_LOG_WARNING,
                 "models that were trained on different embeddings are averaged: '%s' and '%s'",
                 first, other);
}

/* Of scores that are the mean of the models'; {0} where one is not calibrated. */
static mlce_calibration mean_calibration(mlce_model *const *models, int count) {
    double slope = 0, intercept = 0;
    for (int m = 0; m < count; m++) {
        mlce_calibration one = mlce_model_calibration(models[m]);
        if (!(one.slope > 0)) return (mlce_calibration){0};
        slope += (double)one.slope / count;
        intercept += (double)one.intercept / count;
    }
    return (mlce_calibration){(float)slope, (float)intercept};
}

int mlce_model_members(const mlce_model *model) {
    return model->member_count;
}

static mlce_status build_average(mlce_model *average, mlce_model *const *models, int count) {
    const mlce_model *first = models[0];
    average->config = mlce_config_copy(first->config);
    average->parameters = mlce_parameters_new();
    average->embedding = mlce_strdup(first->embedding);
    average->thresholds = mlce_calloc((size_t)first->types, sizeof *average->thresholds);
    average->members = mlce_calloc((size_t)count, sizeof *average->members);
    if (!average->config || !average->parameters || !average->embedding || !average->thresholds ||
        !average->members)
        return MLCE_E_MEMORY;
    average->width = first->width;
    average->shape = first->shape;
    average->types = first->types;
    average->head = first->head;
    average->loss = first->loss;
    average->label_smoothing = first->label_smoothing;
    average->top = first->top;
    mlce_status status = mlce_model_copy_names(average, (const char *const *)first->type_names);
    if (!status) status = mlce_parameters_allocate(average->parameters, 0);
    for (int a = 0; a < first->types; a++) {
        double sum = 0;
        for (int m = 0; m < count; m++) sum += (double)models[m]->thresholds[a];
        average->thresholds[a] = (float)(sum / count);
    }
    return status;
}

static mlce_status join(mlce_model *const *models, int count, mlce_model **average) {
    mlce_model *made = mlce_calloc(1, sizeof *made);
    mlce_status status = made ? build_average(made, models, count) : MLCE_E_MEMORY;
    if (status) {
        mlce_model_free(made);
        return status;
    }
    made->member_count = count;
    memcpy(made->members, models, (size_t)count * sizeof *models);
    *average = made;
    return MLCE_OK;
}

mlce_status mlce_model_average(mlce_model *const *models, int count, mlce_model **average) {
    *average = NULL;
    if (count < 1) return mlce_fail(MLCE_E_ARGUMENT, "there is no average of %d models", count);
    for (int m = 1; m < count; m++) {
        mlce_status status = compare(models[0], models[m]);
        if (status) return mlce_fail_prefix(status, "model %d cannot be averaged: ", m + 1);
    }
    for (int m = 1; m < count; m++) warn_of_embeddings(models[0], models[m]);
    mlce_calibration calibration = mean_calibration(models, count);
    mlce_status status = join(models, count, average);
    if (!status) mlce_model_set_calibration(*average, calibration);
    return status;
}

mlce_status mlce_model_load_average(const char *const *paths, int count, mlce_model **model) {
    *model = NULL;
    if (count == 1) return mlce_model_load(paths[0], model);
    mlce_model **models = mlce_calloc(count > 0 ? (size_t)count : 1, sizeof *models);
    mlce_status status = models ? MLCE_OK : MLCE_E_MEMORY;
    for (int m = 0; m < count && !status; m++) {
        status = mlce_model_load(paths[m], &models[m]);
        if (!status && (status = compare(models[0], models[m])))
            mlce_fail_prefix(status, "%s cannot be averaged with %s: ", paths[m], paths[0]);
    }
    if (!status) status = mlce_model_average(models, count, model);
    for (int m = 0; status && models && m < count; m++) mlce_model_free(models[m]);
    free(models);
    return status;
}
