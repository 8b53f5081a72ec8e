/* model.c - a model: dropout on the embeddings, a stack of encoders, a head. */
#include "mlce/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "data/dataset_parts.h"
#include "model/output.h"
#include "model/private.h"

const mlce_config_key mlce_model_keys[] = {
    {"model.head", MLCE_KEY_CHOICE, "efficient_global_pointer", "",
     "spans with q and k shared by all types, spans with q and k for each type, or labels of items",
     0, 0, "efficient_global_pointer|global_pointer|multilabel_classifier", NULL},
    {"model.head_size", MLCE_KEY_INT, "64", "features", "width of q and k (even, with model.rope)",
     1, 4096, NULL, "model.head=efficient_global_pointer|global_pointer"},
    {"model.rope", MLCE_KEY_BOOL, "yes", "",
     "rotary position embedding: scores know how far apart the two ends are", 0, 0, NULL,
     "model.head=efficient_global_pointer|global_pointer"},
    {"model.max_width", MLCE_KEY_INT, "0", "tokens",
     "longest span that is scored; gold spans over it count as missed. 0: no limit", 0, 1 << 30,
     NULL, "model.head=efficient_global_pointer|global_pointer"},
    {"model.dropout", MLCE_KEY_FLOAT, "0", "",
     "share of the embeddings' numbers set to 0 while training", 0, 0.99, NULL, NULL},
    {"model.dropout_kind", MLCE_KEY_CHOICE, "element", "",
     "what model.dropout draws for: each number, or a feature of a sequence, the same for all its "
     "tokens (variational)",
     0, 0, "element|variational", NULL},
    {"model.threshold", MLCE_KEY_FLOAT, "0", "",
     "a score over it is predicted, of every type; 0 is where the loss puts it. Lower finds more, "
     "higher is right more often",
     -1000, 1000, NULL, "loss.name=multilabel_ce|threshold_ce|binary_ce|focal"},
    {"features.standardise", MLCE_KEY_BOOL, "no", "",
     "bring each column of the embeddings to mean 0 and deviation 1, by those of data.train; part "
     "of the model",
     0, 0, NULL, NULL},
    {"model.token_dropout", MLCE_KEY_FLOAT, "0", "",
     "share of tokens whose whole embedding is set to 0 while training", 0, 0.99, NULL, NULL},
    {"encoder.*.type", MLCE_KEY_CHOICE, "mlp", "",
     "an encoder between embeddings and head; sections [encoder.1], [encoder.2], ... stack up", 0,
     0, "mlp|bilstm|gru|cnn|transformer|mix", NULL},
    {"encoder.*.size", MLCE_KEY_INT, "256", "features",
     "width of each layer; of a bilstm or gru, in each of its two directions", 1, 1 << 20, NULL,
     "encoder.*.type=mlp|bilstm|gru|cnn|transformer"},
    {"encoder.*.layers", MLCE_KEY_INT, "1", "layers", "recurrent layers one after the other", 1, 64,
     NULL, "encoder.*.type=bilstm|gru"},
    {"encoder.*.dropout", MLCE_KEY_FLOAT, "0", "",
     "share of features set to 0 after each layer (the last one too) while training", 0, 0.99, NULL,
     "encoder.*.type=mlp|bilstm|gru|cnn|transformer"},
    {NULL, MLCE_KEY_STRING, NULL, NULL, NULL, 0, 0, NULL, NULL}};

const mlce_encoder_type *mlce_model_encoder_at(const mlce_config *config, int n, char prefix[32]) {
    char key[48];
    snprintf(prefix, 32, "encoder.%d", n + 1);
    snprintf(key, sizeof key, "%s.type", prefix);
    return mlce_find_encoder(mlce_config_string(config, key));
}

mlce_status mlce_model_check(const mlce_config *config) {
    mlce_status status = mlce_config_check(config);
    if (status) return status;
    mlce_shape_options shape = mlce_shape_options_from(config);
    if (shape.buckets && shape.ngram_min > shape.ngram_max)
        return mlce_fail(MLCE_E_CONFIG, "features.ngram_min = %d is over features.ngram_max = %d",
                         shape.ngram_min, shape.ngram_max);
    if (mlce_config_bool(config, "model.rope") && mlce_config_int(config, "model.head_size") % 2)
        return mlce_fail(MLCE_E_CONFIG,
                         "model.head_size = %s must be even with model.rope = yes: rotary position "
                         "embedding turns pairs of features",
                         mlce_config_string(config, "model.head_size"));
    for (int n = 0; n < mlce_config_sections(config, "encoder"); n++) {
        char prefix[32];
        const mlce_encoder_type *type = mlce_model_encoder_at(config, n, prefix);
        if (!type) return MLCE_E_CONFIG;
        if (type->check && (status = type->check(config, prefix))) return status;
    }
    return MLCE_OK;
}

/* Encoders and head, each declaring its parameters for the width that the one before it leaves. */
static mlce_status declare_layers(mlce_model *model) {
    const mlce_config *config = model->config;
    int width = mlce_model_input_width(model);
    model->standardises = mlce_config_bool(config, "features.standardise");
    if (model->standardises && !mlce_standardise_add(model->parameters, width, &model->standardise))
        return MLCE_E_MEMORY;
    for (int n = 0; n < model->encoder_count; n++) {
        char prefix[32];
        mlce_model_encoder *e = &model->encoders[n];
        e->type = mlce_model_encoder_at(config, n, prefix);
        if (!e->type) return MLCE_E_CONFIG;
        if (n == 0 && e->type->of_embeddings) model->joined = 1;
        if (n < model->joined) width = model->width;
        e->state = e->type->declare(model->parameters, config, prefix, width, &width);
        if (!e->state) return MLCE_E_MEMORY;
        if (n < model->joined) width += mlce_shape_width(&model->shape);
    }
    model->head = mlce_find_head(mlce_config_string(config, "model.head"));
    if (!model->head) return MLCE_E_CONFIG;
    model->head_state = model->head->declare(model->parameters, config, width, model->types);
    return model->head_state ? MLCE_OK : MLCE_E_MEMORY;
}

/* The loss, and how it predicts. */
static mlce_status choose_loss(mlce_model *model) {
    mlce_status status = mlce_loss_options_from(model->config, &model->loss);
    if (status) return status;
    model->label_smoothing = (float)mlce_config_float(model->config, "loss.label_smoothing");
    bool over_spans = model->head->task == MLCE_TASK_SPANS;
    if (over_spans && model->loss.kind == MLCE_LOSS_SOFTMAX_CE)
        return mlce_fail(MLCE_E_CONFIG,
                         "loss.name = softmax_ce picks one class for each item: it is for "
                         "labels, not for spans");
    if (over_spans && model->loss.kind == MLCE_LOSS_THRESHOLD_CE) {
        model->learned_thresholds = mlce_parameters_add(model->parameters, "head.threshold", 1,
                                                        model->types, MLCE_INIT_ZERO, 0);
        if (!model->learned_thresholds) return MLCE_E_MEMORY;
    }
    if (model->loss.kind == MLCE_LOSS_TOPK_CE)
        model->top = (int)mlce_config_int(model->config, "loss.k");
    if (model->loss.kind == MLCE_LOSS_SOFTMAX_CE) model->top = 1;
    if (!over_spans && model->top > model->types)
        return mlce_fail(MLCE_E_CONFIG, "loss.k = %d: the data has %d labels only", model->top,
                         model->types);
    return MLCE_OK;
}

mlce_status mlce_model_copy_names(mlce_model *model, const char *const *names) {
    model->type_names = mlce_calloc((size_t)model->types, sizeof *model->type_names);
    if (!model->type_names) return MLCE_E_MEMORY;
    for (int a = 0; a < model->types; a++)
        if (!(model->type_names[a] = mlce_strdup(names[a]))) return MLCE_E_MEMORY;
    return MLCE_OK;
}

static mlce_status build(mlce_model *model, const mlce_config *config, const char *const *names) {
    mlce_status status = mlce_model_check(config);
    if (status) return status;
    model->config = mlce_config_copy(config);
    model->parameters = mlce_parameters_new();
    model->embedding = mlce_strdup("");
    model->encoder_count = mlce_config_sections(config, "encoder");
    model->encoders = mlce_calloc((size_t)model->encoder_count, sizeof *model->encoders);
    model->thresholds = mlce_calloc((size_t)model->types, sizeof *model->thresholds);
    if (!model->config || !model->parameters || !model->embedding || !model->encoders ||
        !model->thresholds)
        return MLCE_E_MEMORY;
    model->shape = mlce_shape_options_from(config);
    if (model->width > INT_MAX - mlce_shape_width(&model->shape))
        return mlce_fail(MLCE_E_CONFIG, "features.shape = %d: too many beside %d features a token",
                         model->shape.buckets, model->width);
    model->dropout = (float)mlce_config_float(config, "model.dropout");
    model->token_dropout = (float)mlce_config_float(config, "model.token_dropout");
    model->variational =
        strcmp(mlce_config_string(config, "model.dropout_kind"), "variational") == 0;
    for (int a = 0; a < model->types; a++)
        model->thresholds[a] = (float)mlce_config_float(config, "model.threshold");
    if ((status = mlce_model_copy_names(model, names))) return status;
    if ((status = declare_layers(model))) return status;
    return choose_loss(model);
}

mlce_status mlce_model_declare(const mlce_config *config, int width, const char *const *type_names,
                               int types, mlce_model **model) {
    *model = NULL;
    if (width < 1 || types < 1)
        return mlce_fail(MLCE_E_ARGUMENT, "a model needs at least one feature and one type");
    mlce_model *m = mlce_calloc(1, sizeof *m);
    if (!m) return MLCE_E_MEMORY;
    m->width = width;
    m->types = types;
    mlce_status status = build(m, config, type_names);
    if (status) {
        mlce_model_free(m);
        return status;
    }
    *model = m;
    return MLCE_OK;
}

mlce_status mlce_model_new(const mlce_config *config, int width, const char *const *type_names,
                           int types, mlce_model **model) {
    mlce_status status = mlce_model_declare(config, width, type_names, types, model);
    if (status) return status;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): *model is there where status is OK */
    status = mlce_parameters_allocate((*model)->parameters,
                                      (uint64_t)mlce_config_int(config, "train.seed"));
    if (status) {
        mlce_model_free(*model);
        *model = NULL;
    }
    return status;
}

void mlce_model_free(mlce_model *model) {
    if (!model) return;
    for (int n = 0; model->encoders && n < model->encoder_count; n++)
        free(model->encoders[n].state);
    for (int a = 0; model->type_names && a < model->types; a++) free(model->type_names[a]);
    for (int m = 0; m < model->member_count; m++) mlce_model_free(model->members[m]);
    free(model->members);
    free(model->encoders);
    free(model->type_names);
    free(model->head_state);
    free(model->thresholds);
    free(model->embedding);
    mlce_parameters_free(model->parameters);
    mlce_config_free(model->config);
    free(model);
}

const mlce_config *mlce_model_config(const mlce_model *model) {
    return model->config;
}

mlce_parameters *mlce_model_parameters(const mlce_model *model) {
    return model->parameters;
}

mlce_task mlce_model_task(const mlce_model *model) {
    return model->head->task;
}

float *mlce_model_thresholds(mlce_model *model) {
    return model->thresholds;
}

bool mlce_model_has_thresholds(const mlce_model *model) {
    return model->top == 0;
}

mlce_calibration mlce_model_calibration(const mlce_model *model) {
    return model->calibration;
}

void mlce_model_set_calibration(mlce_model *model, mlce_calibration calibration) {
    model->calibration = calibration;
}

void mlce_model_set_ranks(mlce_model *model, const mlce_ranks *ranks) {
    model->ranks = ranks && ranks->count > 1 ? ranks : NULL;
}

int mlce_model_width(const mlce_model *model) {
    return model->width;
}

int mlce_model_input_width(const mlce_model *model) {
    return model->width + mlce_shape_width(&model->shape);
}

int mlce_model_types(const mlce_model *model) {
    return model->types;
}

const char *const *mlce_model_type_names(const mlce_model *model) {
    return (const char *const *)model->type_names;
}

const char *mlce_model_embedding(const mlce_model *model) {
    return model->embedding;
}

mlce_status mlce_model_fit_input(mlce_model *model, mlce_dataset *train) {
    return model->standardises ? mlce_standardise_fit(&model->standardise, train) : MLCE_OK;
}

mlce_status mlce_model_set_embedding(mlce_model *model, const char *embedding) {
    char *copy = mlce_strdup(embedding);
    if (!copy) return MLCE_E_MEMORY;
    free(model->embedding);
    model->embedding = copy;
    return MLCE_OK;
}

/* The batch's rows, with dropout. */
static mlce_node *input(const mlce_model *model, mlce_graph *graph, const mlce_batch *batch) {
    int width = mlce_model_input_width(model);
    if (batch->width != width)
        return mlce_graph_fail(
            graph, mlce_fail(MLCE_E_ARGUMENT,
                             "a batch of %d features a token, but the model is for %d: %d of the "
                             "dataset and %d of features.shape (mlce_batch_options.shape)",
                             batch->width, width, model->width, width - model->width));
    const float *rows = batch->embeddings;
    if (model->standardises)
        rows = mlce_standardise_rows(graph, &model->standardise, rows, batch->tokens);
    mlce_node *x = mlce_constant(graph, batch->tokens, width, rows);
    x = mlce_dropout_tokens(graph, x, model->token_dropout);
    return model->variational
               ? mlce_dropout_sequences(graph, x, batch->offsets, batch->sequences, model->dropout)
               : mlce_dropout(graph, x, model->dropout);
}

static mlce_output forward_members(const mlce_model *model, mlce_graph *graph,
                                   const mlce_batch *batch) {
    size_t count = (size_t)model->member_count;
    mlce_output *outputs = mlce_arena_alloc(mlce_graph_arena(graph), count, sizeof *outputs);
    if (!outputs) {
        mlce_graph_fail(graph, MLCE_E_MEMORY);
        return (mlce_output){.task = model->head->task};
    }
    for (size_t m = 0; m < count; m++)
        outputs[m] = mlce_model_forward(model->members[m], graph, batch);
    return mlce_output_mean(graph, outputs, model->member_count);
}

mlce_output mlce_model_forward(const mlce_model *model, mlce_graph *graph,
                               const mlce_batch *batch) {
    if (model->members) return forward_members(model, graph, batch);
    if (batch->part)
        mlce_graph_set_part(graph, &(mlce_graph_part){batch->sequences, batch->offsets,
                                                      batch->part->rows, batch->part->places});
    mlce_node *x = input(model, graph, batch), *late = NULL;
    if (model->joined && model->shape.buckets) {
        late = mlce_slice(graph, x, model->width, mlce_shape_width(&model->shape));
        x = mlce_slice(graph, x, 0, model->width);
    }
    for (int n = 0; n < model->encoder_count; n++) {
        x = model->encoders[n].type->forward(graph, model->encoders[n].state, x, batch);
        if (late && n + 1 == model->joined) x = mlce_concat(graph, x, late);
    }
    mlce_output output = model->head->forward(graph, model->head_state, x, batch);
    if (model->learned_thresholds)
        output.factors.thresholds = mlce_use(graph, model->learned_thresholds);
    return output;
}

mlce_node *mlce_model_loss(const mlce_model *model, mlce_graph *graph, const mlce_output *output,
                           const mlce_batch *batch) {
    return mlce_output_loss(graph, &model->loss, model->label_smoothing, output, batch);
}

mlce_status mlce_model_decode(const mlce_model *model, const mlce_output *output,
                              const mlce_batch *batch, mlce_span_list *list) {
    mlce_decision decision = {.thresholds = model->thresholds, .top = model->top};
    return mlce_output_decode(output, batch, &decision, list);
}

/* " (and computes 272 more, ...)", where it does. */
typedef struct description {
    char text[96];
} description;

static description describe_shape(const mlce_model *model) {
    description d = {""};
    if (model->shape.buckets)
        snprintf(d.text, sizeof d.text, " (beside which it computes %d by features.shape = %d)",
                 mlce_shape_width(&model->shape), model->shape.buckets);
    return d;
}

static mlce_status fits(const mlce_model *model, mlce_dataset *dataset) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(dataset);
    if (mlce_dataset_task(dataset) != model->head->task)
        return mlce_fail(MLCE_E_DATA,
                         "%s: holds %s, the model (model.head = %s) is for %s: a model.head for "
                         "this data is %s",
                         mlce_dataset_name(dataset), layout->holds, model->head->name,
                         mlce_dataset_layouts[model->head->task].holds, layout->head);
    if (mlce_dataset_width(dataset) != model->width)
        return mlce_fail(MLCE_E_DATA,
                         "%s: %s has %d features %s, the model was made for %d%s: use %s of one "
                         "kind for all splits",
                         mlce_dataset_name(dataset), layout->rows, mlce_dataset_width(dataset),
                         layout->a_token, model->width, describe_shape(model).text, layout->values);
    if (model->shape.buckets) {
        mlce_status status = mlce_text_need_tokens(dataset);
        if (status) return status;
    }
    for (int n = 0; n < model->encoder_count; n++) {
        char prefix[32];
        const mlce_encoder_type *type = mlce_model_encoder_at(model->config, n, prefix);
        mlce_status status =
            type->accepts ? type->accepts(model->config, prefix, dataset) : MLCE_OK;
        if (status) return status;
    }
    for (int m = 0; m < model->member_count; m++) {
        mlce_status status = fits(model->members[m], dataset);
        if (status) return status;
    }
    return MLCE_OK;
}

mlce_status mlce_model_accepts(const mlce_model *model, mlce_dataset *dataset) {
    mlce_status status = fits(model, dataset);
    if (status) return status;
    const char *theirs = mlce_dataset_embedding(dataset);
    if (*theirs && *model->embedding && strcmp(theirs, model->embedding))
        mlce_log(MLCE_LOG_WARNING,
                 "%s: its embeddings were made by '%s', the model was trained on '%s'",
                 mlce_dataset_name(dataset), theirs, model->embedding);
    return mlce_dataset_match_types(dataset, mlce_model_type_names(model), model->types,
                                    "the model");
}
