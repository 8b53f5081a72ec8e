/* folder_lock.c - one process at a time in a folder. */
#include "core/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mlce/memory.h"

static mlce_status refuse_second(const char *folder, int file) {
    char owner[32] = "";
    ssize_t length = pread(file, owner, sizeof owner - 1, 0);
    owner[length > 0 ? length : 0] = '\0';
    return mlce_fail(MLCE_E_IO,
                     "%s: another process works in this folder (number %s): wait for it, or "
                     "choose another folder",
                     folder, *owner ? owner : "unknown");
}

static void write_owner(int file, const char *path) {
    char owner[32];
    int length = snprintf(owner, sizeof owner, "%ld", (long)getpid());
    if (ftruncate(file, 0) || pwrite(file, owner, (size_t)length, 0) != length)
        mlce_log(MLCE_LOG_WARNING, "%s: cannot write: %s", path, strerror(errno));
}

/* On the heap. */
static char *lock_path(const char *folder) {
    size_t size = strlen(folder) + sizeof "/" MLCE_FOLDER_LOCK;
    char *path = mlce_calloc(size, 1);
    if (path) snprintf(path, size, "%s/" MLCE_FOLDER_LOCK, folder);
    return path;
}

mlce_status mlce_folder_lock(const char *folder, int *lock) {
    char *path = lock_path(folder);
    mlce_status status = MLCE_OK;
    *lock = -1;
    if (!path) return MLCE_E_MEMORY;
    int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0) {
        status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", path, strerror(errno));
    } else if (flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        status = refuse_second(folder, file);
        close(file);
    } else { /* or on a file system without locks */
        write_owner(file, path);
        *lock = file;
    }
    free(path);
    return status;
}

mlce_status mlce_folder_lock_check(const char *folder, int lock) {
    struct stat locked, there;
    if (lock < 0) return MLCE_OK;
    char *path = lock_path(folder);
    if (!path) return MLCE_E_MEMORY;
    mlce_status status = MLCE_OK;
    if (fstat(lock, &locked) || stat(path, &there))
        status = mlce_fail(
            MLCE_E_IO, "%s: %s: the folder was moved or removed while this process worked in it",
            path, strerror(errno));
    else if (locked.st_dev != there.st_dev || locked.st_ino != there.st_ino)
        status = mlce_fail(MLCE_E_IO,
                           "%s: the folder was moved or removed while this process worked in it, "
                           "and another one has taken its place: that one is left alone",
                           folder);
    free(path);
    return status;
}

void mlce_folder_unlock(int lock) {
    if (lock >= 0) close(lock);
}
