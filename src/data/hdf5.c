/* hdf5.c - the lock, messages, files, attributes. */
#include "data/hdf5.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/hdf5_driver.h"
#include "data/hdf5_walk.h"
#include "mlce/memory.h"

/* ---- The lock ---- */

static pthread_mutex_t lock;
static pthread_once_t lock_made = PTHREAD_ONCE_INIT;

/* Guarded by the lock itself. */
static int depth;
static H5E_auto2_t callers_handler;
static void *callers_context;

static void make_lock(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void mlce_h5_lock(void) {
    pthread_once(&lock_made, make_lock);
    pthread_mutex_lock(&lock);
    if (depth++) return;
    H5Eget_auto2(H5E_DEFAULT, &callers_handler, &callers_context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void mlce_h5_unlock(void) {
    if (--depth == 0) H5Eset_auto2(H5E_DEFAULT, callers_handler, callers_context);
    pthread_mutex_unlock(&lock);
}

/* ---- Messages ---- */

enum { CAUSE_SIZE = 512 };

/* Walking upward, the first entry is the innermost call: the root cause. Where a filter is missing
   that is the search for a plugin, and the filter is named by a call further out. */
static herr_t keep_cause(unsigned index, const H5E_error2_t *error, void *cause) {
    if (error->desc && (index == 0 || strstr(error->desc, "required filter")))
        snprintf(cause, CAUSE_SIZE, "%s", error->desc);
    return 0;
}

static void root_cause(char cause[CAUSE_SIZE]) {
    cause[0] = '\0';
    hid_t stack = H5Eget_current_stack();
    if (stack < 0) return;
    H5Ewalk2(stack, H5E_WALK_UPWARD, keep_cause, cause);
    H5Eclose_stack(stack);
    for (size_t length = strlen(cause); length && strchr("\n .", cause[length - 1]);)
        cause[--length] = '\0';
}

mlce_status mlce_h5_fail(mlce_status status, const char *path, const char *format, ...) {
    char cause[CAUSE_SIZE], what[1024];
    mlce_h5_lock();
    root_cause(cause);
    mlce_h5_unlock();
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    bool is_damaged = strstr(cause, "checksum");
    return mlce_fail(status, "%s: %s%s%s%s", path, what, cause[0] ? ": " : "", cause,
                     is_damaged ? "; the file is damaged: take a copy of it, or write it again"
                                : "");
}

/* ---- Files ---- */

static mlce_status check_readable(const char *path) {
    struct stat status;
    if (stat(path, &status) || (!S_ISDIR(status.st_mode) && access(path, R_OK)))
        return mlce_fail(MLCE_E_IO, "%s: cannot open: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return mlce_fail(MLCE_E_IO, "%s: is a folder, expected an HDF5 file", path);
    if (!S_ISREG(status.st_mode)) /* opening a pipe would wait for a writer */
        return mlce_fail(MLCE_E_IO, "%s: is no regular file, expected an HDF5 file", path);
    return MLCE_OK;
}

static mlce_status open_file(const char *path, hid_t *id) {
    if (H5Fis_hdf5(path) <= 0)
        return mlce_fail(MLCE_E_DATA,
                         "%s: is not an HDF5 file, or only the beginning of one; mlce-data convert "
                         "makes datasets of annotated text",
                         path);
    *id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (*id >= 0) return MLCE_OK;
    mlce_h5_fail(MLCE_E_DATA, path, "cannot read");
    if (strstr(mlce_last_error(), "truncated file"))
        return mlce_fail(MLCE_E_DATA, "%s; its end is missing: copy or write it again",
                         mlce_last_error());
    return MLCE_E_DATA;
}

mlce_status mlce_h5_open(const char *path, mlce_h5 *file) {
    *file = (mlce_h5){0};
    mlce_status status = check_readable(path);
    if (!status) status = mlce_h5_walk(path);
    if (status) return status;
    if (!(file->path = mlce_strdup(path))) return MLCE_E_MEMORY;
    mlce_h5_lock();
    status = open_file(path, &file->id);
    mlce_h5_unlock();
    if (!status) return MLCE_OK;
    free(file->path);
    *file = (mlce_h5){0};
    return status;
}

/* HDF5 does not say why: the driver knows. */
mlce_status mlce_h5_check_written(const mlce_h5 *file) {
    if (!file->write_error || !*file->write_error) return MLCE_OK;
    return mlce_fail(MLCE_E_IO, "%s: cannot write: %s", file->path, strerror(*file->write_error));
}

/* `is_new`: a new, empty file, in place of what stands there. */
static mlce_status open_to_write(const char *path, bool is_new, mlce_h5 *file) {
    mlce_status status = MLCE_OK;
    /* Closing closes what is still open in the file, so that it is whole on disk. */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        mlce_h5_set_driver(access, file->write_error) < 0 ||
        (file->id = is_new ? H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access)
                           : H5Fopen(path, H5F_ACC_RDWR, access)) < 0) {
        file->id = 0;
        status = mlce_h5_fail(MLCE_E_IO, file->path, "cannot write");
        if (mlce_h5_check_written(file)) status = MLCE_E_IO; /* the plainer message */
    }
    if (access >= 0) H5Pclose(access);
    return status;
}

static void free_file(mlce_h5 *file) {
    free(file->path);
    free(file->write_error);
    *file = (mlce_h5){0};
}

static mlce_status begin_writing(const char *path, const char *shown, bool is_new, mlce_h5 *file) {
    *file = (mlce_h5){.path = mlce_strdup(shown),
                      .write_error = mlce_calloc(1, sizeof *file->write_error)};
    mlce_status status = MLCE_E_MEMORY;
    if (file->path && file->write_error) {
        mlce_h5_lock();
        status = open_to_write(path, is_new, file);
        mlce_h5_unlock();
    }
    if (status) free_file(file);
    return status;
}

mlce_status mlce_h5_create(const char *path, const char *shown, mlce_h5 *file) {
    return begin_writing(path, shown, true, file);
}

mlce_status mlce_h5_change(const char *path, const char *shown, mlce_h5 *file) {
    return begin_writing(path, shown, false, file);
}

mlce_status mlce_h5_close(mlce_h5 *file) {
    mlce_status status = MLCE_OK;
    if (file->id > 0) {
        mlce_h5_lock();
        if (H5Fclose(file->id) < 0) {
            status = mlce_h5_fail(MLCE_E_IO, file->path, "cannot finish the file");
            file->write_error = NULL; /* HDF5 closes it at exit, and may then write to it */
        }
        mlce_h5_unlock();
    }
    if (!status) status = mlce_h5_check_written(file);
    free_file(file);
    return status;
}

/* 1: a group, 0: something else, -1: cannot be told. */
static int is_group(hid_t file, const char *name) {
    H5O_info_t info;
    if (H5Oget_info_by_name2(file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return -1;
    return info.type == H5O_TYPE_GROUP;
}

/* 1: it is there, 0: it is not, -1: cannot be told. H5Lexists() wants every group on the way to
   exist: asks for each prefix in turn. */
static int find(hid_t file, const char *name) {
    char prefix[256];
    size_t length = strlen(name);
    if (length >= sizeof prefix) return 0;
    for (size_t end = 2; end <= length; end++) {
        if (end < length && name[end] != '/') continue;
        memcpy(prefix, name, end);
        prefix[end] = '\0';
        int found = H5Lexists(file, prefix, H5P_DEFAULT);
        if (found > 0 && end < length) found = is_group(file, prefix);
        if (found <= 0) return found;
    }
    return 1;
}

mlce_status mlce_h5_find(const mlce_h5 *file, const char *name, bool *found) {
    mlce_status status = MLCE_OK;
    mlce_h5_lock();
    int answer = find(file->id, name);
    if (answer < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "cannot tell whether it has %s", name);
    mlce_h5_unlock();
    *found = answer > 0;
    return status;
}

/* ---- Attributes ---- */

mlce_status mlce_h5_find_attribute(const mlce_h5 *file, const char *name, const char *attribute,
                                   bool *found) {
    mlce_status status = MLCE_OK;
    mlce_h5_lock();
    htri_t answer = H5Aexists_by_name(file->id, name, attribute, H5P_DEFAULT);
    if (answer < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path,
                              "cannot tell whether %s has the attribute %s", name, attribute);
    mlce_h5_unlock();
    *found = answer > 0;
    return status;
}

/* An open attribute of one value with its type. */
typedef struct attribute_handle {
    hid_t id, type;
} attribute_handle;

static void close_attribute(attribute_handle *handle) {
    if (handle->type >= 0) H5Tclose(handle->type);
    if (handle->id >= 0) H5Aclose(handle->id);
}

/* `class` is the class of types it must have, `noun` how to call it. */
static mlce_status open_attribute(const mlce_h5 *file, const char *name, const char *attribute,
                                  H5T_class_t class, const char *noun, attribute_handle *handle) {
    handle->type = -1;
    handle->id = H5Aopen_by_name(file->id, name, attribute, H5P_DEFAULT, H5P_DEFAULT);
    if (handle->id < 0 || (handle->type = H5Aget_type(handle->id)) < 0)
        return mlce_h5_fail(MLCE_E_DATA, file->path, "cannot read the attribute %s of %s",
                            attribute, name);
    hid_t space = H5Aget_space(handle->id);
    hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    if (space >= 0) H5Sclose(space);
    if (count != 1 || H5Tget_class(handle->type) != class)
        return mlce_fail(MLCE_E_DATA, "%s: the attribute %s of %s must be one %s", file->path,
                         attribute, name, noun);
    return MLCE_OK;
}

/* H5Aget_type() gives the type as it is in memory: fit for reading as it stands. */
static mlce_status read_variable_text(const attribute_handle *handle, char **text) {
    char *found = NULL;
    if (H5Aread(handle->id, handle->type, &found) < 0) return MLCE_E_DATA;
    *text = mlce_strdup(found ? found : "");
    H5free_memory(found);
    return *text ? MLCE_OK : MLCE_E_MEMORY;
}

static mlce_status read_fixed_text(const attribute_handle *handle, char **text) {
    size_t size = H5Tget_size(handle->type);
    if (!(*text = mlce_calloc(size + 1, 1))) return MLCE_E_MEMORY;
    if (H5Aread(handle->id, handle->type, *text) < 0) return MLCE_E_DATA;
    if (H5Tget_strpad(handle->type) == H5T_STR_SPACEPAD)
        while (size && (*text)[size - 1] == ' ') (*text)[--size] = '\0';
    return MLCE_OK;
}

mlce_status mlce_h5_read_text(const mlce_h5 *file, const char *name, const char *attribute,
                              char **text) {
    *text = NULL;
    attribute_handle handle;
    mlce_h5_lock();
    mlce_status status = open_attribute(file, name, attribute, H5T_STRING, "string", &handle);
    if (!status) {
        status = H5Tis_variable_str(handle.type) > 0 ? read_variable_text(&handle, text)
                                                     : read_fixed_text(&handle, text);
        if (status == MLCE_E_DATA)
            mlce_h5_fail(status, file->path, "cannot read the attribute %s of %s", attribute, name);
    }
    close_attribute(&handle);
    mlce_h5_unlock();
    if (status) {
        free(*text);
        *text = NULL;
    }
    return status;
}

mlce_status mlce_h5_read_integer(const mlce_h5 *file, const char *name, const char *attribute,
                                 int64_t *value) {
    attribute_handle handle;
    mlce_h5_lock();
    mlce_status status = open_attribute(file, name, attribute, H5T_INTEGER, "integer", &handle);
    if (!status && H5Aread(handle.id, H5T_NATIVE_INT64, value) < 0)
        status = mlce_h5_fail(MLCE_E_DATA, file->path, "cannot read the attribute %s of %s",
                              attribute, name);
    close_attribute(&handle);
    mlce_h5_unlock();
    return status;
}

static mlce_status write_attribute(const mlce_h5 *file, const char *name, const char *attribute,
                                   hid_t file_type, hid_t memory_type, const void *value) {
    mlce_status status = MLCE_OK;
    if (H5Aexists_by_name(file->id, name, attribute, H5P_DEFAULT) > 0)
        H5Adelete_by_name(file->id, name, attribute, H5P_DEFAULT);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5Acreate_by_name(file->id, name, attribute, file_type, space, H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0 || H5Awrite(id, memory_type, value) < 0)
        status = mlce_h5_fail(MLCE_E_IO, file->path, "cannot write the attribute %s of %s",
                              attribute, name);
    if (id >= 0) H5Aclose(id);
    H5Sclose(space);
    return status;
}

mlce_status mlce_h5_write_text(const mlce_h5 *file, const char *name, const char *attribute,
                               const char *text) {
    mlce_h5_lock();
    hid_t type = mlce_h5_string_type();
    mlce_status status = write_attribute(file, name, attribute, type, type, &text);
    H5Tclose(type);
    mlce_h5_unlock();
    return status;
}

mlce_status mlce_h5_write_integer(const mlce_h5 *file, const char *name, const char *attribute,
                                  int64_t value) {
    mlce_h5_lock();
    mlce_status status =
        write_attribute(file, name, attribute, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
    mlce_h5_unlock();
    return status;
}
