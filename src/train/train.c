/* train.c - the training loop. */
#include "mlce/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "report/report.h"
#include "train/run_folder.h"
#include "train/session.h"

/* Sums since the epoch or the last evaluation began. */
typedef struct meter {
    double loss; /* summed over steps */
    int64_t steps, tokens;
    double seconds; /* spent in steps and waiting for data */
    double waiting; /* of these: for data */
} meter;

typedef struct loop {
    mlce_session *session;
    mlce_train_result *result;
    int64_t epochs, steps; /* planned */
    int64_t eval_steps, patience;
    meter epoch, evaluation, run;
    double resumed; /* when the clock of the meters was last started */
    bool saved;     /* at least once: what a run before left in the folder is gone */
    bool stop;
} loop;

static double mean_loss(const meter *m) {
    return m->steps ? m->loss / (double)m->steps : 0;
}

static double speed(const meter *m) {
    return m->seconds > 0 ? (double)m->tokens / m->seconds : 0;
}

static void add_to(meter *m, double loss, int tokens, double seconds, double waiting) {
    m->loss += loss;
    m->tokens += tokens;
    m->seconds += seconds;
    m->waiting += waiting;
    m->steps++;
}

/* The first sequences of a batch, for a message: "3, 17, 4, ..." */
static void list_sequences(const mlce_batch *batch, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int b = 0; b < batch->sequences && used + 32 < size; b++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", b ? ", " : "",
                                 (long long)batch->ids[b]);
}

static mlce_status name_step(mlce_status status, const loop *l, const mlce_batch *batch) {
    if (status != MLCE_E_NUMERIC) return status;
    char sequences[256];
    list_sequences(batch, sequences, sizeof sequences);
    return mlce_fail_prefix(status, "step %lld (sequences %s of data.train): ",
                            (long long)l->session->state.step + 1, sequences);
}

static mlce_status loss_not_finite(const mlce_batch *batch, double loss) {
    float largest = 0;
    for (size_t i = 0; i < (size_t)batch->tokens * (size_t)batch->width; i++)
        largest = fmaxf(largest, fabsf(batch->embeddings[i]));
    if (largest > 1e4f)
        return mlce_fail(
            MLCE_E_NUMERIC,
            "the loss is %g: the embeddings have numbers as large as %g; scale them to "
            "about 1",
            loss, (double)largest);
    return mlce_fail(MLCE_E_NUMERIC, "the loss is %g: lower optim.lr or set optim.clip_norm", loss);
}

/* Forward, backward, Adam. */
static mlce_status train_step(loop *l, const mlce_batch *batch, double *loss_value) {
    mlce_session *s = l->session;
    mlce_graph *g = s->graph;
    mlce_graph_reset(g);
    mlce_graph_set_random(g, (uint64_t)mlce_config_int(s->config, "train.seed"),
                          (uint64_t)s->state.step);
    mlce_output output = mlce_model_forward(s->model, g, batch);
    mlce_node *loss = mlce_model_loss(s->model, g, &output, batch);
    mlce_status status = mlce_graph_status(g);
    if (status) return status;
    *loss_value = loss->value[0];
    if (!isfinite(*loss_value)) return loss_not_finite(batch, *loss_value);
    if ((status = mlce_backward(g, loss))) return status;
    return mlce_adam_step(s->adam, mlce_learning_rate(&s->schedule, s->state.step), NULL);
}

static void report_progress(const loop *l, int64_t epoch) {
    const mlce_session *s = l->session;
    if (!s->options->progress) return;
    double per_step = l->run.steps ? l->run.seconds / (double)l->run.steps : 0;
    mlce_train_progress progress = {
        .task = mlce_model_task(s->model),
        .epoch = epoch + 1,
        .epochs = l->epochs,
        .step = s->state.step,
        .steps = l->steps,
        .loss = mean_loss(&l->epoch),
        .lr = mlce_learning_rate(&s->schedule, s->state.step - 1),
        .tokens_per_second = speed(&l->epoch),
        .seconds_left =
            per_step * (double)(l->steps > s->state.step ? l->steps - s->state.step : 0),
    };
    s->options->progress(&progress, s->options->context);
}

static mlce_status save(const mlce_session *s, const char *name) {
    char *path = mlce_run_folder_file(s->output, name);
    if (!path) return MLCE_E_MEMORY;
    mlce_status status = mlce_checkpoint_write(path, s->model, s->adam, &s->state);
    free(path);
    return status;
}

static mlce_status evaluate_dev(mlce_session *s, mlce_train_evaluation *e) {
    mlce_metrics metrics;
    mlce_status status =
        mlce_metrics_init(&metrics, mlce_model_task(s->model), mlce_model_types(s->model));
    if (status) return status;
    status = mlce_evaluate(s->model, s->dev, &metrics, &e->dev_loss);
    e->micro = mlce_metrics_micro(&metrics);
    e->macro = mlce_metrics_macro(&metrics);
    mlce_metrics_free(&metrics);
    return status;
}

/* A higher F1, or the same with a lower loss. Without dev the last is the best. */
static bool is_best(const mlce_session *s, const mlce_train_evaluation *e) {
    const mlce_train_state *best = &s->state;
    return !s->dev || e->micro.f1 > best->best_f1 ||
           (e->micro.f1 == best->best_f1 && e->dev_loss < best->best_loss);
}

/* Evaluates on dev, saves, and decides whether to go on. */
static mlce_status evaluate_weights(loop *l, int64_t epoch) {
    mlce_session *s = l->session;
    mlce_train_evaluation e = {
        .task = mlce_model_task(s->model),
        .epoch = epoch + 1,
        .step = s->state.step,
        .has_dev = s->dev != NULL,
        .train_loss = mean_loss(&l->evaluation),
        .tokens_per_second = speed(&l->evaluation),
        .waiting = l->evaluation.seconds > 0 ? l->evaluation.waiting / l->evaluation.seconds : 0,
    };
    mlce_status status = s->dev ? evaluate_dev(s, &e) : MLCE_OK;
    if (status) return status;
    e.best = is_best(s, &e);
    e.seconds = mlce_seconds() - s->began;
    if (!l->saved) status = mlce_run_folder_clear(s->output);
    if (status) return status;
    l->saved = true;
    if (e.best) {
        s->state.best_f1 = e.micro.f1;
        s->state.best_loss = e.dev_loss;
        s->state.stale = 0;
        l->result->best_epoch = epoch + 1;
        status = save(s, "best.h5");
    } else {
        s->state.stale++;
    }
    if (!status) status = save(s, "last.h5");
    if (!status) status = mlce_run_folder_log(s->output, &e);
    if (status) return status;
    if (s->options->evaluated) s->options->evaluated(&e, s->options->context);
    l->evaluation = (meter){0};
    l->stop = l->patience > 0 && s->state.stale >= l->patience;
    return MLCE_OK;
}

/* The same of the weights' average, where there is one. */
static mlce_status evaluate(loop *l, int64_t epoch) {
    mlce_adam_exchange_average(l->session->adam);
    mlce_status status = evaluate_weights(l, epoch);
    mlce_adam_exchange_average(l->session->adam);
    return status;
}

static mlce_status train_epoch(loop *l, int64_t epoch) {
    mlce_session *s = l->session;
    l->epoch = (meter){0};
    l->resumed = mlce_seconds();
    while (!l->stop) {
        const mlce_batch *batch;
        double loss;
        mlce_status status = mlce_batcher_next(s->batcher, &batch);
        if (status || !batch) return status;
        double waiting = mlce_seconds() - l->resumed;
        if ((status = train_step(l, batch, &loss))) return name_step(status, l, batch);
        double now = mlce_seconds(), seconds = now - l->resumed;
        l->resumed = now;
        add_to(&l->epoch, loss, batch->tokens, seconds, waiting);
        add_to(&l->evaluation, loss, batch->tokens, seconds, waiting);
        add_to(&l->run, loss, batch->tokens, seconds, waiting);
        s->state.step++;
        report_progress(l, epoch);
        if (l->eval_steps && s->state.step % l->eval_steps == 0) {
            if ((status = evaluate(l, epoch))) return status;
            l->resumed = mlce_seconds();
        }
    }
    return MLCE_OK;
}

static void warn_of_long_warmup(const mlce_session *s) {
    if (s->schedule.warmup > s->schedule.total)
        mlce_log(MLCE_LOG_WARNING,
                 "optim.warmup = %lld steps, the run has %lld: the learning rate will not reach "
                 "optim.lr",
                 (long long)s->schedule.warmup, (long long)s->schedule.total);
}

static mlce_status train_all(loop *l) {
    mlce_session *s = l->session;
    for (int64_t epoch = 0; epoch < l->epochs && !l->stop; epoch++) {
        mlce_status status = mlce_batcher_start(s->batcher, epoch);
        if (status) return status;
        if (epoch == 0) {
            /* batches limited by tokens vary in number: the first epoch's speak for all */
            l->steps = l->epochs * mlce_batcher_count(s->batcher);
            s->schedule = mlce_schedule_options_from(s->config, l->steps);
            warn_of_long_warmup(s);
        }
        if ((status = train_epoch(l, epoch))) return status;
        s->state.epoch = epoch + 1;
        bool last = epoch + 1 == l->epochs && l->evaluation.steps > 0;
        if (!l->stop && (!l->eval_steps || last) && (status = evaluate(l, epoch))) return status;
    }
    return MLCE_OK;
}

/* The table of a split by the best checkpoint. */
static mlce_status final_table(mlce_model *best, mlce_dataset *data, char **table, double *f1) {
    mlce_metrics metrics;
    mlce_status status = mlce_metrics_init(&metrics, mlce_model_task(best), mlce_model_types(best));
    if (status) return status;
    status = mlce_evaluate(best, data, &metrics, NULL);
    if (!status) {
        *f1 = mlce_metrics_micro(&metrics).f1;
        *table = mlce_metrics_table(&metrics, mlce_model_type_names(best));
        if (!*table) status = MLCE_E_MEMORY;
    }
    mlce_metrics_free(&metrics);
    return status;
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
        status = mlce_file_write_text(path, text);
    }
    free(text);
    free(path);
    return status;
}

/* Dev and test by the checkpoint as it lies on disk: what mlce-eval will print again. */
static mlce_status final_evaluation(mlce_session *s, mlce_train_result *r) {
    char *path = mlce_run_folder_file(s->output, "best.h5");
    mlce_model *best = NULL;
    mlce_status status = path ? mlce_model_load(path, &best) : MLCE_E_MEMORY;
    if (!status && s->dev) status = final_table(best, s->dev, &r->dev_table, &r->dev_f1);
    if (!status && s->test) status = final_table(best, s->test, &r->test_table, &r->test_f1);
    if (!status) status = write_result(s, r);
    mlce_dataset *data[] = {[MLCE_TRAIN] = s->train, [MLCE_DEV] = s->dev, [MLCE_TEST] = s->test};
    if (!status) status = mlce_report_of(s->output, best, data);
    mlce_model_free(best);
    free(path);
    return status;
}

static mlce_status write_config(const mlce_session *s) {
    char *text = mlce_config_to_ini(s->config);
    char *path = mlce_run_folder_file(s->output, "config.ini");
    mlce_status status = text && path ? mlce_file_write_text(path, text) : MLCE_E_MEMORY;
    free(text);
    free(path);
    return status;
}

static mlce_status run(mlce_session *s, mlce_train_result *result) {
    mlce_status status = mlce_session_open(s);
    if (!status) status = mlce_run_folder_make(s->output);
    if (!status) status = write_config(s);
    if (status) return status;
    s->began = mlce_seconds();
    loop l = {
        .session = s,
        .result = result,
        .epochs = mlce_config_int(s->config, "train.epochs"),
        .eval_steps = mlce_config_int(s->config, "train.eval_steps"),
        .patience = s->dev ? mlce_config_int(s->config, "train.patience") : 0,
    };
    if ((status = train_all(&l))) return status;
    result->task = mlce_model_task(s->model);
    result->steps = s->state.step;
    result->epochs = s->state.epoch;
    result->tokens_per_second = speed(&l.run);
    result->best_f1 = s->state.best_f1;
    result->stopped_early = l.stop;
    result->has_dev = s->dev != NULL;
    result->has_test = s->test != NULL;
    result->seconds = mlce_seconds() - s->began;
    return final_evaluation(s, result);
}

mlce_status mlce_train(const mlce_config *config, const mlce_train_options *options,
                       mlce_train_result *result) {
    static const mlce_train_options silent = {0};
    mlce_train_result unused;
    if (!result) result = &unused;
    *result = (mlce_train_result){0};
    mlce_session session = {.config = config, .options = options ? options : &silent};
    mlce_status status = run(&session, result);
    mlce_session_close(&session);
    if (status || result == &unused) mlce_train_result_free(result);
    return status;
}

void mlce_train_result_free(mlce_train_result *result) {
    free(result->dev_table);
    free(result->test_table);
    result->dev_table = result->test_table = NULL;
}
