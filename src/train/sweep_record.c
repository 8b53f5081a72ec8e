/* sweep_record.c - sweep.json: what came of the runs, to be read when the sweep goes on. */
#include "train/sweep_record.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"
#include "mlce/memory.h"
#include "train/run_folder.h"
#include "train/sweep_table.h"

static const char *const states[] = {
    [MLCE_RUN_WAITING] = "waiting",
    [MLCE_RUN_FINISHED] = "finished",
    [MLCE_RUN_FAILED] = "failed",
};

const char *mlce_run_state_name(mlce_run_state state) {
    return states[state];
}

/* ---- Writing ---- */

static json_t *settings_json(const mlce_sweep_plan *plan, int run, int keys) {
    json_t *object = json_object();
    for (int k = 0; k < keys; k++)
        mlce_json_set(&object, plan->keys[k].name,
                      json_string(mlce_sweep_plan_value(plan, run, k)));
    return object;
}

static json_t *run_json(const mlce_sweep_plan *plan, const mlce_sweep_record *record, int run) {
    json_t *object = json_pack(
        "{s:i, s:s, s:o, s:s}", "run", run + 1, "folder", mlce_sweep_plan_folder(run).name,
        "settings", settings_json(plan, run, plan->key_count), "state", states[record->state]);
    if (object && record->state == MLCE_RUN_FINISHED) {
        mlce_json_set(&object, "dev_f1", json_real(record->dev_f1));
        if (record->has_test) mlce_json_set(&object, "test_f1", json_real(record->test_f1));
        mlce_json_set(&object, "best_epoch", json_integer(record->best_epoch));
        mlce_json_set(&object, "epochs", json_integer(record->epochs));
        mlce_json_set(&object, "seconds", json_real(record->seconds));
    }
    if (object && record->state == MLCE_RUN_FAILED)
        mlce_json_set(&object, "error", json_string(record->error));
    return object;
}

static mlce_status seeds_json(const mlce_sweep_plan *plan, const mlce_sweep_record *records,
                              json_t **root) {
    mlce_sweep_setting *settings;
    int count;
    mlce_status status = mlce_sweep_settings(plan, records, &settings, &count);
    if (status) return status;
    json_t *list = json_array();
    for (int n = 0; n < count; n++)
        mlce_json_append(&list,
                         json_pack("{s:o, s:i, s:f, s:f}", "settings",
                                   settings_json(plan, settings[n].run, plan->key_count - 1),
                                   "runs", settings[n].count, "dev_f1_mean", settings[n].mean,
                                   "dev_f1_deviation", settings[n].deviation));
    mlce_json_set(root, "seeds", list);
    free(settings);
    return MLCE_OK;
}

static char *to_json(const mlce_sweep_plan *plan, const mlce_sweep_record *records) {
    json_t *root = json_object(), *runs = json_array();
    int *order = mlce_sweep_order(plan, records);
    for (int r = 0; order && r < plan->runs; r++)
        mlce_json_append(&runs, run_json(plan, &records[order[r]], order[r]));
    mlce_json_set(&root, "runs", runs);
    bool good = order && (plan->seeds < 2 || !seeds_json(plan, records, &root));
    free(order);
    if (good) return mlce_json_text(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17), "a sweep");
    json_decref(root);
    return NULL;
}

/* `text` (NULL: it could not be made) into a file of the sweep's folder. */
static mlce_status write_file(const mlce_sweep_plan *plan, const char *name, char *text) {
    char *path = mlce_run_folder_file(plan->output, name);
    mlce_status status =
        path && text ? mlce_file_write_text(path, MLCE_LINKS_REPLACED, text) : MLCE_E_MEMORY;
    free(path);
    free(text);
    return status;
}

mlce_status mlce_sweep_write(const mlce_sweep_plan *plan, const mlce_sweep_record *records) {
    mlce_status status = write_file(plan, MLCE_SWEEP_FILE, to_json(plan, records));
    return status ? status : write_file(plan, "sweep.tsv", mlce_sweep_tsv(plan, records));
}

/* ---- Reading ---- */

static bool has_settings(const mlce_sweep_plan *plan, int run, const json_t *settings) {
    if ((int)json_object_size(settings) != plan->key_count) return false;
    for (int k = 0; k < plan->key_count; k++) {
        const char *value = json_string_value(json_object_get(settings, plan->keys[k].name));
        if (!value || strcmp(value, mlce_sweep_plan_value(plan, run, k))) return false;
    }
    return true;
}

static mlce_status broken(const char *path) {
    return mlce_fail(MLCE_E_DATA,
                     "%s: is not as a sweep leaves it: choose another train.output, or give "
                     "--force to begin anew",
                     path);
}

static mlce_status read_finished(const char *path, const json_t *run, mlce_sweep_record *record) {
    const json_t *dev = json_object_get(run, "dev_f1"), *test = json_object_get(run, "test_f1");
    if (!json_is_real(dev)) return broken(path);
    record->state = MLCE_RUN_FINISHED;
    record->dev_f1 = json_real_value(dev);
    record->has_test = test != NULL;
    record->test_f1 = json_number_value(test);
    record->best_epoch = json_integer_value(json_object_get(run, "best_epoch"));
    record->epochs = json_integer_value(json_object_get(run, "epochs"));
    record->seconds = json_number_value(json_object_get(run, "seconds"));
    return MLCE_OK;
}

static mlce_status read_run(const mlce_sweep_plan *plan, const char *path, const json_t *run,
                            mlce_sweep_record *records) {
    json_int_t number = json_integer_value(json_object_get(run, "run"));
    const char *state = json_string_value(json_object_get(run, "state"));
    const char *error = json_string_value(json_object_get(run, "error"));
    if (number < 1 || !state) return broken(path);
    if (number > plan->runs) return MLCE_OK; /* sweep.runs is smaller now */
    mlce_sweep_record *record = &records[number - 1];
    if (record->state != MLCE_RUN_WAITING) return broken(path);
    if (!has_settings(plan, (int)number - 1, json_object_get(run, "settings")))
        return mlce_fail(MLCE_E_CONFIG,
                         "%s: is of a sweep over other values (run %d): choose another "
                         "train.output, or give --force to begin anew",
                         path, (int)number);
    if (strcmp(state, states[MLCE_RUN_FINISHED]) == 0) return read_finished(path, run, record);
    if (strcmp(state, states[MLCE_RUN_FAILED])) return MLCE_OK;
    record->state = MLCE_RUN_FAILED;
    record->error = mlce_strdup(error ? error : "");
    return record->error ? MLCE_OK : MLCE_E_MEMORY;
}

/* *root stays NULL where there is no file. */
static mlce_status load(const char *path, json_t **root) {
    FILE *file;
    json_error_t error;
    mlce_status status = mlce_file_open(path, true, &file);
    if (!file) return status;
    status = mlce_json_read(file, JSON_REJECT_DUPLICATES, root, &error);
    fclose(file);
    return status == MLCE_E_DATA ? broken(path) : status;
}

mlce_status mlce_sweep_read(const mlce_sweep_plan *plan, mlce_sweep_record *records) {
    char *path = mlce_run_folder_file(plan->output, MLCE_SWEEP_FILE);
    if (!path) return MLCE_E_MEMORY;
    json_t *root = NULL, *run;
    mlce_status status = load(path, &root);
    if (!status && !root) {
        free(path);
        return MLCE_OK;
    }
    const json_t *runs = json_object_get(root, "runs");
    if (!status && !json_is_array(runs)) status = broken(path);
    size_t n;
    if (!status) json_array_foreach(runs, n, run) {
            status = read_run(plan, path, run, records);
            if (status) break;
        }
    json_decref(root);
    free(path);
    return status;
}
