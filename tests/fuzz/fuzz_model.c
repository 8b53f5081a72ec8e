/* Checkpoints: HDF5 files that are right as HDF5, with anything in them. */
#include "hdf5_edit.h"
#include "mlce/model.h"
#include "model/weights.h"
#include "train/checkpoint.h"

static hdf5_base base;
static mlce_config *config;
static mlce_model *model;
static mlce_adam *adam;

static void write_base(const char *path) {
    static const char *const types[] = {"PER", "LOC"};
    static const mlce_train_state state = {.epoch = 1, .step = 2, .batches = 2, .best_f1 = 0.5};
    static const mlce_adam_options options = {.beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
    FUZZ_CHECK(config = mlce_config_new());
    FUZZ_CHECK(!mlce_config_set(config, "model.head_size", "2"));
    FUZZ_CHECK(!mlce_config_set(config, "encoder.1.type", "mlp"));
    FUZZ_CHECK(!mlce_config_set(config, "encoder.1.size", "3"));
    FUZZ_CHECK(!mlce_model_new(config, 4, types, 2, &model));
    FUZZ_CHECK(adam = mlce_adam_new(mlce_model_parameters(model), &options));
    FUZZ_CHECK(!mlce_checkpoint_write(path, model, adam, &state, NULL));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const char *const more[] = {"/calibration", "/optimizer/weights/head.qk.bias", NULL};
    (void)argc, (void)argv;
    char path[] = "/tmp/mlce-fuzz-XXXXXX";
    FUZZ_CHECK(close(mkstemp(path)) == 0);
    write_base(path);
    mlce_fuzz_base_read(&base, path, more);
    return 0;
}

/* What a resumed run reads of it. */
static void resume(const char *path) {
    mlce_train_state state;
    mlce_h5 file;
    mlce_config *own = mlce_config_new();
    FUZZ_CHECK(own);
    if (fuzz_passed(mlce_h5_open(path, &file))) {
        fuzz_passed(mlce_weights_check_format(&file));
        fuzz_passed(mlce_checkpoint_read_state(&file, &state));
        fuzz_passed(mlce_weights_read_config(&file, own));
        fuzz_passed(mlce_checkpoint_restore(&file, model, adam));
    }
    mlce_h5_close(&file);
    mlce_config_free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mlce_model *loaded;
    const char *path = mlce_fuzz_edit(&base, data, size);
    if (fuzz_passed(mlce_model_load(path, &loaded))) {
        FUZZ_CHECK(mlce_model_types(loaded) > 0 && mlce_model_width(loaded) > 0);
        mlce_model_free(loaded);
    }
    resume(path);
    return 0;
}
