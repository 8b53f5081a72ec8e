/* keep.c - the checkpoints that a run leaves in its folder as it goes. */
#include "train/keep.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/folder_lock.h"
#include "data/hdf5_walk.h"
#include "train/run_folder.h"

static mlce_status write_as(const mlce_session *s, const char *name, const char *problem) {
    char *path = mlce_run_folder_file(s->output, name);
    if (!path) return MLCE_E_MEMORY;
    mlce_status status = mlce_folder_lock_check(s->output, s->lock);
    if (!status) status = mlce_checkpoint_write(path, s->model, s->adam, &s->state, problem);
    if (!status) mlce_h5_walk_skip(path);
    free(path);
    return status;
}

/* Before anything is written: the folder is this run's, and so is what is in it. */
static mlce_status claim_folder(const mlce_session *s) {
    mlce_status status = mlce_folder_lock_check(s->output, s->lock);
    return status || s->saved ? status : mlce_run_folder_clear(s->output);
}

/* step-N.h5 comes before last.h5: then one that is behind it is of a run that was killed here, and
   is made again. The average, where there is one, is in the model. */
static mlce_status write_last(mlce_session *s) {
    int64_t keep = mlce_config_int(s->config, "train.keep_last");
    char name[40];
    snprintf(name, sizeof name, "step-%lld.h5", (long long)s->state.step);
    mlce_status status = claim_folder(s);
    if (!status && keep > 0) status = write_as(s, name, NULL);
    if (!status) status = write_as(s, "last.h5", NULL);
    if (!status && s->state.evaluations == 0) status = mlce_run_folder_remove(s->output, "best.h5");
    return status ? status : mlce_run_folder_prune(s->output, s->state.step, keep);
}

/* What all ranks know after the first one has written. */
static mlce_status saved(mlce_session *s, mlce_status status) {
    status = mlce_ranks_agree(s->ranks, status);
    if (status) return status;
    s->saved = true;
    s->saved_step = s->state.step;
    s->saved_at = mlce_seconds();
    return MLCE_OK;
}

mlce_status mlce_keep_last(mlce_session *s) {
    mlce_adam_exchange_average(s->adam);
    mlce_status status = mlce_ranks_is_first(s->ranks) ? write_last(s) : MLCE_OK;
    mlce_adam_exchange_average(s->adam);
    return saved(s, status);
}

/* While the average is not exchanged. */
static mlce_status write_now(mlce_session *s, const char *name, const char *problem) {
    mlce_adam_exchange_average(s->adam);
    mlce_status status = write_as(s, name, problem);
    mlce_adam_exchange_average(s->adam);
    return status;
}

mlce_status mlce_keep_problem(mlce_session *s, const char *problem) {
    bool is_first = mlce_ranks_is_first(s->ranks);
    return mlce_ranks_agree(s->ranks, is_first ? write_now(s, "nan.h5", problem) : MLCE_OK);
}

static mlce_status write_evaluation(mlce_session *s, const mlce_train_evaluation *e) {
    mlce_status status = claim_folder(s);
    if (!status) status = mlce_run_folder_log(s->output, e);
    if (status) return status;
    s->saved = true;               /* the line is the first of this run's */
    if (s->state.evaluations == 1) /* best.h5 is another run's, and may have the same step */
        status = mlce_run_folder_remove(s->output, "best.h5");
    if (!status) status = write_last(s);
    return !status && e->best ? write_as(s, "best.h5", NULL) : status;
}

/* By all ranks, once the first has written best.h5: they read it at the end, and a walk would fork,
   which with MPI they must not. */
static void trust_best(const mlce_session *s) {
    char *path = mlce_run_folder_file(s->output, "best.h5");
    if (path) mlce_h5_walk_skip(path);
    free(path);
}

mlce_status mlce_keep_evaluation(mlce_session *s, const mlce_train_evaluation *e) {
    mlce_status status = mlce_ranks_is_first(s->ranks) ? write_evaluation(s, e) : MLCE_OK;
    status = saved(s, status);
    if (!status && e->best) trust_best(s);
    return status;
}

bool mlce_keep_is_due(const mlce_session *s, bool over) {
    int64_t steps = mlce_config_int(s->config, "train.save_steps");
    if (s->saved_step == s->state.step) return false;
    return over || (steps > 0 && s->state.step % steps == 0);
}

/* ---- Going back to a checkpoint ---- */

/* The step of best.h5; -1 where there is none, or none that can be read. */
static mlce_status step_of_best(const mlce_session *s, int64_t *step) {
    mlce_h5 file = {0};
    char *path = mlce_run_folder_file(s->output, "best.h5");
    *step = -1;
    if (!path) return MLCE_E_MEMORY;
    if (mlce_h5_open(path, &file) || mlce_h5_read_integer(&file, "/", "step", step)) *step = -1;
    mlce_h5_close(&file);
    free(path);
    return MLCE_OK;
}

/* Of a best.h5 of step `best` (-1: none) that cannot be made again from last.h5. */
static void warn_of_best(const mlce_session *s, int64_t best) {
    const char *run = s->output;
    long long step = s->state.best_step;
    if (best >= 0)
        mlce_log(MLCE_LOG_WARNING,
                 "%s/best.h5 is not the checkpoint of step %lld, the best before the one that the "
                 "run goes on from: it stays until there is a better one",
                 run, step);
    else
        mlce_log(MLCE_LOG_WARNING,
                 "%s/best.h5, the checkpoint of step %lld, is gone or cannot be read: the next "
                 "better one takes its place; to put the last one there: cp %s/last.h5 %s/best.h5",
                 run, step, run, run);
}

/* Of the first rank. last.h5 comes before the step-N.h5 that stood for it may go. */
static mlce_status go_back(mlce_session *s) {
    const mlce_train_state *state = &s->state;
    int64_t best, keep = mlce_config_int(s->config, "train.keep_last");
    mlce_status status = mlce_folder_lock_check(s->output, s->lock);
    if (!status && !mlce_run_folder_has(s->output, "last.h5"))
        status = write_now(s, "last.h5", NULL);
    if (!status) status = mlce_run_folder_trim_log(s->output, state->evaluations, &s->before);
    if (!status) status = mlce_run_folder_prune(s->output, state->step, keep);
    if (!status) status = mlce_run_folder_remove(s->output, "result.txt");
    if (!status && state->evaluations == 0)
        return mlce_run_folder_remove(s->output, "best.h5"); /* another run's */
    if (!status) status = step_of_best(s, &best);
    if (status || best == state->best_step) return status;
    if (state->best_step == state->step) return write_now(s, "best.h5", NULL);
    warn_of_best(s, best);
    return MLCE_OK;
}

mlce_status mlce_keep_return(mlce_session *s) {
    mlce_status status = mlce_ranks_is_first(s->ranks) ? go_back(s) : MLCE_OK;
    status = mlce_ranks_agree(s->ranks, status);
    /* then the first rank has read it, or written it */
    bool is_read = s->state.evaluations > 0 && s->state.best_step == s->state.step;
    if (!status && is_read) trust_best(s);
    return status;
}
