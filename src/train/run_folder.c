/* run_folder.c - the folder of a training run and the files in it. */
#include "train/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/folder_lock.h"
#include "mlce/memory.h"

bool mlce_run_folder_has(const char *path, const char *name) {
    char *file = mlce_run_folder_file(path, name);
    bool exists = file && access(file, F_OK) == 0;
    free(file);
    return exists;
}

/* Whether `file` is one of the `names` in the folder. */
static bool is_one_of(const char *path, const char *const *names, size_t count, const char *file) {
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        char *own = mlce_run_folder_file(path, names[i]);
        found = found || (own && mlce_file_is_same(own, file));
        free(own);
    }
    return found;
}

bool mlce_run_folder_owns(const char *path, const char *file) {
    static const char *const names[] = {"config.ini", "metrics.jsonl", "best.h5",
                                        "last.h5",    "nan.h5",        "sweep.json",
                                        "sweep.tsv",  MLCE_FOLDER_LOCK};
    return is_one_of(path, names, sizeof names / sizeof names[0], file);
}

/* N of "step-N.h5" and the like, or -1. */
static int64_t step_of(const char *name, const char *ending) {
    long long step;
    int length = 0;
    if (sscanf(name, "step-%18lld%n", &step, &length) != 1 || strcmp(name + length, ending))
        return -1;
    return step;
}

/* The beginning of a file that was never finished. */
static bool is_part(const char *name) {
    static const char *const parts[] = {
        "config.ini.part", "metrics.jsonl.part", "best.h5.part",   "last.h5.part",    "nan.h5.part",
        "result.txt.part", "sweep.json.part",    "sweep.tsv.part", "report.html.part"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(name, parts[i]) == 0) return true;
    return step_of(name, ".h5.part") >= 0;
}

/* Whether the folder can be read and has nothing but a lock, parts of files, and the `known`. */
static bool has_only(const char *path, const char *const *known, size_t count) {
    DIR *folder = opendir(path);
    if (!folder) return false;
    bool other = false;
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *name = entry->d_name;
        bool is_known = !strcmp(name, ".") || !strcmp(name, "..") ||
                        !strcmp(name, MLCE_FOLDER_LOCK) || is_part(name);
        for (size_t i = 0; i < count; i++) is_known = is_known || strcmp(name, known[i]) == 0;
        other = other || !is_known;
    }
    closedir(folder);
    return !other;
}

bool mlce_run_folder_is_unfinished(const char *path) {
    static const char *const known[] = {"config.ini", "nan.h5"};
    return has_only(path, known, sizeof known / sizeof known[0]);
}

static void remove_parts(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (is_part(entry->d_name)) unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
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

/* A folder with what a run leaves first, or what it goes on from. */
static mlce_status check_resumable(const char *path) {
    if (mlce_run_folder_has(path, "config.ini") || mlce_run_folder_has(path, "last.h5"))
        return check_writable(path);
    return mlce_fail(MLCE_E_IO, "%s: holds no run that could go on (no last.h5, no config.ini)",
                     path);
}

/* Whether a run has saved something there. */
static bool holds_run(const char *path) {
    char *checkpoint = NULL;
    bool holds = mlce_run_folder_has(path, "metrics.jsonl") ||
                 mlce_run_folder_has(path, "best.h5") ||
                 (!mlce_run_folder_checkpoint(path, &checkpoint) && checkpoint);
    free(checkpoint);
    return holds;
}

mlce_status mlce_run_folder_check(const char *path, bool force, bool resume) {
    struct stat info;
    if (*path == '\0')
        return mlce_fail(MLCE_E_CONFIG, "train.output is empty: name the folder for the run");
    if (resume) return check_resumable(path);
    if (stat(path, &info)) return check_writable(path);
    if (!S_ISDIR(info.st_mode))
        return mlce_fail(MLCE_E_IO, "train.output = %s: is a file, not a folder", path);
    if (!force && !has_only(path, NULL, 0))
        return mlce_fail(
            MLCE_E_IO,
            "train.output = %s: exists already: choose another folder, or give --force to "
            "replace it",
            path);
    if (!holds_run(path) && !mlce_run_folder_is_unfinished(path))
        return mlce_fail(MLCE_E_IO,
                         "train.output = %s: holds other things than a run, which --force does not "
                         "replace: choose another folder",
                         path);
    return check_writable(path);
}

static int make_one_folder(const char *path) {
    if (mkdir(path, 0777)) return errno == EEXIST ? 0 : -1;
    return mlce_file_sync_parent(path);
}

/* mkdir of the path and, before it, of every folder above it. */
static int make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = make_one_folder(path);
        *slash = '/';
        if (failed) return -1;
    }
    return make_one_folder(path);
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

/* ---- The lock ---- */

mlce_status mlce_run_folder_lock(const char *path, int *lock) {
    mlce_status status = mlce_folder_lock(path, lock);
    if (!status) remove_parts(path);
    return status;
}

/* ---- Removing ---- */

mlce_status mlce_run_folder_remove(const char *path, const char *name) {
    mlce_status status = MLCE_OK;
    char *file = mlce_run_folder_file(path, name);
    if (!file) return MLCE_E_MEMORY;
    if (unlink(file) && errno != ENOENT)
        status = mlce_fail(MLCE_E_IO, "%s: cannot remove: %s", file, strerror(errno));
    free(file);
    return status;
}

static const char *const remains[] = {"metrics.jsonl", "result.txt", "model.safetensors",
                                      "model.h5",      "model.onnx", "report.html",
                                      "nan.h5"};
enum { REMAINS = sizeof remains / sizeof remains[0] };

mlce_status mlce_run_folder_clear(const char *path) {
    mlce_status status = MLCE_OK;
    for (size_t i = 0; !status && i < REMAINS; i++)
        status = mlce_run_folder_remove(path, remains[i]);
    return status;
}

bool mlce_run_folder_clears(const char *path, const char *file) {
    return is_one_of(path, remains, REMAINS, file);
}

static int compare_steps(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The N of all step-N.h5, rising; on the heap. */
static mlce_status list_steps(const char *path, int64_t **steps, size_t *count) {
    mlce_status status = MLCE_OK;
    size_t capacity = 0;
    *steps = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    if (!folder) return mlce_fail(MLCE_E_IO, "%s: cannot read: %s", path, strerror(errno));
    for (struct dirent *entry; !status && (entry = readdir(folder));) {
        int64_t step = step_of(entry->d_name, ".h5");
        if (step < 0) continue;
        status = mlce_grow((void **)steps, &capacity, *count + 1, sizeof **steps);
        if (!status) (*steps)[(*count)++] = step;
    }
    closedir(folder);
    if (*count) qsort(*steps, *count, sizeof **steps, compare_steps);
    return status;
}

/* Whether last.h5 or best.h5 leads to the file. */
static bool is_linked(const char *path, const char *name) {
    static const char *const names[] = {"last.h5", "best.h5"};
    char *file = mlce_run_folder_file(path, name);
    bool linked = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *link = mlce_run_folder_file(path, names[i]);
        linked = linked || (file && link && mlce_file_is_same(file, link));
        free(link);
    }
    free(file);
    return linked;
}

static void name_step(int64_t step, char name[40]) {
    snprintf(name, 40, "step-%lld.h5", (long long)step);
}

/* As mlce_run_folder_prune(); with `all` also those that are linked. */
static mlce_status remove_steps(const char *path, int64_t step, int64_t keep, bool all) {
    int64_t *steps;
    size_t count;
    mlce_status status = list_steps(path, &steps, &count);
    int64_t kept = 0;
    for (size_t n = count; n-- > 0 && !status;) {
        char name[40];
        name_step(steps[n], name);
        bool is_over = steps[n] > step || kept++ >= keep;
        if (is_over && (all || !is_linked(path, name))) status = mlce_run_folder_remove(path, name);
    }
    free(steps);
    return status;
}

mlce_status mlce_run_folder_prune(const char *path, int64_t step, int64_t keep) {
    return remove_steps(path, step, keep, false);
}

mlce_status mlce_run_folder_drop_checkpoints(const char *path) {
    mlce_status status = mlce_run_folder_remove(path, "last.h5");
    return status ? status : remove_steps(path, -1, 0, true);
}

/* step-N.h5 with the largest N; *file stays NULL where there is none. */
static mlce_status last_step(const char *path, char **file) {
    int64_t *steps;
    size_t count;
    char name[40];
    mlce_status status = list_steps(path, &steps, &count);
    if (!status && count) {
        name_step(steps[count - 1], name);
        *file = mlce_run_folder_file(path, name);
        if (!*file) status = MLCE_E_MEMORY;
    }
    free(steps);
    return status;
}

mlce_status mlce_run_folder_checkpoint(const char *path, char **file) {
    struct stat info;
    *file = mlce_run_folder_file(path, "last.h5");
    if (!*file) return MLCE_E_MEMORY;
    if (lstat(*file, &info) == 0) return MLCE_OK; /* a link to nowhere is for the reader to say */
    mlce_status status = MLCE_OK;
    if (errno != ENOENT)
        status = mlce_fail(MLCE_E_IO, "%s: cannot read: %s", *file, strerror(errno));
    free(*file);
    *file = NULL;
    return status ? status : last_step(path, file);
}

char *mlce_run_folder_file(const char *path, const char *name) {
    size_t size = strlen(path) + strlen(name) + 2;
    char *file = mlce_calloc(size, 1);
    if (file) snprintf(file, size, "%s/%s", path, name);
    return file;
}
