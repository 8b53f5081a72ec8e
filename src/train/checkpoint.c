/* checkpoint.c - a model and the state of its training in one HDF5 file. */
#include "train/checkpoint.h"

#include <stdio.h>

#include "core/file.h"
#include "model/weights.h"

static mlce_status write_state(const mlce_h5 *file, mlce_model *model, mlce_adam *adam,
                               const mlce_train_state *state) {
    const struct {
        const char *name;
        int64_t value;
    } integers[] = {
        {"epoch", state->epoch},
        {"step", state->step},
        {"stale", state->stale},
        {"adam_steps", mlce_adam_steps(adam)},
        {"seed", mlce_config_int(mlce_model_config(model), "train.seed")},
    };
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        mlce_status status = mlce_h5_write_integer(file, "/", integers[i].name, integers[i].value);
        if (status) return status;
    }
    char best_f1[32], best_loss[32];
    snprintf(best_f1, sizeof best_f1, "%.17g", state->best_f1);
    snprintf(best_loss, sizeof best_loss, "%.17g", state->best_loss);
    mlce_status status = mlce_h5_write_text(file, "/", "best_f1", best_f1);
    if (!status) status = mlce_h5_write_text(file, "/", "best_loss", best_loss);
    const mlce_parameters *parameters = mlce_model_parameters(model);
    if (!status)
        status = mlce_weights_write_vector(file, "/optimizer/m", parameters,
                                           mlce_adam_first_moments(adam));
    if (!status)
        status = mlce_weights_write_vector(file, "/optimizer/v", parameters,
                                           mlce_adam_second_moments(adam));
    if (!status && mlce_adam_average(adam))
        status = mlce_weights_write_vector(file, "/optimizer/weights", parameters,
                                           mlce_adam_average(adam));
    return status;
}

mlce_status mlce_checkpoint_write(const char *path, mlce_model *model, mlce_adam *adam,
                                  const mlce_train_state *state) {
    char *part = mlce_file_begin(path);
    if (!part) return MLCE_E_IO;
    mlce_h5 file = {0};
    mlce_status status = mlce_h5_create(part, path, &file);
    if (!status) status = mlce_weights_write(&file, "mlce-checkpoint", model);
    if (!status) status = write_state(&file, model, adam, state);
    mlce_status closed = mlce_h5_close(&file);
    if (!status) status = closed;
    if (!status) return mlce_file_commit(part, path);
    mlce_file_abandon(part);
    return status;
}
