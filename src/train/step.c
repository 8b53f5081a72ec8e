/* step.c - one step of training, and what is done about a loss that is not finite. */
#include "train/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlce/memory.h"
#include "train/keep.h"

/* The sequences of a batch, for a message: "3, 17, 4, ..." */
static void list_sequences(const mlce_batch *batch, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int b = 0; b < batch->sequences; b++) {
        if (used + 32 >= size) {
            snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%lld", b ? ", " : "",
                                 (long long)batch->ids[b]);
    }
}

/* `batch` NULL: it is not known which it was. */
static mlce_status name_step(mlce_status status, const mlce_session *s, const mlce_batch *batch) {
    char sequences[512];
    long long step = (long long)s->state.step + 1;
    if (!batch) return mlce_fail_prefix(status, "step %lld: ", step);
    list_sequences(batch, sequences, sizeof sequences);
    return mlce_fail_prefix(status, "step %lld (sequences %s of data.train): ", step, sequences);
}

const char *mlce_find_bad_parameter(const mlce_parameters *parameters) {
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        size_t size = (size_t)parameter->rows * (size_t)parameter->cols;
        for (size_t i = 0; i < size; i++)
            if (!isfinite(parameter->value[i])) return parameter->name;
    }
    return NULL;
}

static mlce_status loss_not_finite(const mlce_session *s, const mlce_batch *batch, double loss) {
    const char *bad = mlce_find_bad_parameter(mlce_model_parameters(s->model));
    if (bad)
        return mlce_fail(MLCE_E_NUMERIC, "the loss is %g, and so is a number of %s: lower optim.lr",
                         loss, bad);
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

/* ---- Gradients ---- */

/* A step while it is taken. */
typedef struct gathering {
    mlce_session *session;
    mlce_step *step;
    double unit;      /* sequences of the whole first batch: its gradient has weight 1 */
    double sequences; /* of whole batches */
    double loss;      /* of this rank, summed over sequences */
} gathering;

static mlce_status add_gradient(gathering *to, const mlce_batch *batch, bool last) {
    mlce_session *s = to->session;
    mlce_graph *g = s->graph;
    double weight = batch->sequences / to->unit;
    mlce_output output = mlce_model_forward(s->model, g, batch);
    mlce_node *loss = mlce_model_loss(s->model, g, &output, batch);
    mlce_status status = mlce_graph_status(g);
    if (status) return status;
    double value = loss->value[0];
    if (!isfinite(value)) return name_step(loss_not_finite(s, batch, value), s, batch);
    to->loss += value * batch->sequences;
    if (weight != 1) loss = mlce_scale(g, loss, (float)weight);
    mlce_graph_set_ready(g, last && s->reducer ? mlce_reducer_ready : NULL, s->reducer);
    return mlce_backward(g, loss);
}

/* Adds a batch, or this rank's part of it, to the gradients; after a failure it is passed over. */
static mlce_status add_batch(gathering *to, const mlce_batch *batch, mlce_status before) {
    mlce_session *s = to->session;
    mlce_step *step = to->step;
    int64_t most = mlce_config_int(s->config, "train.accumulate");
    to->sequences += batch->part ? batch->part->sequences : batch->sequences;
    if (step->batches == 0) to->unit = to->sequences;
    step->tokens += batch->part ? batch->part->tokens : batch->tokens;
    int64_t number = step->batches++;
    if (before || batch->sequences == 0) return before;
    bool last =
        step->batches == most || s->state.batch + step->batches == mlce_batcher_count(s->batcher);
    mlce_graph_reset(s->graph);
    mlce_graph_set_random(s->graph, (uint64_t)mlce_config_int(s->config, "train.seed"),
                          (uint64_t)(s->state.step * most + number));
    return add_gradient(to, batch, last);
}

/* Of all the step's batches. */
static mlce_status add_batches(gathering *to, const mlce_batch *batch) {
    mlce_session *s = to->session;
    int64_t most = mlce_config_int(s->config, "train.accumulate");
    mlce_status status = MLCE_OK;
    while (batch) {
        status = add_batch(to, batch, status);
        batch = NULL;
        if (to->step->batches == most) break;
        double began = mlce_seconds();
        mlce_status read = mlce_batcher_next(s->batcher, &batch);
        to->step->waiting += mlce_seconds() - began;
        if (read) return read;
    }
    return status;
}

/* Of all ranks: every one comes here in each step, whatever has happened to it. */
static mlce_status share(gathering *of, mlce_status status) {
    mlce_session *s = of->session;
    double save_after = 60 * mlce_config_float(s->config, "train.save_minutes");
    bool save = save_after > 0 && mlce_ranks_is_first(s->ranks) &&
                mlce_seconds() - s->saved_at >= save_after;
    double all[] = {status != MLCE_OK, of->loss, 0, save};
    if (s->ranks) {
        all[2] = mlce_wants_stop(s->options);
        mlce_status sent = mlce_reducer_finish(s->reducer);
        if (!sent) sent = s->ranks->sum(s->ranks->context, all, sizeof all / sizeof *all);
        if (sent) return sent;
        if (all[0] > 0) status = mlce_ranks_explain(s->ranks, status, (int)all[0]);
    }
    of->step->loss = all[1] / of->sequences;
    of->step->stop = all[2] > 0;
    of->step->save = all[3] > 0;
    return status;
}

static mlce_status take_step(mlce_session *s, const mlce_batch *batch, mlce_status read,
                             mlce_step *step) {
    mlce_parameters *parameters = mlce_model_parameters(s->model);
    gathering of = {.session = s, .step = step};
    mlce_status status = share(&of, read ? read : add_batches(&of, batch));
    if (status) return status;
    if (of.sequences != of.unit)
        mlce_parameters_scale_grads(parameters, (float)(of.unit / of.sequences));
    status = mlce_adam_step(s->adam, mlce_learning_rate(&s->schedule, s->state.step), NULL);
    bool alone = step->batches == 1 && !batch->part;
    return status ? name_step(status, s, alone ? batch : NULL) : MLCE_OK;
}

/* ---- Numbers that are not finite ---- */

mlce_status mlce_stop_not_finite(mlce_session *s, const char *which) {
    char *problem = mlce_strdup(mlce_last_error());
    if (!problem) return MLCE_E_NUMERIC;
    mlce_status saved = mlce_keep_problem(s, problem);
    if (saved)
        mlce_log(MLCE_LOG_WARNING, "%s", mlce_last_error());
    else
        mlce_log(MLCE_LOG_INFO, "%s/nan.h5 has the weights %s", s->output, which);
    mlce_fail(MLCE_E_NUMERIC, "%s", problem);
    free(problem);
    return MLCE_E_NUMERIC;
}

mlce_status mlce_train_step(mlce_session *s, const mlce_batch *batch, mlce_status read,
                            mlce_step *step) {
    *step = (mlce_step){0};
    mlce_status status = take_step(s, batch, read, step);
    if (status == MLCE_E_NUMERIC) {
        long long most = mlce_config_int(s->config, "train.most_skips");
        if (strcmp(mlce_config_string(s->config, "train.on_nan"), "skip"))
            return mlce_stop_not_finite(s, "before the step");
        if (s->state.skipped >= most) {
            mlce_fail_prefix(status,
                             "%lld steps were skipped, train.most_skips allows no more: ", most);
            return mlce_stop_not_finite(s, "before the step");
        }
        s->state.skipped++;
        mlce_log(MLCE_LOG_WARNING, "%s; skipped, %lld of %lld that train.most_skips allows",
                 mlce_last_error(), (long long)s->state.skipped, most);
        mlce_parameters_clear_grads(mlce_model_parameters(s->model));
        step->skipped = true;
    } else if (status) {
        return status;
    }
    s->state.step++;
    return MLCE_OK;
}
