/* train.c - a training run from its configuration to its final table. */
#include "mlce/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/folder_lock.h"
#include "mlce/memory.h"
#include "report/report.h"
#include "train/keep.h"
#include "train/loop.h"
#include "train/run_folder.h"
#include "train/same.h"

static mlce_status write_config(const mlce_session *s) {
    char *text = mlce_config_to_ini(s->config);
    char *path = mlce_run_folder_file(s->output, "config.ini");
    mlce_status status =
        text && path ? mlce_file_write_text(path, MLCE_LINKS_REPLACED, text) : MLCE_E_MEMORY;
    free(text);
    free(path);
    return status;
}

/* ---- The beginning ---- */

/* The first rank looks at the folder, and locks one that is there. */
static mlce_status take_folder(mlce_session *s) {
    struct stat info;
    mlce_status status = mlce_run_folder_check(s->output, s->options->force, s->options->resume);
    if (status || stat(s->output, &info)) return status;
    return mlce_run_folder_lock(s->output, &s->lock);
}

/* What can be said before the data is read. */
static mlce_status prepare(mlce_session *s) {
    mlce_status status = mlce_session_check(s->config);
    if (!status && mlce_ranks_is_first(s->ranks)) status = take_folder(s);
    return mlce_ranks_agree(s->ranks, status);
}

static mlce_status open_checkpoint(mlce_session *s) {
    mlce_status status = s->options->resume ? mlce_resume_open(s->output, &s->resume) : MLCE_OK;
    if (status || !s->resume) return status;
    return mlce_resume_check_config(s->resume, s->config, s->options->accept_changes);
}

/* The folder with config.ini, and no checkpoint in it but one of this configuration. */
static mlce_status start_folder(mlce_session *s) {
    if (!mlce_ranks_is_first(s->ranks)) return MLCE_OK;
    mlce_status status = mlce_folder_lock_check(s->output, s->lock);
    if (!status) status = mlce_run_folder_make(s->output);
    if (!status && s->lock < 0) {
        status = mlce_run_folder_lock(s->output, &s->lock);
        /* again, as a run may have begun and ended there while the data was read */
        if (!status)
            status = mlce_run_folder_check(s->output, s->options->force, s->options->resume);
    }
    if (!status && !s->resume) status = mlce_run_folder_drop_checkpoints(s->output);
    return status ? status : write_config(s);
}

static mlce_status describe_data(mlce_session *s) {
    s->state.blocks = mlce_blocks_describe(s->train);
    mlce_status status = mlce_split_describe(s->train, &s->state.train);
    if (!status) status = mlce_split_describe(s->dev, &s->state.dev);
    return status ? status : mlce_split_describe(s->test, &s->state.test);
}

/* On another data.dev the figures of the best do not compare: the next evaluation is the best. */
static void forget_best(mlce_session *s) {
    s->state.best_f1 = -1;
    s->state.stale = 0;
    mlce_log(
        MLCE_LOG_WARNING,
        "data.dev is not that of the evaluations so far: the next one, where there is one, makes a "
        "new %s/best.h5",
        s->output);
}

/* Weights, optimizer and state as they were, with the data as it is. */
static mlce_status go_on(mlce_session *s) {
    mlce_train_state now = s->state;
    mlce_status status =
        mlce_resume_check_data(s->resume, s->config, &now, s->train, s->options->accept_changes);
    if (!status) status = mlce_checkpoint_restore(&s->resume->file, s->model, s->adam);
    if (status) return status;
    s->state = s->resume->state;
    if (s->state.evaluations && memcmp(&s->state.dev, &now.dev, sizeof now.dev)) forget_best(s);
    s->state.train = now.train;
    s->state.dev = now.dev;
    s->state.test = now.test;
    s->state.blocks = now.blocks;
    s->saved = true;
    s->saved_step = s->state.step;
    mlce_session_say(s, "going on after step %lld (epoch %lld) of %s", (long long)s->state.step,
                     (long long)s->state.epoch + (s->state.batch > 0), s->resume->file.path);
    mlce_h5_close(&s->resume->file); /* it is about to be replaced */
    return MLCE_OK;
}

static mlce_status begin(mlce_session *s) {
    mlce_status status = prepare(s);
    if (status) return status;
    status = open_checkpoint(s);
    if (!status) status = mlce_session_open(s);
    if (!status) status = describe_data(s);
    if (!status && s->resume) status = go_on(s);
    status = mlce_ranks_agree(s->ranks, status);
    if (!status) status = mlce_same_start(s);
    if (!status) status = mlce_ranks_agree(s->ranks, start_folder(s));
    if (!status && s->resume) status = mlce_keep_return(s);
    if (!status && !s->resume && s->options->resume)
        mlce_session_say(s, "no checkpoint in %s yet: training from the beginning", s->output);
    return status;
}

/* ---- The end ---- */

/* The table of a split; *table stays NULL where the run has none. */
static mlce_status final_table(const mlce_view *view, mlce_split split, char **table, double *f1) {
    if (!view->has_metrics[split]) return MLCE_OK;
    *f1 = mlce_metrics_micro(&view->metrics[split]).f1;
    *table = mlce_metrics_table(&view->metrics[split], mlce_model_type_names(view->model));
    return *table ? MLCE_OK : MLCE_E_MEMORY;
}

static mlce_status write_result(const mlce_session *s, const mlce_train_result *r) {
    size_t size = 64 + (r->dev_table ? strlen(r->dev_table) : 0) +
                  (r->test_table ? strlen(r->test_table) : 0);
    char *text = mlce_calloc(size, 1);
    char *path = mlce_run_folder_file(s->output, "result.txt");
    mlce_status status = text && path ? MLCE_OK : MLCE_E_MEMORY;
    if (!status && (s->dev || s->test)) {
        snprintf(text, size, "%s%s%s%s%s", r->dev_table ? "dev\n" : "",
                 r->dev_table ? r->dev_table : "", r->dev_table && r->test_table ? "\n" : "",
                 r->test_table ? "test\n" : "", r->test_table ? r->test_table : "");
        status = mlce_file_write_text(path, MLCE_LINKS_REPLACED, text);
    }
    free(text);
    free(path);
    return status;
}

/* By the first rank: all have the same figures. */
static mlce_status write_end(const mlce_session *s, const mlce_view *view,
                             const mlce_train_result *r) {
    mlce_status status = MLCE_OK;
    if (mlce_ranks_is_first(s->ranks)) {
        status = mlce_folder_lock_check(s->output, s->lock);
        if (!status) status = write_result(s, r);
        if (!status) status = mlce_report_of(view);
    }
    return mlce_ranks_agree(s->ranks, status);
}

/* Tables and page of dev and test by the checkpoint as it lies on disk: what mlce-eval will print
   again. */
static mlce_status final_evaluation(mlce_session *s, mlce_train_result *r) {
    char *path = mlce_run_folder_file(s->output, "best.h5");
    mlce_model *best = NULL;
    mlce_view view = {0};
    mlce_dataset *data[] = {[MLCE_TRAIN] = s->train, [MLCE_DEV] = s->dev, [MLCE_TEST] = s->test};
    mlce_status status = path ? mlce_model_load(path, &best) : MLCE_E_MEMORY;
    status = mlce_ranks_agree(s->ranks, status);
    if (!status) mlce_model_set_ranks(best, s->ranks);
    if (!status) status = mlce_view_of(s->output, best, data, s->options, &view);
    if (!status) status = final_table(&view, MLCE_DEV, &r->dev_table, &r->dev_f1);
    if (!status) status = final_table(&view, MLCE_TEST, &r->test_table, &r->test_f1);
    if (!status) status = write_end(s, &view, r);
    mlce_view_free(&view);
    mlce_model_free(best);
    free(path);
    if (status == MLCE_E_STOPPED)
        mlce_fail(status, "stopped after the last step, before the final evaluation");
    return status;
}

static mlce_status run(mlce_session *s, mlce_train_result *result) {
    mlce_status status = begin(s);
    if (status) return status;
    s->began = mlce_seconds();
    if ((status = mlce_train_loop(s, result))) return status;
    result->task = mlce_model_task(s->model);
    result->best_f1 = s->state.best_f1;
    result->best_epoch = s->state.best_epoch;
    result->has_dev = s->dev != NULL;
    result->has_test = s->test != NULL;
    result->seconds = s->before + mlce_seconds() - s->began;
    status = final_evaluation(s, result);
    if (result->best_f1 < 0) result->best_f1 = result->dev_f1; /* finished, on another data.dev */
    return status;
}

mlce_status mlce_train(const mlce_config *config, const mlce_train_options *options,
                       mlce_train_result *result) {
    static const mlce_train_options silent = {0};
    mlce_train_result unused;
    if (!result) result = &unused;
    *result = (mlce_train_result){0};
    if (!options) options = &silent;
    bool alone = !options->ranks || options->ranks->count == 1;
    mlce_session session = {.config = config,
                            .options = options,
                            .ranks = alone ? NULL : options->ranks,
                            .output = mlce_config_string(config, "train.output"),
                            .state.best_f1 = -1,
                            .lock = -1};
    mlce_status status = run(&session, result);
    mlce_session_close(&session);
    mlce_resume_close(session.resume);
    mlce_folder_unlock(session.lock);
    if (status || result == &unused) mlce_train_result_free(result);
    return status;
}

void mlce_train_result_free(mlce_train_result *result) {
    free(result->dev_table);
    free(result->test_table);
    result->dev_table = result->test_table = NULL;
}
