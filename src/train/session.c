/* session.c - opening what a training run needs, and its first lines. */
#include "train/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/dataset_layout.h"
#include "mlce/threads.h"
#include "train/run_folder.h"

double mlce_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void mlce_session_say(const mlce_session *session, const char *format, ...) {
    if (!session->options->line) return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    session->options->line(text, session->options->context);
}

static void say_split(const mlce_session *session, const char *split, const mlce_dataset *data) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(data);
    char tokens[40] = "";
    if (layout->token != layout->sequence)
        snprintf(tokens, sizeof tokens, "%lld tokens, ", (long long)mlce_dataset_tokens(data));
    mlce_session_say(session, "%-5s %s: %lld %ss, %s%lld %ss; %.1f MiB of %s, %s", split,
                     mlce_dataset_name(data), (long long)mlce_dataset_sequences(data),
                     layout->sequence, tokens, (long long)mlce_dataset_spans(data), layout->span,
                     (double)mlce_dataset_bytes(data) / (1 << 20), mlce_dataset_precision(data),
                     mlce_dataset_is_resident(data) ? "kept in memory"
                                                    : "read as needed (data.memory)");
}

/* *data stays NULL where the key names no files. */
static mlce_status open_files(const mlce_config *config, const char *key,
                              const mlce_dataset_options *options, mlce_dataset **data) {
    const char *paths = mlce_config_string(config, key);
    if (*paths == '\0') return MLCE_OK;
    mlce_status status = mlce_dataset_open(paths, options, data);
    if (status) return mlce_fail_prefix(status, "%s: ", key);
    if (mlce_dataset_sequences(*data) == 0)
        return mlce_fail(MLCE_E_DATA, "%s: %s: is empty: it has no %ss", key, paths,
                         mlce_dataset_layout_of(*data)->sequence);
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(*data);
    if (!mlce_dataset_has_spans(*data))
        return mlce_fail(
            MLCE_E_DATA, "%s: %s: has no %s: label it (it may have none at all, then %s is %s)",
            key, paths, layout->gold, layout->gold_items, layout->offsets ? "[0, 3]" : "empty");
    return MLCE_OK;
}

static mlce_status open_split(mlce_session *session, const char *key, mlce_dataset **data) {
    mlce_dataset_options options = {
        .memory = (size_t)mlce_config_int(session->config, "data.memory") << 20,
        .check_rows = mlce_config_bool(session->config, "data.check_rows"),
    };
    mlce_status status = open_files(session->config, key, &options, data);
    if (!status && *data) say_split(session, key + strlen("data."), *data);
    return status;
}

/* A warning for gold spans that no score reaches, once a split. */
static void warn_of_wide_spans(const mlce_session *session, const char *key,
                               const mlce_dataset *data) {
    int64_t limit = mlce_config_int(session->config, "model.max_width"), wide = 0;
    if (!data || limit == 0) return;
    for (int64_t s = 0; s < mlce_dataset_sequences(data); s++) {
        int count;
        const mlce_span *gold = mlce_dataset_gold(data, s, &count);
        for (int n = 0; n < count; n++) wide += gold[n].end - gold[n].start > limit;
    }
    if (wide)
        mlce_log(MLCE_LOG_WARNING,
                 "%s: %lld of %lld gold spans are wider than model.max_width = %lld: they are left "
                 "out of the loss and count as missed",
                 key, (long long)wide, (long long)mlce_dataset_spans(data), (long long)limit);
}

/* A warning where token features are all that a split has: nothing to learn from. */
static void warn_of_no_spans(const mlce_dataset *data) {
    if (mlce_dataset_spans(data) == 0)
        mlce_log(MLCE_LOG_WARNING,
                 "data.train: has no %ss at all: the model will learn to predict none",
                 mlce_dataset_layout_of(data)->span);
}

/* softmax_ce wants just one label an item, and neither it nor topk_ce weights. */
static mlce_status check_labels(const mlce_session *session, const char *key,
                                const mlce_dataset *data) {
    const char *loss = mlce_config_string(session->config, "loss.name");
    bool picks_one = strcmp(loss, "softmax_ce") == 0;
    if (!data || (!picks_one && strcmp(loss, "topk_ce"))) return MLCE_OK;
    for (int64_t i = 0; i < mlce_dataset_sequences(data); i++) {
        int count;
        mlce_dataset_gold(data, i, &count);
        const float *weights = mlce_dataset_gold_weights(data, i);
        if (picks_one && mlce_dataset_task(data) == MLCE_TASK_LABELS && count != 1)
            return mlce_fail(MLCE_E_DATA,
                             "%s: %s: item %lld has %d labels, and loss.name = softmax_ce wants "
                             "just one an item: multilabel_ce is for any number",
                             key, mlce_dataset_name(data), (long long)i, count);
        for (int n = 0; weights && n < count; n++)
            if (weights[n] != 1)
                return mlce_fail(MLCE_E_DATA,
                                 "%s: %s: item %lld has a label of weight %g, and loss.name = %s "
                                 "knows no weights: multilabel_ce and binary_ce do",
                                 key, mlce_dataset_name(data), (long long)i, (double)weights[n],
                                 loss);
    }
    return MLCE_OK;
}

static mlce_status accept(const mlce_session *session, const char *key, mlce_dataset *data) {
    mlce_status status = data ? mlce_model_accepts(session->model, data) : MLCE_OK;
    return status ? mlce_fail_prefix(status, "%s: ", key) : MLCE_OK;
}

static mlce_status make_model(mlce_session *session) {
    const mlce_resume *resume = session->resume;
    int types = resume ? (int)resume->types.count : mlce_dataset_types(session->train);
    const char **names = mlce_calloc((size_t)types, sizeof *names);
    if (!names) return MLCE_E_MEMORY;
    for (int a = 0; a < types; a++)
        names[a] = resume ? resume->types.items[a] : mlce_dataset_type_name(session->train, a);
    mlce_status status = mlce_model_new(session->config, mlce_dataset_width(session->train), names,
                                        types, &session->model);
    free(names);
    if (!status) mlce_model_set_ranks(session->model, session->ranks);
    if (!status)
        status = mlce_model_set_embedding(session->model, mlce_dataset_embedding(session->train));
    if (!status) status = accept(session, "data.train", session->train);
    if (!status) status = mlce_model_fit_input(session->model, session->train);
    if (!status) status = accept(session, "data.dev", session->dev);
    return status ? status : accept(session, "data.test", session->test);
}

static mlce_status add_groups(const mlce_session *session) {
    for (int n = 1; n <= mlce_config_sections(session->config, "optim.group"); n++) {
        mlce_adam_group group = mlce_adam_group_from(session->config, n);
        int matched;
        mlce_status status = mlce_adam_add_group(session->adam, &group, &matched);
        if (status) return mlce_fail_prefix(status, "optim.group.%d.match = ", n);
        char decay[48] = "";
        if (group.weight_decay >= 0)
            snprintf(decay, sizeof decay, ", weight decay %g", group.weight_decay);
        mlce_session_say(session, "group %d, %s: %d parameters, learning rate x %g%s", n,
                         group.match, matched, group.lr_scale, decay);
    }
    return MLCE_OK;
}

static mlce_status make_training(mlce_session *session) {
    const mlce_config *config = session->config;
    mlce_adam_options adam = mlce_adam_options_from(config);
    session->adam = mlce_adam_new(mlce_model_parameters(session->model), &adam);
    session->graph = mlce_graph_new();
    if (!session->adam || !session->graph) return MLCE_E_MEMORY;
    mlce_status status = add_groups(session);
    const mlce_ranks *ranks = session->ranks;
    if (!status && ranks)
        status = mlce_reducer_new(ranks, mlce_model_parameters(session->model), &session->reducer);
    if (status) return status;
    mlce_batch_options batches = {
        .sequences = (int)mlce_config_int(config, "train.batch_size"),
        .tokens = (int)mlce_config_int(config, "train.batch_tokens"),
        .shuffle = true,
        .bucket = mlce_config_bool(config, "data.bucket"),
        .seed = (uint64_t)mlce_config_int(config, "train.seed"),
        .memory = (size_t)mlce_config_int(config, "data.window") << 20,
        .shape = mlce_shape_options_from(config),
        .rank = ranks ? ranks->rank : 0,
        .ranks = ranks ? ranks->count : 1,
    };
    return mlce_batcher_new(session->train, &batches, &session->batcher);
}

mlce_status mlce_session_check(const mlce_config *config) {
    mlce_status status = mlce_model_check(config);
    if (!status) status = mlce_optim_check(config);
    if (status) return status;
    if (mlce_config_int(config, "train.batch_size") == 0 &&
        mlce_config_int(config, "train.batch_tokens") == 0)
        return mlce_fail(MLCE_E_CONFIG,
                         "train.batch_size = 0 needs train.batch_tokens: one of them must "
                         "limit a batch");
    if (*mlce_config_string(config, "data.train") == '\0')
        return mlce_fail(MLCE_E_CONFIG,
                         "data.train is not set: name the training file(s), in the "
                         "configuration or as data.train=PATH");
    return MLCE_OK;
}

mlce_status mlce_session_check_data(const mlce_config *config, bool check_rows) {
    static const char *const keys[] = {"data.train", "data.dev", "data.test"};
    mlce_status status = MLCE_OK;
    for (size_t k = 0; k < sizeof keys / sizeof *keys && !status; k++) {
        mlce_dataset *data = NULL;
        status =
            open_files(config, keys[k], &(mlce_dataset_options){.check_rows = check_rows}, &data);
        mlce_dataset_close(data);
    }
    return status;
}

mlce_status mlce_session_open(mlce_session *session) {
    const mlce_config *config = session->config;
    int threads = (int)mlce_config_int(config, "train.threads");
    if (threads == 0 && session->ranks) threads = session->ranks->threads;
    mlce_status status = mlce_threads_set(threads);
    if (status) return status;
    if (session->ranks && session->ranks->threads > 0 && threads > session->ranks->threads)
        mlce_log(MLCE_LOG_WARNING,
                 "train.threads = %d, but a rank has %d of the cores to itself: they will wait for "
                 "each other",
                 threads, session->ranks->threads);
    char ranks[32] = "";
    if (session->ranks) snprintf(ranks, sizeof ranks, "%d ranks, each ", session->ranks->count);
    mlce_session_say(session, "speed %s%s", ranks, mlce_machine_description());
    if ((status = open_split(session, "data.train", &session->train))) return status;
    if ((status = open_split(session, "data.dev", &session->dev))) return status;
    if ((status = open_split(session, "data.test", &session->test))) return status;
    if ((status = make_model(session))) return status;
    if ((status = check_labels(session, "data.train", session->train))) return status;
    if ((status = check_labels(session, "data.dev", session->dev))) return status;
    if ((status = check_labels(session, "data.test", session->test))) return status;
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(session->train);
    warn_of_no_spans(session->train);
    warn_of_wide_spans(session, "data.train", session->train);
    warn_of_wide_spans(session, "data.dev", session->dev);
    warn_of_wide_spans(session, "data.test", session->test);
    int width = mlce_model_width(session->model);
    char more[32] = "";
    if (mlce_model_input_width(session->model) > width)
        snprintf(more, sizeof more, " + %d", mlce_model_input_width(session->model) - width);
    mlce_session_say(session, "model %s, %d %ss, %d%s features %s, %zu parameters",
                     mlce_config_string(config, "model.head"), mlce_model_types(session->model),
                     layout->type, width, more, layout->a_token,
                     mlce_parameters_numbers(mlce_model_parameters(session->model)));
    return make_training(session);
}

void mlce_session_close(mlce_session *session) {
    mlce_batcher_free(session->batcher);
    mlce_graph_free(session->graph);
    mlce_reducer_free(session->reducer);
    mlce_adam_free(session->adam);
    mlce_model_free(session->model);
    mlce_dataset_close(session->train);
    mlce_dataset_close(session->dev);
    mlce_dataset_close(session->test);
}
