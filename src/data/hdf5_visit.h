/* hdf5_visit.h - touches all that is in an HDF5 file: what the process of a walk does. */
#ifndef MLCE_DATA_HDF5_VISIT_H
#define MLCE_DATA_HDF5_VISIT_H

/* Far more than the programs write or need. */
enum {
    MLCE_H5_MOST_OBJECTS = 50000,
    MLCE_H5_MOST_ATTRIBUTES = 1000, /* of an object */
    MLCE_H5_MOST_DEPTH = 64         /* of groups */
};

typedef enum mlce_h5_visit_result {
    MLCE_H5_VISIT_PASSED,   /* also where HDF5 refused parts of it, or the whole file */
    MLCE_H5_VISIT_MEMORY,   /* memory that HDF5 wanted was not to be had */
    MLCE_H5_VISIT_TOO_MUCH, /* it has more than the limits above, and what is behind was not seen */
    MLCE_H5_VISIT_UNLISTED, /* a list of objects or attributes cannot be read, so neither */
    MLCE_H5_VISIT_NONE      /* there was no memory to begin with */
} mlce_h5_visit_result;

/* Opens the file and reads it as hdf5_walk.h says. Calls HDF5 without a lock. */
mlce_h5_visit_result mlce_h5_visit(const char *path);

#endif
