/* hdf5.h - the little of HDF5 that datasets, checkpoints and exporters share.
 *
 * Debian's HDF5 is not safe to call from two threads: every function here takes one global lock,
 * and code that calls HDF5 itself stands between mlce_h5_lock() and mlce_h5_unlock().
 *
 * Names of objects are full paths inside the file ("/tokens/text"). A message begins with the
 * path of the file and the name, and ends with the root cause that HDF5 gives.
 */
#ifndef MLCE_DATA_HDF5_H
#define MLCE_DATA_HDF5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlce/dataset.h"

/* Recursive. While it is held HDF5 prints nothing; the error handler that the program may have
   set itself is back after the last unlock. */
void mlce_h5_lock(void);
void mlce_h5_unlock(void);

/* "path: what: root cause" with the root cause of the HDF5 call that failed just before (no other
   HDF5 call in between: each clears the last one's errors), or "path: what" where it left none. */
mlce_status mlce_h5_fail(mlce_status status, const char *path, const char *format, ...)
    MLCE_PRINTF(3, 4);

/* ---- Files ---- */

/* An open file. {0} is none, and may be closed. */
typedef struct mlce_h5 {
    hid_t id;
    char *path;
    int *write_error; /* errno of the first write that failed, 0; NULL for a file that is read */
} mlce_h5;

/* Where files are walked (hdf5_walk.h), this one is walked first. */
mlce_status mlce_h5_open(const char *path, mlce_h5 *file);
/* A new, empty file; replaces what stands at `path`. `shown` is the path that messages name. */
mlce_status mlce_h5_create(const char *path, const char *shown, mlce_h5 *file);
/* A file that stands at `path`, to be changed. */
mlce_status mlce_h5_change(const char *path, const char *shown, mlce_h5 *file);
/* A write that fails (a full disk) makes no later call fail: this tells, and so does closing. */
mlce_status mlce_h5_check_written(const mlce_h5 *file);
/* Frees `file` whether it succeeds or not. The failures matter after writing. */
mlce_status mlce_h5_close(mlce_h5 *file);

/* Whether it has `name`. Fails where that cannot be told, as on a disk with an error: what cannot
   be looked for is not taken to be absent. */
mlce_status mlce_h5_find(const mlce_h5 *file, const char *name, bool *found);

/* ---- Attributes of the object `name` ("/" is the file itself); at most 64 KiB each. Writing one
   replaces what stood under its name ---- */

/* Whether the object, which exists, has the attribute; as mlce_h5_find(). */
mlce_status mlce_h5_find_attribute(const mlce_h5 *file, const char *name, const char *attribute,
                                   bool *found);
/* A string of fixed or variable length, on the heap for the caller to free. */
mlce_status mlce_h5_read_text(const mlce_h5 *file, const char *name, const char *attribute,
                              char **text);
mlce_status mlce_h5_write_text(const mlce_h5 *file, const char *name, const char *attribute,
                               const char *text);
mlce_status mlce_h5_read_integer(const mlce_h5 *file, const char *name, const char *attribute,
                                 int64_t *value);
mlce_status mlce_h5_write_integer(const mlce_h5 *file, const char *name, const char *attribute,
                                  int64_t value);

/* ---- Datasets, whole; writing one makes the groups on its way ---- */

typedef struct mlce_h5_shape {
    int rank; /* 0 .. 3 */
    size_t size[3];
    size_t count; /* of all elements */
} mlce_h5_shape;

/* A dataset of more than three dimensions is refused. */
mlce_status mlce_h5_shape_of(const mlce_h5 *file, const char *name, mlce_h5_shape *shape);

/* Strings with their bytes. {0} is none, and may be freed. */
typedef struct mlce_h5_strings {
    size_t count;
    char **items; /* [count] into bytes */
    char *bytes;
} mlce_h5_strings;

/* One string or a list of them; fixed or variable length, any padding. */
mlce_status mlce_h5_read_strings(const mlce_h5 *file, const char *name, mlce_h5_strings *strings);
void mlce_h5_strings_free(mlce_h5_strings *strings);
mlce_status mlce_h5_write_strings(const mlce_h5 *file, const char *name, const char *const *items,
                                  size_t count);

/* Integers of any size and byte order, on the heap for the caller to free. */
mlce_status mlce_h5_read_integers(const mlce_h5 *file, const char *name, int64_t **values,
                                  mlce_h5_shape *shape);

/* Floats of any size and byte order, on the heap for the caller to free. */
mlce_status mlce_h5_read_floats(const mlce_h5 *file, const char *name, float **values,
                                mlce_h5_shape *shape);
/* A [rows, columns] dataset of floats, on the heap for the caller to free. */
mlce_status mlce_h5_read_matrix(const mlce_h5 *file, const char *name, float **values, size_t *rows,
                                size_t *columns);
mlce_status mlce_h5_write_matrix(const mlce_h5 *file, const char *name, const float *values,
                                 size_t rows, size_t columns, mlce_precision precision);

/* ---- For code that reads and writes parts of datasets ---- */

/* A little-endian (in memory: native) type, to be closed with H5Tclose(). */
hid_t mlce_h5_float_type(mlce_precision precision, bool in_memory);
/* Strings of variable length in UTF-8, to be closed with H5Tclose(). */
hid_t mlce_h5_string_type(void);
/* Opens a dataset. One that has a size but was not, or not wholly, written is refused, and one that
   is stored in a file beside. */
mlce_status mlce_h5_open_dataset(const mlce_h5 *file, const char *name, hid_t access,
                                 hid_t *dataset);
/* Creates a dataset; `chunk` NULL: contiguous and of that size for good, else it may grow along
   its first dimension, and chunks of numbers have checksums. */
mlce_status mlce_h5_create_dataset(const mlce_h5 *file, const char *name, hid_t type, int rank,
                                   const hsize_t *size, const hsize_t *chunk, hid_t *dataset);

#endif
