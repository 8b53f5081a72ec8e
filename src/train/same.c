/* same.c - whether all ranks train the same. */
#include "train/same.h"

#include <stdlib.h>
#include <string.h>

#include "core/crc.h"

static uint32_t crc_of_weights(const mlce_session *s) {
    const mlce_parameters *p = mlce_model_parameters(s->model);
    return mlce_crc32(0, mlce_parameters_values(p), mlce_parameters_size(p) * sizeof(float));
}

static mlce_status refuse_other(const mlce_session *s, uint32_t number, const char *what) {
    bool same;
    mlce_status status = mlce_ranks_compare(s->ranks, number, &same);
    if (status || same) return status;
    return mlce_fail(MLCE_E_CONFIG,
                     "the %d ranks have not the same %s: give all of them the same command in the "
                     "same folder, on files that all of them see",
                     s->ranks->count, what);
}

/* Fields, not the whole struct: what pads it is nobody's. */
static uint32_t crc_of_split(uint32_t before, const mlce_split_state *split) {
    const int64_t fields[] = {split->sequences, split->tokens, split->spans, split->width,
                              split->checksum};
    return mlce_crc32(before, fields, sizeof fields);
}

mlce_status mlce_same_start(mlce_session *s) {
    if (!s->ranks) return MLCE_OK;
    const mlce_train_state *state = &s->state;
    char *text = mlce_config_to_ini(s->config);
    mlce_status status = mlce_ranks_agree(s->ranks, text ? MLCE_OK : MLCE_E_MEMORY);
    if (!status && text)
        status = refuse_other(s, mlce_crc32(0, text, strlen(text)), "configuration");
    uint32_t data =
        crc_of_split(crc_of_split(crc_of_split(0, &state->train), &state->dev), &state->test);
    data = mlce_crc32(data, &state->blocks, sizeof state->blocks);
    if (!status) status = refuse_other(s, data, "data");
    const int64_t place[] = {state->epoch, state->batch, state->step, state->evaluations};
    if (!status) status = refuse_other(s, mlce_crc32(0, place, sizeof place), "checkpoint");
    if (!status) status = mlce_same_weights(s);
    free(text);
    return status;
}

mlce_status mlce_same_weights(mlce_session *s) {
    if (!s->ranks) return MLCE_OK;
    bool same;
    mlce_status status = mlce_ranks_compare(s->ranks, crc_of_weights(s), &same);
    if (status || same) return status;
    if (!s->differed)
        mlce_log(MLCE_LOG_WARNING,
                 "the ranks' weights differ in their last bits, as they do on processors of "
                 "different kinds: all take those of rank 0 at each evaluation");
    s->differed = true;
    const mlce_ranks *ranks = s->ranks;
    mlce_parameters *p = mlce_model_parameters(s->model);
    float *parts[] = {mlce_parameters_values(p), mlce_adam_first_moments(s->adam),
                      mlce_adam_second_moments(s->adam), mlce_adam_average(s->adam)};
    size_t bytes = mlce_parameters_size(p) * sizeof(float);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !status; i++)
        if (parts[i]) status = ranks->broadcast(ranks->context, parts[i], bytes, 0);
    return status;
}
