/* mlce-export - the weights of a run for other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "mlce/export.h"
#include "mlce/memory.h"
#include "tools/tool.h"
#include "train/run_folder.h"

static const char HELP[] =
    "usage: mlce-export RUN --format FORMAT [-o FILE]\n"
    "\n"
    "Writes the weights of a trained model, with its types and configuration.\n"
    "\n"
    "  RUN                  a run's folder (its best checkpoint) or a checkpoint file\n"
    "      --format FORMAT  safetensors  the weights by name (mlce-import reads it back)\n"
    "                       onnx         the whole model, from embeddings to scores\n"
    "                       hdf5         the weights, for mlce-eval and mlce-predict too\n"
    "  -o, --output FILE    where to; default: model.safetensors, model.onnx or model.h5 in the\n"
    "                       run's folder, or beside the checkpoint file\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "ONNX (opset 17): inputs embeddings, float32 [batch, length, features], and lengths, int64\n"
    "[batch]; output scores, float32 [batch, types, length, length]: of the span of a type from a\n"
    "token to a token (both included), -1e12 where there is none. For items with labels length is "
    "1\n"
    "and scores are [batch, labels]. What scores over its threshold (metadata) is predicted.\n"
    "\n"
    "examples:\n"
    "  mlce-export runs/ner --format safetensors\n"
    "  mlce-export runs/ner --format onnx -o ner.onnx\n";

/* RUN/model.safetensors, or FOLDER/model.h5 for the checkpoint FOLDER/best.h5; on the heap. */
static char *default_path(const char *run, const char *format) {
    char name[32];
    snprintf(name, sizeof name, "model.%s", strcmp(format, "hdf5") == 0 ? "h5" : format);
    size_t length = strlen(run);
    if (length > 3 && strcmp(run + length - 3, ".h5") == 0) {
        const char *slash = strrchr(run, '/');
        length = slash ? (size_t)(slash - run) + 1 : 0;
    }
    bool needs_slash = length > 0 && run[length - 1] != '/';
    size_t size = length + strlen(name) + 2;
    char *path = mlce_calloc(size, 1);
    if (path) snprintf(path, size, "%.*s%s%s", (int)length, run, needs_slash ? "/" : "", name);
    return path;
}

static int export_run(const char *run, const char *format, const char *output) {
    mlce_model *model = NULL;
    char *path = output ? mlce_strdup(output) : default_path(run, format);
    char *source = mlce_model_file(run);
    int exit_code = MLCE_TOOL_OK;
    if (path && source && mlce_file_is_same(source, path)) {
        exit_code = mlce_tool_error("%s: is what is to be exported: write to another file", path);
    } else if (path && mlce_run_folder_owns(run, path)) {
        exit_code = mlce_tool_error("%s: is a file of the run itself: write to another", path);
    } else if (path && !output && mlce_file_is_link(path)) {
        exit_code = mlce_tool_error("%s: is a link: name the file to write with -o", path);
    } else if (!path || !source || mlce_model_load(run, &model) ||
               mlce_export(model, format, path)) {
        exit_code = mlce_tool_failed();
    } else {
        printf("wrote ");
        mlce_tool_put(stdout, path);
        printf(": %d tensors, %zu parameters, %d %s\n",
               mlce_parameters_count(mlce_model_parameters(model)),
               mlce_parameters_numbers(mlce_model_parameters(model)), mlce_model_types(model),
               mlce_model_task(model) == MLCE_TASK_LABELS ? "labels" : "types");
    }
    mlce_model_free(model);
    free(path);
    free(source);
    return exit_code ? exit_code : mlce_tool_end();
}

static bool read_format(const char *name) {
    const char *formats[8] = {NULL};
    int chosen;
    for (int f = 0; f < 7 && mlce_export_format(f); f++) formats[f] = mlce_export_format(f);
    return mlce_tool_choose("--format", name, formats, &chosen);
}

int main(int argc, char **argv) {
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"format", required_argument, NULL, 'f'},
                                            {"output", required_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    const char *format = NULL, *output = NULL;
    mlce_tool_begin("mlce-export", HELP);
    int exit_code = 0;
    for (int option;
         (option = mlce_tool_option_with(argc, argv, "o:", options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == 'f' && !read_format(format = optarg)) return MLCE_TOOL_WRONG_USAGE;
        if (option == 'o') output = optarg;
    }
    if (argc - optind > 1)
        return mlce_tool_usage(
            "%d runs are given, one is exported: an ensemble has no weights of "
            "its own, it is the mean of their scores. Export each, and average "
            "what they score (mlce-predict and mlce-eval take several runs)",
            argc - optind);
    if (argc == optind) return mlce_tool_usage("give a RUN");
    if (!format) return mlce_tool_usage("give --format safetensors, onnx or hdf5");
    return export_run(argv[optind], format, output);
}
