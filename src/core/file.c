/* file.c - files that are written whole or not at all. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mlce/memory.h"

char *mlce_file_begin(const char *path) {
    size_t size = strlen(path) + sizeof ".part";
    char *part = mlce_calloc(size, 1);
    if (!part) return NULL;
    snprintf(part, size, "%s.part", path);
    if (unlink(part) && errno != ENOENT) {
        mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
        free(part);
        return NULL;
    }
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

mlce_status mlce_file_commit(char *part, const char *path) {
    mlce_status status = MLCE_OK;
    char *copy = mlce_strdup(path);
    if (!copy)
        status = MLCE_E_MEMORY;
    else if (sync_path(part, O_RDONLY) || rename(part, path) ||
             sync_path(dirname(copy), O_RDONLY | O_DIRECTORY))
        status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    free(copy);
    if (status)
        mlce_file_abandon(part);
    else
        free(part);
    return status;
}

mlce_status mlce_file_write_text(const char *path, const char *text) {
    char *part = mlce_file_begin(path);
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
