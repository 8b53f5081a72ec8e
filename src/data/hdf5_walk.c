/* hdf5_walk.c - when a file is walked, in a process apart, and what it has to survive. */
#include "data/hdf5_walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/child.h"
#include "data/dataset_parts.h"
#include "data/hdf5_visit.h"

/* More than any file takes; a busy machine does not make them more, as it does the seconds. */
enum { CPU_SECONDS = 5 };
static const size_t MEMORY = (size_t)1 << 30;

/* ---- Files that have passed ---- */

typedef struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
} identity;

/* Guarded by mlce_h5_lock(). */
static identity *passed;
static size_t passed_count, passed_capacity;

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool has_passed(const identity *file) {
    for (size_t i = 0; i < passed_count; i++) {
        const identity *p = &passed[i];
        if (p->device == file->device && p->inode == file->inode && p->size == file->size &&
            is_same_time(p->modified, file->modified) && is_same_time(p->changed, file->changed))
            return true;
    }
    return false;
}

/* Where there is no memory it is walked again. */
static void note_passed(const identity *file) {
    for (size_t i = 0; i < passed_count; i++) {
        if (passed[i].device != file->device || passed[i].inode != file->inode) continue;
        passed[i] = *file; /* as it is now, or another one in its place */
        return;
    }
    if (!mlce_grow((void **)&passed, &passed_capacity, passed_count + 1, sizeof *passed))
        passed[passed_count++] = *file;
}

static bool identify(const char *path, identity *file) {
    struct stat info;
    if (stat(path, &info)) return false;
    *file = (identity){.device = info.st_dev,
                       .inode = info.st_ino,
                       .size = info.st_size,
                       .modified = info.st_mtim,
                       .changed = info.st_ctim};
    return true;
}

/* ---- Whether ---- */

/* Guarded by mlce_h5_lock(). */
static double wanted_seconds;

void mlce_walk_files(double seconds) {
    mlce_h5_lock();
    wanted_seconds = seconds > 0 ? seconds : 0;
    passed_count = 0;
    mlce_h5_unlock();
}

/* The environment has the last word. */
static double seconds_of_walk(void) {
    const char *text = getenv("MLCE_WALK_SECONDS");
    if (!text || !*text) return wanted_seconds;
    char *end;
    double seconds = strtod(text, &end);
    return *end || !(seconds >= 0 && seconds < 1e6) ? wanted_seconds : seconds;
}

/* ---- The walk ---- */

static int visit(void *path) {
    return (int)mlce_h5_visit(path);
}

static mlce_status refuse(const char *path, int result) {
    switch (result) {
    case MLCE_H5_VISIT_PASSED:
        return MLCE_OK;
    case MLCE_H5_VISIT_MEMORY:
        return mlce_fail(MLCE_E_DATA,
                         "%s: HDF5 wants more than %zu MiB of memory to read a small part of it: "
                         "the file is damaged, do not use it",
                         path, MEMORY >> 20);
    case MLCE_H5_VISIT_TOO_MUCH:
        return mlce_fail(MLCE_E_DATA,
                         "%s: has more than %d objects, %d attributes of one object or %d groups "
                         "inside each other, too many to check: copy what is needed of it to a new "
                         "file (MLCE_WALK_SECONDS=0 in the environment opens it unchecked)",
                         path, MLCE_H5_MOST_OBJECTS, MLCE_H5_MOST_ATTRIBUTES, MLCE_H5_MOST_DEPTH);
    case MLCE_H5_VISIT_UNLISTED:
        return mlce_fail(MLCE_E_DATA,
                         "%s: HDF5 cannot list all that is in it: the file is damaged, or made by "
                         "a later version of HDF5",
                         path);
    default:
        return mlce_fail(MLCE_E_MEMORY, "%s: out of memory: checking it before it is opened", path);
    }
}

static mlce_status walk(const char *path, double seconds) {
    mlce_child_limits limits = {
        .seconds = seconds, .cpu_seconds = CPU_SECONDS, .memory = MEMORY, .quiet = true};
    mlce_child_end end;
    mlce_status status = mlce_child_run(&limits, visit, (void *)(uintptr_t)path, &end);
    if (status)
        return mlce_fail_prefix(status, "%s: cannot be checked before it is opened: ", path);
    if (end.fate == MLCE_CHILD_TOO_LONG)
        return mlce_fail(MLCE_E_DATA,
                         "%s: reading it takes HDF5 more than %d seconds of computing, or %g in "
                         "all: the file is damaged, or its disk very slow (MLCE_WALK_SECONDS=N in "
                         "the environment allows more, 0 opens it unchecked)",
                         path, CPU_SECONDS, seconds);
    if (end.fate == MLCE_CHILD_CRASHED)
        return mlce_fail(MLCE_E_DATA,
                         "%s: reading it crashes the HDF5 library (%s): the file is damaged, do "
                         "not use it",
                         path, end.signal ? strsignal(end.signal) : "it ended itself");
    return refuse(path, end.result);
}

mlce_status mlce_h5_walk(const char *path) {
    identity file;
    mlce_status status = MLCE_OK;
    mlce_h5_lock();
    double seconds = seconds_of_walk();
    if (seconds > 0 && identify(path, &file) && !has_passed(&file)) {
        status = walk(path, seconds);
        if (!status) note_passed(&file);
    }
    mlce_h5_unlock();
    return status;
}

void mlce_h5_walk_skip(const char *path) {
    identity file;
    mlce_h5_lock();
    if (seconds_of_walk() > 0 && identify(path, &file)) note_passed(&file);
    mlce_h5_unlock();
}

void mlce_h5_walk_paths(const char *paths) {
    char **files;
    size_t count;
    if (mlce_dataset_expand(paths, &files, &count)) return;
    for (size_t n = 0; n < count; free(files[n++])) mlce_h5_walk(files[n]);
    free(files);
}

void mlce_h5_end_quietly(void) {
    H5dont_atexit();
}
