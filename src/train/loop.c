/* loop.c - the epochs of a run: steps, evaluations, checkpoints. */
#include "train/loop.h"

#include "train/evaluate.h"
#include "train/keep.h"
#include "train/same.h"
#include "train/step.h"

/* Of this process. */
typedef struct speed_meter {
    int64_t tokens, steps;
    double seconds; /* spent in steps and waiting for data */
    double waiting; /* of these: for data */
} speed_meter;

typedef struct loop {
    mlce_session *session;
    int64_t epochs, steps; /* planned */
    int64_t eval_steps, patience;
    speed_meter epoch, interval, run;
    double resumed; /* when the clock of the meters was last started */
    bool stop;      /* train.patience is over */
} loop;

static double mean_loss(const mlce_loss_meter *m) {
    return m->steps ? m->loss / (double)m->steps : 0;
}

static double speed(const speed_meter *m) {
    return m->seconds > 0 ? (double)m->tokens / m->seconds : 0;
}

static double waited(const speed_meter *m) {
    return m->seconds > 0 ? m->waiting / m->seconds : 0;
}

static void count_step(speed_meter *m, int64_t tokens, double seconds, double waiting) {
    m->waiting += waiting;
    m->tokens += tokens;
    m->seconds += seconds;
    m->steps++;
}

static void count_loss(mlce_loss_meter *m, double loss) {
    m->loss += loss;
    m->steps++;
}

static void report_progress(const loop *l) {
    const mlce_session *s = l->session;
    if (!s->options->progress) return;
    double per_step = l->run.steps ? l->run.seconds / (double)l->run.steps : 0;
    mlce_train_progress progress = {
        .task = mlce_model_task(s->model),
        .epoch = s->state.epoch + 1,
        .epochs = l->epochs,
        .step = s->state.step,
        .steps = l->steps,
        .loss = mean_loss(&s->state.in_epoch),
        .lr = mlce_learning_rate(&s->schedule, s->state.step - 1),
        .tokens_per_second = speed(&l->epoch),
        .waiting = waited(&l->epoch),
        .seconds_left =
            per_step * (double)(l->steps > s->state.step ? l->steps - s->state.step : 0),
    };
    s->options->progress(&progress, s->options->context);
}

/* ---- Evaluation ---- */

static mlce_status evaluate_dev(mlce_session *s, mlce_train_evaluation *e) {
    mlce_metrics metrics;
    mlce_status status =
        mlce_metrics_init(&metrics, mlce_model_task(s->model), mlce_model_types(s->model));
    status = mlce_ranks_agree(s->ranks, status);
    if (!status) status = mlce_evaluate_until(s->model, s->dev, &metrics, &e->dev_loss, s->options);
    e->micro = mlce_metrics_micro(&metrics);
    e->macro = mlce_metrics_macro(&metrics);
    mlce_metrics_free(&metrics);
    return status;
}

/* Scores that are not finite come of the weights, or of dev's embeddings. */
static void name_cause(const mlce_session *s) {
    long long step = (long long)s->state.step;
    const char *bad = mlce_find_bad_parameter(mlce_model_parameters(s->model));
    if (bad)
        mlce_fail(MLCE_E_NUMERIC, "step %lld: a number of %s is not finite: lower optim.lr", step,
                  bad);
    else
        mlce_fail_prefix(MLCE_E_NUMERIC, "step %lld, data.dev: ", step);
}

/* A higher F1, or the same with a lower loss. Without dev the last is the best. */
static bool is_best(const mlce_session *s, const mlce_train_evaluation *e) {
    const mlce_train_state *best = &s->state;
    return !s->dev || e->micro.f1 > best->best_f1 ||
           (e->micro.f1 == best->best_f1 && e->dev_loss < best->best_loss);
}

/* The state after the evaluation. */
static void note_evaluation(mlce_train_state *state, const mlce_train_evaluation *e) {
    state->evaluations++;
    state->evaluated = e->step;
    state->in_interval = (mlce_loss_meter){0};
    state->stale++;
    if (!e->best) return;
    state->stale = 0;
    state->best_f1 = e->micro.f1;
    state->best_loss = e->dev_loss;
    state->best_epoch = e->epoch;
    state->best_step = e->step;
}

/* Evaluates on dev, saves, and decides whether to go on. */
static mlce_status evaluate_weights(loop *l) {
    mlce_session *s = l->session;
    mlce_train_evaluation e = {
        .task = mlce_model_task(s->model),
        .epoch = s->state.batch ? s->state.epoch + 1 : s->state.epoch,
        .step = s->state.step,
        .has_dev = s->dev != NULL,
        .train_loss = mean_loss(&s->state.in_interval),
        .tokens_per_second = speed(&l->interval),
        .waiting = waited(&l->interval),
    };
    mlce_status status = mlce_same_weights(s);
    if (!status && s->dev) status = evaluate_dev(s, &e);
    if (status == MLCE_E_NUMERIC) name_cause(s);
    if (status) return status;
    e.best = is_best(s, &e);
    e.seconds = s->before + mlce_seconds() - s->began;
    note_evaluation(&s->state, &e);
    if ((status = mlce_keep_evaluation(s, &e))) return status;
    if (s->options->evaluated) s->options->evaluated(&e, s->options->context);
    l->interval = (speed_meter){0};
    l->stop = l->patience > 0 && s->state.stale >= l->patience;
    return MLCE_OK;
}

/* Every train.eval_steps, or at the end of each epoch, and when the run is over, which may be in
   the midst of an epoch where it is resumed with fewer. */
static bool evaluation_is_due(const loop *l) {
    const mlce_train_state *state = &l->session->state;
    if (state->step == 0 || state->evaluated == state->step) return false;
    if (state->epoch >= l->epochs) return true;
    return l->eval_steps > 0 ? state->step % l->eval_steps == 0 : state->batch == 0;
}

/* Of the weights' average, where there is one. */
static mlce_status evaluate_if_due(loop *l) {
    if (!evaluation_is_due(l)) return MLCE_OK;
    mlce_adam_exchange_average(l->session->adam);
    mlce_status status = evaluate_weights(l);
    mlce_adam_exchange_average(l->session->adam);
    l->resumed = mlce_seconds();
    return status == MLCE_E_NUMERIC ? mlce_stop_not_finite(l->session, "that were evaluated")
                                    : status;
}

/* ---- Steps ---- */

static void count_speed(loop *l, const mlce_step *step, double waiting) {
    double now = mlce_seconds(), seconds = now - l->resumed;
    l->resumed = now;
    count_step(&l->epoch, step->tokens, seconds, waiting);
    count_step(&l->interval, step->tokens, seconds, waiting);
    count_step(&l->run, step->tokens, seconds, waiting);
}

static mlce_status do_step(loop *l, const mlce_batch *batch, mlce_status read) {
    mlce_session *s = l->session;
    double waiting = mlce_seconds() - l->resumed;
    mlce_step step;
    mlce_status status = mlce_train_step(s, batch, read, &step);
    if (status) return status;
    count_speed(l, &step, waiting + step.waiting);
    s->state.batch += step.batches;
    if (!step.skipped) {
        count_loss(&s->state.in_epoch, step.loss);
        count_loss(&s->state.in_interval, step.loss);
    }
    report_progress(l);
    if (step.stop || (!s->ranks && mlce_wants_stop(s->options))) return MLCE_E_STOPPED;
    if ((status = evaluate_if_due(l))) return status;
    if (!mlce_keep_is_due(s, step.save)) return MLCE_OK;
    status = mlce_keep_last(s);
    l->resumed = mlce_seconds();
    return status;
}

/* From state.batch on; the epoch is over unless l->stop. */
static mlce_status train_epoch(loop *l) {
    mlce_session *s = l->session;
    mlce_status status = mlce_batcher_start_at(s->batcher, s->state.epoch, s->state.batch);
    if ((status = mlce_ranks_agree(s->ranks, status))) return status;
    l->epoch = (speed_meter){0};
    l->resumed = mlce_seconds();
    while (!l->stop) {
        const mlce_batch *batch;
        status = mlce_batcher_next(s->batcher, &batch);
        if (!status && !batch) {
            s->state.epoch++;
            s->state.batch = 0;
            s->state.in_epoch = (mlce_loss_meter){0};
            return evaluate_if_due(l);
        }
        if ((status = do_step(l, batch, status))) return status;
    }
    return MLCE_OK;
}

/* ---- The run ---- */

static void warn_of_long_warmup(const mlce_session *s) {
    if (s->schedule.warmup > s->schedule.total)
        mlce_log(MLCE_LOG_WARNING,
                 "optim.warmup = %lld steps, the run has %lld: the learning rate will not reach "
                 "optim.lr",
                 (long long)s->schedule.warmup, (long long)s->schedule.total);
}

/* Batches limited by tokens vary in number: the first epoch's speak for all. Where changes were
   accepted they are counted again. */
static mlce_status plan_steps(loop *l) {
    mlce_session *s = l->session;
    bool again = s->resume && s->options->accept_changes;
    if (s->state.batches == 0 || again) {
        mlce_status status = mlce_batcher_start(s->batcher, 0);
        if (status) return status;
        s->state.batches = mlce_batcher_count(s->batcher);
    }
    if (again) mlce_resume_note_batches(s->resume, s->config, s->state.batches);
    l->steps = l->epochs * mlce_steps_an_epoch(s->config, s->state.batches);
    s->schedule = mlce_schedule_options_from(s->config, l->steps);
    warn_of_long_warmup(s);
    return MLCE_OK;
}

/* Where changes were accepted, the epoch in which the run stopped may have fewer batches now. */
static mlce_status fit_epoch(mlce_session *s) {
    if (!s->options->accept_changes || s->state.batch == 0) return MLCE_OK;
    mlce_status status = mlce_batcher_start(s->batcher, s->state.epoch);
    int64_t count = status ? 0 : mlce_batcher_count(s->batcher);
    if (status || s->state.batch <= count) return status;
    mlce_log(MLCE_LOG_WARNING,
             "the run goes on behind batch %lld of epoch %lld, which has %lld now: it is over",
             (long long)s->state.batch, (long long)s->state.epoch + 1, (long long)count);
    s->state.epoch++;
    s->state.batch = 0;
    s->state.in_epoch = (mlce_loss_meter){0};
    return MLCE_OK;
}

static mlce_status train_all(loop *l) {
    mlce_session *s = l->session;
    mlce_status status = plan_steps(l);
    if (!status) status = fit_epoch(s);
    if (!status && mlce_wants_stop(s->options)) status = MLCE_E_STOPPED;
    if ((status = mlce_ranks_agree(s->ranks, status))) return status;
    if ((status = evaluate_if_due(l))) return status; /* where the run was stopped before one */
    while (s->state.epoch < l->epochs && !l->stop)
        if ((status = train_epoch(l))) return status;
    return MLCE_OK;
}

static mlce_status save_and_stop(const loop *l) {
    mlce_session *s = l->session;
    if (s->saved_step != s->state.step) {
        mlce_status status = mlce_keep_last(s);
        if (status) return status;
    }
    if (!s->saved)
        return mlce_fail(MLCE_E_STOPPED, "stopped before the first of %lld steps",
                         (long long)l->steps);
    return mlce_fail(MLCE_E_STOPPED, "stopped after step %lld of %lld, saved in %s/last.h5",
                     (long long)s->state.step, (long long)l->steps, s->output);
}

mlce_status mlce_train_loop(mlce_session *s, mlce_train_result *result) {
    loop l = {
        .session = s,
        .epochs = mlce_config_int(s->config, "train.epochs"),
        .eval_steps = mlce_config_int(s->config, "train.eval_steps"),
        .patience = s->dev ? mlce_config_int(s->config, "train.patience") : 0,
    };
    l.stop = l.patience > 0 && s->state.stale >= l.patience;
    s->saved_at = mlce_seconds();
    int64_t step = s->state.step, evaluations = s->state.evaluations;
    mlce_status status = train_all(&l);
    if (status == MLCE_E_STOPPED) return save_and_stop(&l);
    result->steps = s->state.step;
    result->epochs = s->state.epoch + (s->state.batch > 0);
    result->tokens_per_second = speed(&l.run);
    result->stopped_early = l.stop;
    result->was_finished = s->saved && s->state.step == step && s->state.evaluations == evaluations;
    return status;
}
