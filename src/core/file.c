/* file.c - files and folders that are written whole or not at all. */
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mlce/memory.h"

static const char SUFFIX[] = ".part";

mlce_status mlce_file_open(const char *path, bool may_miss, FILE **file) {
    struct stat info;
    int number = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    *file = NULL;
    if (number < 0 && errno == ENOENT && may_miss) return MLCE_OK;
    if (number >= 0 && !fstat(number, &info) && !S_ISREG(info.st_mode)) {
        close(number);
        return mlce_fail(MLCE_E_IO, "%s: is no regular file", path);
    }
    if (number >= 0) *file = fdopen(number, "rb");
    if (*file) return MLCE_OK;
    mlce_status status = mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    if (number >= 0) close(number);
    return status;
}

/* The file that `path` leads to through symbolic links, or `path` itself where there is none. */
static char *resolve(const char *path, mlce_links links) {
    char *target = links == MLCE_LINKS_FOLLOWED ? realpath(path, NULL) : NULL;
    bool is_path = links == MLCE_LINKS_REPLACED || errno == ENOENT;
    return target || !is_path ? target : mlce_strdup(path);
}

/* Only a regular file, or a link that stays none, can be replaced by another: a rename would remove
   a device or a pipe. */
static bool can_be_replaced(const char *target) {
    struct stat info;
    if (lstat(target, &info)) return errno == ENOENT;
    if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) return true;
    errno = S_ISDIR(info.st_mode) ? EISDIR : EEXIST;
    return false;
}

char *mlce_file_begin(const char *path, mlce_links links) {
    char *target = resolve(path, links);
    size_t size = target ? strlen(target) + sizeof SUFFIX : 0;
    char *part = target ? mlce_calloc(size, 1) : NULL;
    if (part) snprintf(part, size, "%s%s", target, SUFFIX);
    if (!part || !can_be_replaced(target) || (unlink(part) && errno != ENOENT)) {
        mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path,
                  errno == EEXIST ? "it is a device or a pipe, not a file" : strerror(errno));
        free(part);
        part = NULL;
    }
    free(target);
    return part;
}

void mlce_file_abandon(char *part) {
    if (!part) return;
    unlink(part);
    free(part);
}

static int sync_path(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC);
    if (file < 0) return -1;
    int result = fsync(file);
    int error = errno;
    close(file);
    errno = error;
    return result;
}

/* Some file systems cannot sync a folder, and say EINVAL. */
static int sync_folder(const char *path) {
    return sync_path(path, O_RDONLY | O_DIRECTORY) && errno != EINVAL ? -1 : 0;
}

int mlce_file_sync_parent(const char *path) {
    char *copy = mlce_strdup(path);
    if (!copy) {
        errno = ENOMEM;
        return -1;
    }
    int result = sync_folder(dirname(copy)), error = errno;
    free(copy);
    errno = error;
    return result;
}

/* What the part becomes; on the heap. */
static char *target_of(const char *part) {
    char *target = mlce_strdup(part);
    if (target) target[strlen(part) - strlen(SUFFIX)] = '\0';
    return target;
}

mlce_status mlce_file_commit(char *part, const char *path) {
    mlce_status status = MLCE_OK;
    char *target = target_of(part);
    if (!target)
        status = MLCE_E_MEMORY;
    else if (sync_path(part, O_RDONLY) || rename(part, target) || mlce_file_sync_parent(target))
        status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    free(target);
    if (status)
        mlce_file_abandon(part);
    else
        free(part);
    return status;
}

/* ---- Folders ---- */

/* Removes a folder of files; whether it is gone. */
static bool remove_folder(const char *path) {
    int file = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 && (errno == ENOTDIR || errno == ELOOP)) return unlink(path) == 0;
    DIR *folder = file < 0 ? NULL : fdopendir(file);
    if (!folder) {
        if (file >= 0) close(file);
        return file < 0 && errno == ENOENT;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." stay */
    closedir(folder);
    return rmdir(path) == 0;
}

static bool is_empty_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return false;
    int entries = 0;
    while (entries <= 2 && readdir(folder)) entries++;
    closedir(folder);
    return entries <= 2;
}

char *mlce_folder_begin(const char *path) {
    struct stat info;
    if (!stat(path, &info) && (!is_empty_folder(path) || mlce_file_is_same(path, "."))) {
        mlce_fail(MLCE_E_IO, "%s: exists already: name a new folder, or an empty one", path);
        return NULL;
    }
    char *target = resolve(path, MLCE_LINKS_FOLLOWED);
    size_t length = target ? strlen(target) : 0, size = length + sizeof SUFFIX;
    while (length > 1 && target[length - 1] == '/') length--;
    char *part = target ? mlce_calloc(size, 1) : NULL;
    if (part) snprintf(part, size, "%.*s%s", (int)length, target, SUFFIX);
    if (!part || !remove_folder(part) || mkdir(part, 0777)) {
        mlce_fail(MLCE_E_IO, "%s: cannot make the folder: %s", path, strerror(errno));
        free(part);
        part = NULL;
    }
    free(target);
    return part;
}

void mlce_folder_abandon(char *part) {
    if (!part) return;
    remove_folder(part);
    free(part);
}

/* fsync of each file of a folder. */
static int sync_files(const char *path) {
    DIR *folder = opendir(path);
    int result = folder ? 0 : -1;
    for (struct dirent *entry; !result && (entry = readdir(folder));) {
        int file = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file < 0 || (fsync(file) && errno != EINVAL)) result = -1;
        if (file >= 0) close(file);
    }
    if (folder) closedir(folder);
    return result;
}

mlce_status mlce_folder_commit(char *part, const char *path) {
    mlce_status status = MLCE_OK;
    char *target = target_of(part);
    if (!target)
        status = MLCE_E_MEMORY;
    else if (sync_files(part) || sync_folder(part) || rename(part, target) ||
             mlce_file_sync_parent(target))
        status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    free(target);
    if (status)
        mlce_folder_abandon(part);
    else
        free(part);
    return status;
}

bool mlce_file_is_same(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

mlce_status mlce_file_is_read(const char *output) {
    return mlce_fail(MLCE_E_ARGUMENT, "%s: is read by this command: write to another file", output);
}

bool mlce_file_is_link(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

mlce_status mlce_file_write_text(const char *path, mlce_links links, const char *text) {
    char *part = mlce_file_begin(path, links);
    if (!part) return MLCE_E_IO;
    FILE *file = fopen(part, "w");
    int failed = !file || fputs(text, file) == EOF;
    if (file && fclose(file)) failed = 1;
    if (failed) {
        mlce_status status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
        mlce_file_abandon(part);
        return status;
    }
    return mlce_file_commit(part, path);
}
