/* hdf5_edit.h - HDF5 files that are right as HDF5 but hold anything: a good file and a list of
 * edits, which the fuzzer makes up. (HDF5 itself does not survive changed bytes; see damaged/.)
 *
 * An edit is four bytes - object, kind of edit, a parameter, the length of its payload - and the
 * payload. What is cut off at the end is ignored.
 */
#ifndef HDF5_EDIT_H
#define HDF5_EDIT_H

#include "fuzz.h"

/* A file as it stands on disk, with all names in it. */
typedef struct hdf5_base {
    uint8_t *bytes;
    size_t size;
    char *objects[64]; /* full paths; [0] is "/" */
    int count;
} hdf5_base;

/* Reads the file, removes it, and adds `more` (ended by NULL), names of what is not in it. */
void mlce_fuzz_base_read(hdf5_base *base, const char *path, const char *const *more);
/* The path of the edited file, in memory. */
const char *mlce_fuzz_edit(const hdf5_base *base, const uint8_t *edits, size_t size);

#endif
