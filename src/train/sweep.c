/* sweep.c - the runs of a sweep, one after the other. */
#include "mlce/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/folder_lock.h"
#include "mlce/memory.h"
#include "train/run_folder.h"
#include "train/session.h"
#include "train/sweep_table.h"

typedef struct sweep {
    const mlce_sweep_options *options;
    mlce_sweep_plan plan;
    mlce_sweep_record *records;
    int lock; /* of the sweep's folder; -1: none yet */
} sweep;

/* ---- What is there already ---- */

/* A folder that is not there, or one with a sweep. */
static mlce_status check_folder(const sweep *s) {
    const char *output = s->plan.output;
    struct stat info;
    if (stat(output, &info) || !S_ISDIR(info.st_mode))
        return mlce_run_folder_check(output, false, false);
    if (mlce_run_folder_has(output, MLCE_SWEEP_FILE) || mlce_run_folder_is_unfinished(output))
        return MLCE_OK;
    return mlce_fail(MLCE_E_IO,
                     "train.output = %s: exists already and is not the folder of a sweep: choose "
                     "another one",
                     output);
}

/* Gives `found` what may differ from `config` in the same run: where it lies, how it is saved. */
static mlce_status copy_free_keys(mlce_config *found, const mlce_config *config) {
    static const char *const keys[] = {"train.output",       "train.threads",   "train.save_steps",
                                       "train.save_minutes", "train.keep_last", "data.check_rows"};
    mlce_status status = MLCE_OK;
    for (size_t k = 0; k < sizeof keys / sizeof *keys && !status; k++)
        status = mlce_config_set(found, keys[k], mlce_config_string(config, keys[k]));
    return status;
}

/* Whether the run's folder has a configuration, which must be that of the run. */
static mlce_status compare_folder(const sweep *s, int run, bool *is_there) {
    mlce_config *config = NULL, *found = mlce_config_new();
    const mlce_config_entry *other = NULL;
    mlce_status status = mlce_sweep_plan_config(&s->plan, run, &config);
    const char *output = status ? "" : mlce_config_string(config, "train.output");
    char *path = mlce_run_folder_file(output, "config.ini");
    if (!status && (!path || !found)) status = MLCE_E_MEMORY;
    *is_there = !status && access(path, F_OK) == 0;
    if (*is_there) status = mlce_config_read(found, path);
    if (*is_there && !status) status = copy_free_keys(found, config);
    if (*is_there && !status) {
        other = mlce_config_difference(config, found);
        if (!other) other = mlce_config_difference(found, config);
    }
    if (other)
        status = mlce_fail(MLCE_E_CONFIG,
                           "%s: another run, whose %s is not that of this sweep: choose another "
                           "train.output, or give --force to begin anew",
                           output, other->name);
    free(path);
    mlce_config_free(config);
    mlce_config_free(found);
    return status;
}

/* What of a run is kept: all, where it is recorded and its folder there; of one that is not
   recorded its checkpoints; without its folder nothing, and it starts from the beginning. */
static mlce_status look_at(sweep *s, int run) {
    bool is_there;
    mlce_sweep_record *record = &s->records[run];
    mlce_status status = compare_folder(s, run, &is_there);
    record->is_begun = is_there;
    if (status || is_there) return status;
    free(record->error);
    *record = (mlce_sweep_record){0};
    return MLCE_OK;
}

/* Of a sweep that begins: the first run's data, which is that of all unless files are swept. */
static mlce_status check_data(const sweep *s) {
    if (!s->options->train.force && mlce_run_folder_has(s->plan.output, MLCE_SWEEP_FILE))
        return MLCE_OK;
    mlce_config *config;
    mlce_status status = mlce_sweep_plan_config(&s->plan, 0, &config);
    if (!status) status = mlce_session_check_data(config, false);
    mlce_config_free(config);
    return status;
}

/* With --force no run goes on from what one left before. A trial touches nothing, and only looks
   whether another process trains there. */
static mlce_status forget(const sweep *s, int run, bool is_trial) {
    mlce_config *config = NULL;
    mlce_status status = mlce_sweep_plan_config(&s->plan, run, &config);
    const char *output = status ? "" : mlce_config_string(config, "train.output");
    struct stat info;
    int lock = -1;
    if (!status && stat(output, &info) == 0) {
        status = is_trial ? mlce_folder_lock(output, &lock) : mlce_run_folder_lock(output, &lock);
        if (!status && !is_trial) status = mlce_run_folder_remove(output, "config.ini");
        if (!status && !is_trial) status = mlce_run_folder_drop_checkpoints(output);
    }
    mlce_folder_unlock(lock);
    mlce_config_free(config);
    return status;
}

static mlce_status open_sweep(sweep *s) {
    mlce_status status = check_folder(s);
    if (!status) status = check_data(s);
    if (!status) status = mlce_run_folder_make(s->plan.output);
    if (!status) status = mlce_run_folder_lock(s->plan.output, &s->lock);
    s->records = mlce_calloc((size_t)s->plan.runs, sizeof *s->records);
    if (!status && !s->records) status = MLCE_E_MEMORY;
    bool force = s->options->train.force;
    if (!status && !force) status = mlce_sweep_read(&s->plan, s->records);
    for (int run = 0; run < s->plan.runs && !status; run++)
        status = force ? forget(s, run, true) : look_at(s, run);
    for (int run = 0; run < s->plan.runs && force && !status; run++) status = forget(s, run, false);
    return status ? status : mlce_sweep_write(&s->plan, s->records);
}

/* ---- Runs ---- */

/* Whether data was refused for the run's own settings: of other files, or of a model or loss that
   cannot take what lies in good ones. */
static bool is_of_own_data(const sweep *s, const mlce_config *config) {
    bool files = false, model = false;
    for (int k = 0; k < s->plan.key_count; k++) {
        const char *name = s->plan.keys[k].name;
        files = files || !strcmp(name, "data.train") || !strcmp(name, "data.dev") ||
                !strcmp(name, "data.test");
        model = model || (strncmp(name, "optim.", 6) && strncmp(name, "train.", 6));
    }
    return files || (model && !mlce_session_check_data(config, true));
}

/* Records what would fail in the same way again. Otherwise the run waits for the cause to be
   mended: the next ones may do with less memory, while files that cannot be read, and what a run
   that went on does not find as it left it, end the sweep. */
static mlce_status note_failure(sweep *s, int run, const mlce_config *config, bool resumed,
                                mlce_status status) {
    mlce_sweep_record *record = &s->records[run];
    char *error = mlce_strdup(mlce_last_error());
    if (!error) return MLCE_E_MEMORY;
    if (status == MLCE_E_NUMERIC || (status == MLCE_E_CONFIG && !resumed) ||
        (status == MLCE_E_DATA && !resumed && is_of_own_data(s, config))) {
        record->state = MLCE_RUN_FAILED;
        record->error = error;
        return MLCE_OK;
    }
    if (status == MLCE_E_MEMORY)
        mlce_log(MLCE_LOG_WARNING, "run %d of the sweep waits to be tried again: %s", run + 1,
                 error);
    else
        mlce_fail(status, "%s", error);
    free(error);
    return status == MLCE_E_MEMORY ? MLCE_OK : status;
}

static mlce_status train(sweep *s, int run, mlce_train_result *result) {
    mlce_sweep_record *record = &s->records[run];
    mlce_train_options options = s->options->train;
    options.resume = !options.force && s->records[run].is_begun;
    options.force = !options.resume;
    mlce_config *config;
    mlce_status status = mlce_sweep_plan_config(&s->plan, run, &config);
    if (status) return status;
    status = mlce_train(config, &options, result);
    bool failed = status != MLCE_OK;
    if (failed) status = note_failure(s, run, config, options.resume, status);
    mlce_config_free(config);
    if (failed) return status;
    record->state = MLCE_RUN_FINISHED;
    record->dev_f1 = result->dev_f1;
    record->has_test = result->has_test;
    record->test_f1 = result->test_f1;
    record->best_epoch = result->best_epoch;
    record->epochs = result->epochs;
    record->seconds = result->seconds;
    return MLCE_OK;
}

static mlce_status do_run(sweep *s, int run) {
    const mlce_sweep_options *options = s->options;
    mlce_sweep_record *record = &s->records[run];
    mlce_train_result result = {0};
    char *settings = mlce_sweep_plan_settings(&s->plan, run, s->plan.key_count);
    if (!settings) return MLCE_E_MEMORY;
    mlce_sweep_run event = {.number = run + 1, .runs = s->plan.runs, .settings = settings};
    event.kept = record->state != MLCE_RUN_WAITING;
    mlce_status status = MLCE_OK;
    if (!event.kept) {
        if (options->begin) options->begin(&event, options->context);
        status = train(s, run, &result);
        if (!status) status = mlce_sweep_write(&s->plan, s->records);
    }
    event.state = record->state;
    event.dev_f1 = record->dev_f1;
    event.error = record->error;
    event.result = !event.kept && record->state == MLCE_RUN_FINISHED ? &result : NULL;
    if (!status && options->end && record->state != MLCE_RUN_WAITING)
        options->end(&event, options->context);
    mlce_train_result_free(&result);
    free(settings);
    return status;
}

static mlce_status check_end(const sweep *s) {
    int count[] = {[MLCE_RUN_WAITING] = 0, [MLCE_RUN_FINISHED] = 0, [MLCE_RUN_FAILED] = 0};
    for (int run = 0; run < s->plan.runs; run++) count[s->records[run].state]++;
    if (count[MLCE_RUN_WAITING])
        return mlce_fail(MLCE_E_MEMORY,
                         "%s: out of memory in %d of the %d runs, the others are over: the same "
                         "command%s tries them again",
                         s->plan.output, count[MLCE_RUN_WAITING], s->plan.runs,
                         s->options->train.force ? ", without --force," : "");
    if (count[MLCE_RUN_FINISHED]) return MLCE_OK;
    return mlce_fail(MLCE_E_NUMERIC, "none of the %d runs finished; the first: %s", s->plan.runs,
                     s->records[0].error);
}

static mlce_status run_all(sweep *s, char **table) {
    mlce_status status = open_sweep(s);
    for (int run = 0; run < s->plan.runs && !status; run++) status = do_run(s, run);
    if (!status) status = check_end(s);
    if (status || !table) return status;
    *table = mlce_sweep_table(&s->plan, s->records);
    return *table ? MLCE_OK : MLCE_E_MEMORY;
}

mlce_status mlce_sweep(const mlce_config *config, const mlce_sweep_options *options, char **table) {
    static const mlce_sweep_options silent = {0};
    sweep s = {.options = options ? options : &silent, .lock = -1};
    if (table) *table = NULL;
    mlce_status status = mlce_sweep_plan_make(config, &s.plan);
    if (!status) status = run_all(&s, table);
    for (int run = 0; s.records && run < s.plan.runs; run++) free(s.records[run].error);
    free(s.records);
    mlce_folder_unlock(s.lock);
    mlce_sweep_plan_free(&s.plan);
    return status;
}
