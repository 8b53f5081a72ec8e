/* hdf5_walk.h - an HDF5 file is read in a process apart before this one opens it.
 *
 * The HDF5 library is not safe against damaged files: a few changed bytes can crash it or keep it
 * busy for ever. So a forked process walks the file first: every group, every attribute, type,
 * shape and index of chunks, small datasets whole, of large ones the first and last row, as the
 * programs would read them. What HDF5 refuses in the walk is passed by: the caller meets it again
 * and says it better. Only a crash, a hang or a hunger for memory is an error, and where the walk
 * cannot come to all that the caller could open: too many objects, or a list that cannot be read.
 *
 * fork() is safe here as long as HDF5 is: the child, in which only the calling thread lives, takes
 * no lock but malloc's, and the caller holds mlce_h5_lock(), so that no call was cut in two. A
 * program that calls HDF5 from other threads without that lock, or has a build of HDF5 with locks
 * of its own, could stop the child: for such programs the library leaves the walk off until it is
 * asked for. The programs of mlce always have it on.
 */
#ifndef MLCE_DATA_HDF5_WALK_H
#define MLCE_DATA_HDF5_WALK_H

#include "mlce/status.h"

/* Walks the file, unless the walk is off (mlce_walk_files() in mlce/dataset.h) or the same file has
   passed before and was not changed since. May be called long before the file is opened, where
   fork() is safe: before threads start, before MPI_Init(). */
mlce_status mlce_h5_walk(const char *path);

/* A file that this process, or another of its run, has written need not be walked. */
void mlce_h5_walk_skip(const char *path);

/* Walks the files that mlce_dataset_open() would open; what is wrong is left for it to say. */
void mlce_h5_walk_paths(const char *paths);

/* For programs, before anything else of HDF5: where a damaged file left something open in it, HDF5
   would complain at exit, or end with an exit code of its own. */
void mlce_h5_end_quietly(void);

#endif
