/* folder_lock.h - one process at a time in a folder. */
#ifndef MLCE_CORE_FOLDER_LOCK_H
#define MLCE_CORE_FOLDER_LOCK_H

#include <stdbool.h>

#include "mlce/status.h"

#define MLCE_FOLDER_LOCK ".lock"

/* Keeps other processes out of the folder, which exists, until mlce_folder_unlock() or the end of
   this process, however it comes. MLCE_E_IO where another one has it. With `make` the file that is
   locked is made where it is missing, and gets the number of this process; without, a folder that
   has none is not locked (*lock -1). */
mlce_status mlce_folder_lock(const char *folder, bool make, int *lock);
/* -1 is no lock. */
void mlce_folder_unlock(int lock);

#endif
