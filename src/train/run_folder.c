/* run_folder.c - the folder of a training run and the files in it. */
#include "train/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_file(const char *path, const char *name) {
    char *file = mlce_run_folder_file(path, name);
    bool exists = file && access(file, F_OK) == 0;
    free(file);
    return exists;
}

/* Empty, or with the configuration of a run that ended, or was killed, before it saved anything. */
static bool is_unfinished(const char *path) {
    static const char *const known[] = {".", "..", "config.ini", "config.ini.part", "best.h5.part"};
    DIR *folder = opendir(path);
    if (!folder) return false;
    bool other = false;
    for (struct dirent *entry; (entry = readdir(folder));) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known = is_known || strcmp(entry->d_name, known[i]) == 0;
        other = other || !is_known;
    }
    closedir(folder);
    return !other;
}

/* Whether the path, or else the nearest folder above it that exists, can be written. */
static mlce_status check_writable(const char *path) {
    char *copy = mlce_strdup(path);
    if (!copy) return MLCE_E_MEMORY;
    const char *nearest = copy;
    while (access(nearest, F_OK) && errno == ENOENT && strcmp(nearest, ".") && strcmp(nearest, "/"))
        nearest = dirname(copy);
    mlce_status status = MLCE_OK;
    if (access(nearest, W_OK | X_OK))
        status = mlce_fail(MLCE_E_IO, "train.output = %s: cannot write to %s: %s", path, nearest,
                           strerror(errno));
    free(copy);
    return status;
}

mlce_status mlce_run_folder_check(const char *path, bool force) {
    struct stat info;
    if (*path == '\0')
        return mlce_fail(MLCE_E_CONFIG, "train.output is empty: name the folder for the run");
    if (stat(path, &info)) return check_writable(path);
    if (!S_ISDIR(info.st_mode))
        return mlce_fail(MLCE_E_IO, "train.output = %s: is a file, not a folder", path);
    if (!force)
        return mlce_fail(
            MLCE_E_IO,
            "train.output = %s: exists already: choose another folder, or give --force to "
            "replace the run in it",
            path);
    if (!has_file(path, "metrics.jsonl") && !has_file(path, "best.h5") && !is_unfinished(path))
        return mlce_fail(MLCE_E_IO,
                         "train.output = %s: holds other things than a run, which --force does not "
                         "replace: choose another folder",
                         path);
    return check_writable(path);
}

/* mkdir of the path and, before it, of every folder above it. */
static int make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0777) && errno != EEXIST;
        *slash = '/';
        if (failed) return -1;
    }
    return mkdir(path, 0777) && errno != EEXIST ? -1 : 0;
}

mlce_status mlce_run_folder_make(const char *path) {
    char *copy = mlce_strdup(path);
    if (!copy) return MLCE_E_MEMORY;
    int failed = make_folders(copy) || access(path, W_OK | X_OK);
    mlce_status status = MLCE_OK;
    if (failed)
        status = mlce_fail(MLCE_E_IO, "train.output = %s: cannot make or write to the folder: %s",
                           path, strerror(errno));
    free(copy);
    return status;
}

mlce_status mlce_run_folder_clear(const char *path) {
    static const char *const names[] = {"metrics.jsonl", "result.txt", "model.safetensors",
                                        "model.h5",      "model.onnx", "report.html"};
    mlce_status status = MLCE_OK;
    for (size_t i = 0; !status && i < sizeof names / sizeof names[0]; i++) {
        char *file = mlce_run_folder_file(path, names[i]);
        if (!file) return MLCE_E_MEMORY;
        if (unlink(file) && errno != ENOENT)
            status = mlce_fail(MLCE_E_IO, "%s: cannot remove: %s", file, strerror(errno));
        free(file);
    }
    return status;
}

char *mlce_run_folder_file(const char *path, const char *name) {
    size_t size = strlen(path) + strlen(name) + 2;
    char *file = mlce_calloc(size, 1);
    if (file) snprintf(file, size, "%s/%s", path, name);
    return file;
}

static json_t *score_json(mlce_score score) {
    return json_pack("{s:f, s:f, s:f, s:I}", "precision", score.precision, "recall", score.recall,
                     "f1", score.f1, "support", (json_int_t)score.support);
}

static char *evaluation_json(const mlce_train_evaluation *e) {
    json_t *line = json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:b}", "epoch", (json_int_t)e->epoch,
                             "step", (json_int_t)e->step, "train_loss", e->train_loss,
                             "tokens_per_second", e->tokens_per_second, "waiting", e->waiting,
                             "seconds", e->seconds, "best", (int)e->best);
    if (line && e->has_dev)
        json_object_set_new(line, "dev",
                            json_pack("{s:f, s:o, s:o}", "loss", e->dev_loss, "micro",
                                      score_json(e->micro), "macro", score_json(e->macro)));
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(line);
    return text;
}

mlce_status mlce_run_folder_log(const char *path, const mlce_train_evaluation *evaluation) {
    char *name = mlce_run_folder_file(path, "metrics.jsonl");
    char *line = evaluation_json(evaluation);
    mlce_status status = name && line ? MLCE_OK : mlce_fail(MLCE_E_MEMORY, "out of memory");
    FILE *file = status ? NULL : fopen(name, "a");
    if (!status) {
        bool failed = !file || fprintf(file, "%s\n", line) < 0;
        if (file && fclose(file)) failed = true;
        if (failed) status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", name, strerror(errno));
    }
    free(line);
    free(name);
    return status;
}
