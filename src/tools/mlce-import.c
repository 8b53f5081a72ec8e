/* mlce-import - weights that were trained elsewhere, made a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/folder_lock.h"
#include "export/formats.h"
#include "mlce/export.h"
#include "tools/tool.h"
#include "train/run_folder.h"

static const char HELP[] =
    "usage: mlce-import WEIGHTS.safetensors [--config CONFIG] [--types FILE] -o RUN [--force]\n"
    "                   [KEY=VALUE ...]\n"
    "\n"
    "Makes a run of weights that were trained elsewhere, in PyTorch for example, for mlce-eval,\n"
    "mlce-predict and mlce-export. Their names, shapes and order of gates are those that "
    "mlce-export\n"
    "--format safetensors writes (the README lists them, with PyTorch's names); F64, F32, F16 and\n"
    "BF16 will do.\n"
    "\n"
    "      --config CONFIG  the model's configuration, an INI file as for mlce-train: its "
    "sections\n"
    "                       [model], [encoder.N] and [loss]; default: config in the file's "
    "metadata\n"
    "      --types FILE     the names of types or labels in their order: a text file with one a\n"
    "                       line, or a dataset; default: types in the file's metadata, a JSON "
    "array\n"
    "  -o, --output RUN     the folder to make, with best.h5 and config.ini\n"
    "      --force          replace the run that is there\n"
    "      KEY=VALUE        any key of the configuration, e.g. model.head_size=64; with\n"
    "                       data.dev=FILE (data.test, data.train) mlce-report RUN makes a page of\n"
    "                       it\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "examples:\n"
    "  mlce-import torch.safetensors --config model.ini --types train.h5 -o runs/torch\n"
    "  mlce-import torch.safetensors --config model.ini --types dev.h5 -o runs/torch "
    "data.dev=dev.h5\n"
    "  mlce-import runs/ner/model.safetensors -o runs/copy\n";

typedef struct arguments {
    const char *weights, *config, *types, *output;
    bool force;
} arguments;

/* Of a config file or the weights' own metadata, with the keys of the command line. */
static mlce_status configure(mlce_config *config, const arguments *a, int count, char **keys) {
    mlce_status status =
        a->config ? mlce_config_read(config, a->config) : mlce_import_config(a->weights, config);
    for (int n = 0; n < count && !status; n++) status = mlce_config_assign(config, keys[n]);
    return status ? status : mlce_config_set(config, "train.output", a->output);
}

static mlce_status write_run(mlce_model *model, const char *folder) {
    char *ini = mlce_run_folder_file(folder, "config.ini");
    char *best = mlce_run_folder_file(folder, "best.h5");
    char *text = mlce_config_to_ini(mlce_model_config(model));
    bool is_new = mlce_run_folder_is_unfinished(folder);
    mlce_status status = ini && best && text ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) status = mlce_file_write_text(ini, MLCE_LINKS_REPLACED, text);
    if (!status) status = mlce_export_to(model, "hdf5", best, MLCE_LINKS_REPLACED);
    if (!status) status = mlce_run_folder_clear(folder);
    if (!status) status = mlce_run_folder_drop_checkpoints(folder); /* of the run that was there */
    if (status && is_new && ini && best) {                          /* then it can be tried again */
        unlink(ini);
        unlink(best);
    }
    free(text);
    free(best);
    free(ini);
    return status;
}

/* The folder, alone: a run may have begun there since it was looked at. */
static mlce_status take_folder(const arguments *a, int *lock) {
    mlce_status status = mlce_run_folder_make(a->output);
    if (!status) status = mlce_folder_lock(a->output, lock);
    return status ? status : mlce_run_folder_check(a->output, a->force, false);
}

/* The weights must not go with the run that is replaced. */
static mlce_status check_folder(const arguments *a) {
    if (mlce_run_folder_owns(a->output, a->weights) ||
        mlce_run_folder_clears(a->output, a->weights))
        return mlce_fail(MLCE_E_ARGUMENT,
                         "%s: is a file of the run that is to be replaced: copy it elsewhere, or "
                         "name another folder with -o",
                         a->weights);
    return mlce_run_folder_check(a->output, a->force, false);
}

static int import_run(const arguments *a, int count, char **keys) {
    mlce_config *config = mlce_config_new();
    mlce_model *model = NULL;
    int lock = -1;
    mlce_status status = config ? configure(config, a, count, keys) : MLCE_E_MEMORY;
    if (!status) status = check_folder(a);
    if (!status) status = mlce_import(a->weights, config, a->types, &model);
    if (!status) status = take_folder(a, &lock);
    if (!status) status = write_run(model, a->output);
    mlce_folder_unlock(lock);
    int exit_code = status ? mlce_tool_failed() : MLCE_TOOL_OK;
    if (!status) {
        printf("made ");
        mlce_tool_put(stdout, a->output);
        printf(": %zu parameters, %d features, %d %s\n",
               mlce_parameters_numbers(mlce_model_parameters(model)), mlce_model_width(model),
               mlce_model_types(model),
               mlce_model_task(model) == MLCE_TASK_LABELS ? "labels" : "types");
    }
    mlce_model_free(model);
    mlce_config_free(config);
    return exit_code ? exit_code : mlce_tool_end();
}

int main(int argc, char **argv) {
    enum { CONFIG = 256, TYPES };
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"config", required_argument, NULL, CONFIG},
                                            {"types", required_argument, NULL, TYPES},
                                            {"output", required_argument, NULL, 'o'},
                                            {"force", no_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    arguments a = {0};
    mlce_tool_begin("mlce-import", HELP);
    int exit_code = 0;
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == CONFIG) a.config = optarg;
        if (option == TYPES) a.types = optarg;
        if (option == 'o') a.output = optarg;
        if (option == 'f') a.force = true;
    }
    if (argc == optind) return mlce_tool_usage("give the file with the WEIGHTS");
    if (!a.output) return mlce_tool_usage("give the run's folder: -o RUN");
    a.weights = argv[optind];
    return import_run(&a, argc - optind - 1, argv + optind + 1);
}
