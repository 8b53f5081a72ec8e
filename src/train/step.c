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

static mlce_status name_step(mlce_status status, const mlce_session *s, const mlce_batch *batch) {
    char sequences[512];
    list_sequences(batch, sequences, sizeof sequences);
    return mlce_fail_prefix(status, "step %lld (sequences %s of data.train): ",
                            (long long)s->state.step + 1, sequences);
}

/* The first parameter that is not finite, or NULL. */
static const char *find_bad_parameter(const mlce_parameters *parameters) {
    for (int p = 0; p < mlce_parameters_count(parameters); p++) {
        const mlce_parameter *parameter = mlce_parameters_at(parameters, p);
        size_t size = (size_t)parameter->rows * (size_t)parameter->cols;
        for (size_t i = 0; i < size; i++)
            if (!isfinite(parameter->value[i])) return parameter->name;
    }
    return NULL;
}

static mlce_status loss_not_finite(const mlce_session *s, const mlce_batch *batch, double loss) {
    const char *bad = find_bad_parameter(mlce_model_parameters(s->model));
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

/* Forward, backward, Adam. */
static mlce_status take_step(mlce_session *s, const mlce_batch *batch, double *loss_value) {
    mlce_graph *g = s->graph;
    mlce_graph_reset(g);
    mlce_graph_set_random(g, (uint64_t)mlce_config_int(s->config, "train.seed"),
                          (uint64_t)s->state.step);
    mlce_output output = mlce_model_forward(s->model, g, batch);
    mlce_node *loss = mlce_model_loss(s->model, g, &output, batch);
    mlce_status status = mlce_graph_status(g);
    if (status) return status;
    *loss_value = loss->value[0];
    if (!isfinite(*loss_value)) return loss_not_finite(s, batch, *loss_value);
    if ((status = mlce_backward(g, loss))) return status;
    return mlce_adam_step(s->adam, mlce_learning_rate(&s->schedule, s->state.step), NULL);
}

/* Leaves the state for inspection; the failure's message stays the last one. */
static mlce_status stop_at(mlce_session *s) {
    char *problem = mlce_strdup(mlce_last_error());
    if (!problem) return MLCE_E_NUMERIC;
    mlce_status saved = mlce_keep_problem(s, problem);
    if (saved)
        mlce_log(MLCE_LOG_WARNING, "%s", mlce_last_error());
    else
        mlce_log(MLCE_LOG_INFO, "%s/nan.h5 has the weights before the step", s->output);
    mlce_fail(MLCE_E_NUMERIC, "%s", problem);
    free(problem);
    return MLCE_E_NUMERIC;
}

mlce_status mlce_train_step(mlce_session *s, const mlce_batch *batch, double *loss, bool *skipped) {
    mlce_status status = take_step(s, batch, loss);
    *skipped = false;
    if (status == MLCE_E_NUMERIC) {
        long long most = mlce_config_int(s->config, "train.most_skips");
        name_step(status, s, batch);
        if (strcmp(mlce_config_string(s->config, "train.on_nan"), "skip")) return stop_at(s);
        if (s->state.skipped >= most) {
            mlce_fail_prefix(status,
                             "%lld steps were skipped, train.most_skips allows no more: ", most);
            return stop_at(s);
        }
        s->state.skipped++;
        mlce_log(MLCE_LOG_WARNING, "%s; skipped, %lld of %lld that train.most_skips allows",
                 mlce_last_error(), (long long)s->state.skipped, most);
        mlce_parameters_clear_grads(mlce_model_parameters(s->model));
        *skipped = true;
    } else if (status) {
        return status;
    }
    s->state.step++;
    return MLCE_OK;
}
