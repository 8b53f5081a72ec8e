/* hdf5_driver.h - how HDF5 reaches a file that is written: failures are kept, not passed on.
 *
 * HDF5 1.10 frees a file whose last flush failed (a full disk) but keeps its id, and crashes when
 * the process ends. So this driver never fails to write: it keeps the first error, ignores every
 * write after it, and the file's owner asks for the error.
 */
#ifndef MLCE_DATA_HDF5_DRIVER_H
#define MLCE_DATA_HDF5_DRIVER_H

#include <hdf5.h>

/* Sets the driver in a file access list. *error, which must outlive the file, gets the errno of
   the first failure. Negative on failure; call under mlce_h5_lock(). */
herr_t mlce_h5_set_driver(hid_t access, int *error);

#endif
