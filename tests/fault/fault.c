/* fault.c - a library for LD_PRELOAD that makes one call of a program fail, or kills it there.
 *
 *   MLCE_FAULT=N:ERROR   call number N (from 1) fails with ERROR: EIO, ENOSPC, EDQUOT or EROFS; a
 *                        write first writes half of its bytes, as on a disk that is full. "kill"
 *                        ends the process as kill -9 does, before a rename and half way in a write;
 *                        "stop" stops it until SIGCONT, and the call goes on. With a '+' behind it
 *                        all calls from N on fail
 *   MLCE_FAULT_PATH      only files with this text in their paths count; for memory: "malloc"
 *   MLCE_FAULT_FROM      only allocations made by these count, a list of parts of the names of
 *                        the program and the libraries, "mlce-,libjansson". libc allocates for
 *                        its caller
 *   MLCE_FAULT_COUNT     a file that gets the number of calls that were counted
 *   MLCE_FAULT_STACK     a file that gets the stack of the first call that failed
 *
 * Counted are open, openat, fopen, opendir, pread, write, pwrite, close and fclose (of what was
 * written), fsync, ftruncate, rename, unlink, unlinkat, rmdir, mkdir and flock; with
 * MLCE_FAULT_PATH=malloc the allocations.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;
static long at; /* 0: no call fails */
static int error;
static bool kills, stops, from_there_on, memory;
static _Thread_local bool looking; /* what this library itself calls does not count */
static const char *path_part, *memory_from, *count_path, *stack_path;

__attribute__((constructor)) static void read_environment(void) {
    const char *fault = getenv("MLCE_FAULT");
    char name[16] = "";
    path_part = getenv("MLCE_FAULT_PATH");
    memory_from = getenv("MLCE_FAULT_FROM");
    count_path = getenv("MLCE_FAULT_COUNT");
    stack_path = getenv("MLCE_FAULT_STACK");
    backtrace(&(void *){NULL}, 1); /* loads what it needs, now and not within an allocation */
    if (!path_part) path_part = "";
    memory = strcmp(path_part, "malloc") == 0;
    if (!fault || sscanf(fault, "%ld:%15[a-zA-Z]", &at, name) != 2) return;
    from_there_on = strchr(fault, '+') != NULL;
    kills = strcmp(name, "kill") == 0;
    stops = strcmp(name, "stop") == 0;
    error = strcmp(name, "ENOSPC") == 0   ? ENOSPC
            : strcmp(name, "EDQUOT") == 0 ? EDQUOT
            : strcmp(name, "EROFS") == 0  ? EROFS
                                          : EIO;
}

__attribute__((destructor)) static void write_count(void) {
    if (!count_path) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)calls);
    looking = true;
    int file = open(count_path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || write(file, text, (size_t)length) != length) perror(count_path);
    if (file >= 0) close(file);
}

static void write_stack(void) {
    void *stack[64];
    const char *path = stack_path;
    stack_path = NULL;
    looking = true;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0) backtrace_symbols_fd(stack, backtrace(stack, 64), file);
    if (file >= 0) close(file);
    looking = false;
}

/* Counts a call; whether it is to fail, with errno set. */
static bool fails(void) {
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (!at || n < at || (n > at && !from_there_on)) return false;
    if (stack_path) write_stack();
    errno = error;
    if (stops) raise(SIGSTOP);
    return !stops;
}

/* Not those that a build for coverage writes. */
static bool is_counted(const char *path) {
    return strstr(path, path_part) && !strstr(path, ".gcda");
}

/* `path` may be relative to the current folder. */
static bool path_fails(const char *path) {
    char whole[4096] = "";
    if (memory || looking || !path) return false;
    if (*path != '/' && !getcwd(whole, sizeof whole)) return false;
    size_t used = strlen(whole);
    snprintf(whole + used, sizeof whole - used, "/%s", path);
    if (!is_counted(whole) || !fails()) return false;
    if (kills) raise(SIGKILL);
    return true;
}

static bool counts(int file) {
    char link[40], path[4096];
    if (memory || looking || !path_part) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return false;
    path[length] = '\0';
    return is_counted(path);
}

/* The same for a path that is relative to an open folder. */
static bool path_at_fails(int folder, const char *path) {
    if (folder == AT_FDCWD || *path == '/') return path_fails(path);
    if (!counts(folder) || !fails()) return false;
    if (kills) raise(SIGKILL);
    return true;
}

static bool file_fails(int file) {
    if (!counts(file) || !fails()) return false;
    if (kills) raise(SIGKILL);
    return true;
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

/* ---- Files ---- */

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        mode_t mode = 0;                                                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
            va_list arguments;                                                                     \
            va_start(arguments, flags);                                                            \
            mode = va_arg(arguments, mode_t);                                                      \
            va_end(arguments);                                                                     \
        }                                                                                          \
        return path_fails(path) ? -1 : REAL(name)(path, flags, mode);                              \
    }
OPEN(open)
OPEN(open64)

int openat(int folder, const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return path_at_fails(folder, path) ? -1 : REAL(openat)(folder, path, flags, mode);
}
DIR *opendir(const char *path) {
    return path_fails(path) ? NULL : REAL(opendir)(path);
}

FILE *fopen(const char *path, const char *mode) {
    return path_fails(path) ? NULL : REAL(fopen)(path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    return path_fails(path) ? NULL : REAL(fopen64)(path, mode);
}

static bool is_written(int file) {
    int flags = fcntl(file, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/* What is still in the stream's buffer is lost. */
int fclose(FILE *stream) {
    if (!is_written(fileno(stream)) || !file_fails(fileno(stream))) return REAL(fclose)(stream);
    int reason = errno;
    REAL(fclose)(stream);
    errno = reason;
    return EOF;
}

int close(int file) {
    bool failed = is_written(file) && file_fails(file);
    int reason = errno, result = REAL(close)(file);
    if (!failed) return result;
    errno = reason;
    return -1;
}

ssize_t write(int file, const void *bytes, size_t size) {
    if (!counts(file) || !fails()) return REAL(write)(file, bytes, size);
    ssize_t done = size > 1 ? REAL(write)(file, bytes, size / 2) : 0;
    if (kills) raise(SIGKILL);
    errno = error;
    (void)done;
    return -1;
}

#define PWRITE(name, offset_type)                                                                  \
    ssize_t name(int file, const void *bytes, size_t size, offset_type offset) {                   \
        if (!counts(file) || !fails()) return REAL(name)(file, bytes, size, offset);               \
        ssize_t done = size > 1 ? REAL(name)(file, bytes, size / 2, offset) : 0;                   \
        if (kills) raise(SIGKILL);                                                                 \
        errno = error;                                                                             \
        (void)done;                                                                                \
        return -1;                                                                                 \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PREAD(name, offset_type)                                                                   \
    ssize_t name(int file, void *bytes, size_t size, offset_type offset) {                         \
        return file_fails(file) ? -1 : REAL(name)(file, bytes, size, offset);                      \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

int fsync(int file) {
    return file_fails(file) ? -1 : REAL(fsync)(file);
}
int ftruncate(int file, off_t size) {
    return file_fails(file) ? -1 : REAL(ftruncate)(file, size);
}
int flock(int file, int operation) {
    return file_fails(file) ? -1 : REAL(flock)(file, operation);
}
int rename(const char *from, const char *to) {
    return path_fails(to) ? -1 : REAL(rename)(from, to);
}
int unlink(const char *path) {
    return path_fails(path) ? -1 : REAL(unlink)(path);
}
int unlinkat(int folder, const char *path, int flags) {
    return path_at_fails(folder, path) ? -1 : REAL(unlinkat)(folder, path, flags);
}
int rmdir(const char *path) {
    return path_fails(path) ? -1 : REAL(rmdir)(path);
}
int mkdir(const char *path, mode_t mode) {
    return path_fails(path) ? -1 : REAL(mkdir)(path, mode);
}

/* ---- Memory ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* 1 and 0: whether one of memory_from is the program or library of this address; -1: it is libc,
   whose caller matters. */
static int is_from(const void *address) {
    Dl_info object;
    if (!dladdr(address, &object)) return 0;
    const char *name = strrchr(object.dli_fname, '/');
    name = name ? name + 1 : object.dli_fname;
    if (!strncmp(name, "libc.so", 7) || !strncmp(name, "ld-linux", 8)) return -1;
    char list[256];
    snprintf(list, sizeof list, "%s", memory_from);
    for (char *rest = list, *part; (part = strsep(&rest, ","));)
        if (strstr(name, part)) return 1;
    return 0;
}

static bool memory_fails(const void *caller) {
    if (!memory || looking) return false;
    looking = true;
    int from = memory_from ? is_from(caller) : 1;
    void *stack[24];
    int depth = from < 0 ? backtrace(stack, 24) : 0;
    /* 0 and 1 are this function and malloc() or the like */
    for (int i = 2; i < depth && from < 0; i++) from = is_from(stack[i]);
    looking = false;
    if (from <= 0 || !fails()) return false;
    if (kills) raise(SIGKILL);
    errno = ENOMEM;
    return true;
}

#define FAILS memory_fails(__builtin_return_address(0))
void *malloc(size_t size) {
    return FAILS ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    return FAILS ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
    return FAILS ? NULL : __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    return FAILS ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **memory_made, size_t alignment, size_t size) {
    if (FAILS || !(*memory_made = __libc_memalign(alignment, size))) return ENOMEM;
    return 0;
}
