/* checkpoint.c - a model and the state of its training in one HDF5 file. */
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_locale.h"
#include "core/crc.h"
#include "core/file.h"
#include "model/weights.h"

/* ---- The state, an attribute a member ---- */

typedef struct field {
    const char *name;
    size_t offset; /* in mlce_train_state */
    bool is_real;  /* a double; else an int64_t */
} field;

#define INTEGER(name, member)                                                                      \
    { name, offsetof(mlce_train_state, member), false }
#define REAL(name, member)                                                                         \
    { name, offsetof(mlce_train_state, member), true }
#define SPLIT(split)                                                                               \
    INTEGER(#split "_sequences", split.sequences), INTEGER(#split "_tokens", split.tokens),        \
        INTEGER(#split "_spans", split.spans), INTEGER(#split "_width", split.width),              \
        INTEGER(#split "_checksum", split.checksum)

static const field fields[] = {
    INTEGER("epoch", epoch),
    INTEGER("batch", batch),
    INTEGER("step", step),
    INTEGER("skipped", skipped),
    INTEGER("batches", batches),
    INTEGER("evaluations", evaluations),
    INTEGER("evaluated", evaluated),
    INTEGER("stale", stale),
    INTEGER("best_epoch", best_epoch),
    INTEGER("best_step", best_step),
    REAL("best_f1", best_f1),
    REAL("best_loss", best_loss),
    REAL("epoch_loss", in_epoch.loss),
    INTEGER("epoch_steps", in_epoch.steps),
    REAL("interval_loss", in_interval.loss),
    INTEGER("interval_steps", in_interval.steps),
    SPLIT(train),
    SPLIT(dev),
    SPLIT(test),
    INTEGER("train_blocks", blocks),
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

static int64_t integer_of(const field *f, const mlce_train_state *state) {
    int64_t integer;
    memcpy(&integer, (const char *)state + f->offset, sizeof integer);
    return integer;
}

/* As it is stored. */
static void print_real(const field *f, const mlce_train_state *state, char *text, size_t size) {
    double number;
    memcpy(&number, (const char *)state + f->offset, sizeof number);
    mlce_locale locale = mlce_locale_begin();
    snprintf(text, size, "%.17g", number);
    mlce_locale_end(locale);
}

/* Of the text "adam_steps epoch batch ...". */
static uint32_t state_checksum(const mlce_train_state *state, int64_t adam_steps) {
    char text[32];
    int length = snprintf(text, sizeof text, "%lld", (long long)adam_steps);
    uint32_t crc = mlce_crc32(0, text, (size_t)length);
    for (int i = 0; i < FIELDS; i++) {
        text[0] = ' ';
        if (fields[i].is_real)
            print_real(&fields[i], state, text + 1, sizeof text - 1);
        else
            snprintf(text + 1, sizeof text - 1, "%lld", (long long)integer_of(&fields[i], state));
        crc = mlce_crc32(crc, text, strlen(text));
    }
    return crc;
}

static mlce_status write_field(const mlce_h5 *file, const field *f, const mlce_train_state *state) {
    if (!f->is_real) return mlce_h5_write_integer(file, "/", f->name, integer_of(f, state));
    char text[32];
    print_real(f, state, text, sizeof text);
    return mlce_h5_write_text(file, "/", f->name, text);
}

static mlce_status read_field(const mlce_h5 *file, const field *f, mlce_train_state *state) {
    char *member = (char *)state + f->offset, *text = NULL;
    int64_t integer;
    if (!f->is_real) {
        mlce_status status = mlce_h5_read_integer(file, "/", f->name, &integer);
        if (!status) memcpy(member, &integer, sizeof integer);
        return status;
    }
    mlce_status status = mlce_h5_read_text(file, "/", f->name, &text);
    if (status) return status;
    mlce_locale locale = mlce_locale_begin();
    double number = strtod(text, NULL);
    mlce_locale_end(locale);
    memcpy(member, &number, sizeof number);
    free(text);
    return MLCE_OK;
}

mlce_status mlce_checkpoint_read_state(const mlce_h5 *file, mlce_train_state *state) {
    int64_t adam_steps = 0, stored = 0;
    bool found;
    mlce_status status = mlce_h5_find_attribute(file, "/", "state_crc32", &found);
    if (status) return status;
    if (!found)
        return mlce_fail(MLCE_E_DATA,
                         "%s: holds a model, but not the state of a run that could go on",
                         file->path);
    status = mlce_h5_read_integer(file, "/", "adam_steps", &adam_steps);
    if (!status) status = mlce_h5_read_integer(file, "/", "state_crc32", &stored);
    for (int i = 0; i < FIELDS && !status; i++) status = read_field(file, &fields[i], state);
    if (status || stored == state_checksum(state, adam_steps)) return status;
    return mlce_fail(MLCE_E_DATA,
                     "%s: is damaged: the state of the run does not have the checksum that was "
                     "stored with it",
                     file->path);
}

static mlce_status write_state(const mlce_h5 *file, mlce_model *model, mlce_adam *adam,
                               const mlce_train_state *state) {
    int64_t seed = mlce_config_int(mlce_model_config(model), "train.seed");
    int64_t adam_steps = mlce_adam_steps(adam);
    mlce_status status = MLCE_OK;
    for (int i = 0; i < FIELDS && !status; i++) status = write_field(file, &fields[i], state);
    if (!status) status = mlce_h5_write_integer(file, "/", "adam_steps", adam_steps);
    if (!status) status = mlce_h5_write_integer(file, "/", "seed", seed);
    if (status) return status;
    return mlce_h5_write_integer(file, "/", "state_crc32", state_checksum(state, adam_steps));
}

/* ---- The optimizer ---- */

static mlce_status write_optimizer(const mlce_h5 *file, mlce_model *model, mlce_adam *adam) {
    const mlce_parameters *parameters = mlce_model_parameters(model);
    mlce_status status =
        mlce_weights_write_vector(file, "/optimizer/m", parameters, mlce_adam_first_moments(adam));
    if (!status)
        status = mlce_weights_write_vector(file, "/optimizer/v", parameters,
                                           mlce_adam_second_moments(adam));
    if (!status && mlce_adam_average(adam))
        status = mlce_weights_write_vector(file, "/optimizer/weights", parameters,
                                           mlce_adam_average(adam));
    return status;
}

/* The weights, and their average where one is kept. */
static mlce_status restore_weights(const mlce_h5 *file, mlce_parameters *parameters,
                                   float *average) {
    float *values = mlce_parameters_values(parameters);
    bool has_average;
    mlce_status status = mlce_h5_find(file, "/optimizer/weights", &has_average);
    if (status) return status;
    status = mlce_weights_read_vector(file, has_average ? "/optimizer/weights" : "/parameters",
                                      parameters, values);
    if (status || !average) return status;
    memcpy(average, values, mlce_parameters_size(parameters) * sizeof *average);
    return has_average ? mlce_weights_read_vector(file, "/parameters", parameters, average)
                       : MLCE_OK;
}

mlce_status mlce_checkpoint_restore(const mlce_h5 *file, mlce_model *model, mlce_adam *adam) {
    mlce_parameters *parameters = mlce_model_parameters(model);
    int64_t adam_steps;
    mlce_status status = restore_weights(file, parameters, mlce_adam_average(adam));
    if (!status)
        status = mlce_weights_read_vector(file, "/optimizer/m", parameters,
                                          mlce_adam_first_moments(adam));
    if (!status)
        status = mlce_weights_read_vector(file, "/optimizer/v", parameters,
                                          mlce_adam_second_moments(adam));
    if (!status) status = mlce_h5_read_integer(file, "/", "adam_steps", &adam_steps);
    if (!status) mlce_adam_set_steps(adam, adam_steps);
    return status;
}

/* ---- The file ---- */

mlce_status mlce_checkpoint_write(const char *path, mlce_model *model, mlce_adam *adam,
                                  const mlce_train_state *state, const char *problem) {
    char *part = mlce_file_begin(path, MLCE_LINKS_REPLACED);
    if (!part) return MLCE_E_IO;
    mlce_h5 file = {0};
    mlce_status status = mlce_h5_create(part, path, &file);
    if (!status) status = mlce_weights_write(&file, "mlce-checkpoint", model);
    if (!status) status = write_state(&file, model, adam, state);
    if (!status && problem) status = mlce_h5_write_text(&file, "/", "problem", problem);
    if (!status) status = write_optimizer(&file, model, adam);
    mlce_status closed = mlce_h5_close(&file);
    if (!status) status = closed;
    if (!status) return mlce_file_commit(part, path);
    mlce_file_abandon(part);
    return status;
}
