/* hdf5_visit.h - touches all that is in an HDF5 file: what the process of a walk does. */
#ifndef MLCE_DATA_HDF5_VISIT_H
#define MLCE_DATA_HDF5_VISIT_H

typedef enum mlce_h5_visit_result {
    MLCE_H5_VISIT_PASSED, /* also where HDF5 refused parts of it, or the whole file */
    MLCE_H5_VISIT_MEMORY, /* memory that HDF5 wanted was not to be had */
    MLCE_H5_VISIT_NONE    /* there was no memory to begin with */
} mlce_h5_visit_result;

/* Opens the file and reads it as hdf5_walk.h says. Calls HDF5 without a lock. */
mlce_h5_visit_result mlce_h5_visit(const char *path);

#endif
