/* view.c - what is known of a run. */
#include "report/view.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/json.h"
#include "core/lines.h"
#include "train/evaluate.h"
#include "train/run_folder.h"
#include "train/session.h"

const char *const mlce_split_names[MLCE_SPLITS] = {"train", "dev", "test"};

const mlce_train_evaluation *mlce_view_best(const mlce_view *view) {
    static const mlce_train_evaluation none = {0};
    return view->evaluation_count ? &view->evaluations[view->best] : &none;
}

const char *mlce_view_setting(const mlce_view *view, const char *key) {
    const char *value = json_string_value(json_object_get(view->config, key));
    return value ? value : "";
}

/* ---- metrics.jsonl ---- */

static mlce_score score_from(const json_t *score) {
    return (mlce_score){
        .precision = json_number_value(json_object_get(score, "precision")),
        .recall = json_number_value(json_object_get(score, "recall")),
        .f1 = json_number_value(json_object_get(score, "f1")),
        .support = json_integer_value(json_object_get(score, "support")),
    };
}

static mlce_train_evaluation evaluation_from(const json_t *line, mlce_task task) {
    const json_t *dev = json_object_get(line, "dev");
    return (mlce_train_evaluation){
        .task = task,
        .epoch = json_integer_value(json_object_get(line, "epoch")),
        .step = json_integer_value(json_object_get(line, "step")),
        .train_loss = json_number_value(json_object_get(line, "train_loss")),
        .has_dev = dev != NULL,
        .dev_loss = json_number_value(json_object_get(dev, "loss")),
        .micro = score_from(json_object_get(dev, "micro")),
        .macro = score_from(json_object_get(dev, "macro")),
        .best = json_is_true(json_object_get(line, "best")),
        .tokens_per_second = json_number_value(json_object_get(line, "tokens_per_second")),
        .waiting = json_number_value(json_object_get(line, "waiting")),
        .seconds = json_number_value(json_object_get(line, "seconds")),
    };
}

static mlce_status add_line(mlce_view *view, const char *path, const char *text, size_t size) {
    json_error_t error;
    json_t *line;
    size_t number = view->evaluation_count + 1;
    mlce_status status = mlce_json_parse(text, size, JSON_REJECT_DUPLICATES, &line, &error);
    if (status == MLCE_E_DATA)
        mlce_fail(MLCE_E_DATA, "%s: line %zu: %s", path, number, error.text);
    else if (!status &&
             (!json_is_object(line) || !json_is_integer(json_object_get(line, "epoch")) ||
              !json_is_number(json_object_get(line, "train_loss"))))
        status =
            mlce_fail(MLCE_E_DATA, "%s: line %zu: is not an evaluation of a run", path, number);
    else if (!status)
        status = mlce_grow((void **)&view->evaluations, &view->evaluation_capacity, number,
                           sizeof *view->evaluations);
    if (!status) {
        mlce_train_evaluation e = evaluation_from(line, mlce_model_task(view->model));
        if (e.best) view->best = view->evaluation_count;
        view->evaluations[view->evaluation_count++] = e;
    }
    json_decref(line);
    return status;
}

static mlce_status read_lines(mlce_view *view, const char *path) {
    mlce_lines lines = {.name = path};
    char *line;
    mlce_status status = mlce_file_open(path, true, &lines.file);
    if (!lines.file) return status; /* MLCE_OK: it was not trained here */
    while (!(status = mlce_lines_next(&lines, &line)) && line)
        if ((status = add_line(view, path, line, lines.length))) break;
    if (!status && !view->evaluation_count)
        status = mlce_fail(MLCE_E_DATA, "%s: is empty: the run has no evaluation", path);
    fclose(lines.file);
    mlce_lines_free(&lines);
    return status;
}

static mlce_status read_metrics(mlce_view *view) {
    char *path = mlce_run_folder_file(view->run, "metrics.jsonl");
    mlce_status status = path ? read_lines(view, path) : MLCE_E_MEMORY;
    free(path);
    return status;
}

/* ---- Name and configuration ---- */

/* The last part of the folder's own path: the same however it was given. */
static mlce_status set_name(mlce_view *view) {
    char *whole = realpath(view->run, NULL);
    if (!whole) return mlce_fail(MLCE_E_IO, "%s: %s", view->run, strerror(errno));
    view->name = mlce_strdup(basename(whole));
    free(whole);
    return view->name ? MLCE_OK : MLCE_E_MEMORY;
}

static mlce_status set_config(mlce_view *view) {
    char *text = mlce_config_to_json(mlce_model_config(view->model));
    if (!text) return MLCE_E_MEMORY;
    json_error_t error;
    mlce_status status = mlce_json_parse(text, strlen(text), 0, &view->config, &error);
    free(text);
    return status;
}

/* ---- What the model does on the data ---- */

typedef struct judging {
    const mlce_dataset *dataset;
    mlce_metrics *metrics;
    mlce_errors *errors; /* may be NULL */
    const mlce_train_options *options;
    mlce_gold gold;
} judging;

static mlce_status judge(const mlce_prediction *p, void *context) {
    judging *j = context;
    if (j->options && mlce_wants_stop(j->options)) return MLCE_E_STOPPED;
    mlce_status status = mlce_gold_of(j->dataset, p->sequence, &j->gold);
    if (!status)
        status = mlce_metrics_add(j->metrics, j->gold.spans, j->gold.count, p->spans, p->count,
                                  p->scores);
    if (status || !j->errors) return status;
    return mlce_errors_add(j->errors, p->sequence, mlce_dataset_length(j->dataset, p->sequence),
                           j->gold.spans, j->gold.count, p->spans, p->count);
}

static mlce_status judge_split(mlce_view *view, mlce_split split) {
    mlce_dataset *data = view->data[split];
    mlce_task task = mlce_model_task(view->model);
    int types = mlce_model_types(view->model);
    judging j = {.dataset = data, .metrics = &view->metrics[split], .options = view->options};
    if (!data || !mlce_dataset_has_spans(data)) return MLCE_OK;
    if (split == MLCE_DEV) {
        view->errors = (mlce_errors){.task = task, .types = types};
        view->has_text = !mlce_dataset_load_text(data);
        j.errors = &view->errors;
    }
    mlce_status status = mlce_metrics_init(j.metrics, task, types);
    if (!status) status = mlce_predict(view->model, data, judge, &j, NULL);
    free(j.gold.kept);
    if (j.errors) mlce_errors_settle(j.errors);
    view->has_metrics[split] = !status;
    return status;
}

static mlce_status look(mlce_view *view) {
    mlce_status status = set_name(view);
    if (!status) status = set_config(view);
    if (!status) status = read_metrics(view);
    for (int split = 0; split < MLCE_SPLITS && !status; split++)
        if (view->data[split])
            status = mlce_statistics_of(view->data[split], &view->statistics[split]);
    if (!status) status = judge_split(view, MLCE_DEV);
    return status ? status : judge_split(view, MLCE_TEST);
}

mlce_status mlce_view_of(const char *run, mlce_model *model, mlce_dataset *const *data,
                         const mlce_train_options *options, mlce_view *view) {
    *view = (mlce_view){.run = run, .model = model, .borrows = true, .options = options};
    for (int split = 0; split < MLCE_SPLITS; split++) view->data[split] = data[split];
    mlce_status status = look(view);
    if (status) mlce_view_free(view);
    return status;
}

/* Of train nothing but the spans is wanted, so its embeddings stay in the file. */
static mlce_status open_data(mlce_view *view, mlce_split split) {
    char key[16];
    snprintf(key, sizeof key, "data.%s", mlce_split_names[split]);
    const mlce_config *config = mlce_model_config(view->model);
    const char *paths = mlce_config_string(config, key);
    if (!*paths) return MLCE_OK;
    mlce_dataset_options options = {
        .memory = split == MLCE_TRAIN ? 0 : (size_t)mlce_config_int(config, "data.memory") << 20,
    };
    mlce_status status = mlce_dataset_open(paths, &options, &view->data[split]);
    if (!status) status = mlce_model_accepts(view->model, view->data[split]);
    if (!status) return MLCE_OK;
    mlce_dataset_close(view->data[split]);
    view->data[split] = NULL;
    view->missing[split] = mlce_strdup(mlce_last_error());
    return status == MLCE_E_MEMORY || !view->missing[split] ? MLCE_E_MEMORY : MLCE_OK;
}

mlce_status mlce_view_open(const char *run, mlce_view *view) {
    *view = (mlce_view){.run = run};
    struct stat info;
    if (stat(run, &info)) return mlce_fail(MLCE_E_IO, "%s: %s", run, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return mlce_fail(MLCE_E_IO, "%s: is a file: give the folder of a run", run);
    mlce_status status = mlce_model_load(run, &view->model);
    for (int split = 0; split < MLCE_SPLITS && !status; split++)
        status = open_data(view, (mlce_split)split);
    if (!status) status = look(view);
    if (status) mlce_view_free(view);
    return status;
}

void mlce_view_free(mlce_view *view) {
    for (int split = 0; split < MLCE_SPLITS; split++) {
        mlce_statistics_free(&view->statistics[split]);
        mlce_metrics_free(&view->metrics[split]);
        if (!view->borrows) mlce_dataset_close(view->data[split]);
        free(view->missing[split]);
    }
    if (!view->borrows) mlce_model_free(view->model);
    mlce_errors_free(&view->errors);
    json_decref(view->config);
    free(view->evaluations);
    free(view->name);
    *view = (mlce_view){0};
}
