/* folder_lock.h - one process at a time in a folder. */
#ifndef MLCE_CORE_FOLDER_LOCK_H
#define MLCE_CORE_FOLDER_LOCK_H

#include "mlce/status.h"

#define MLCE_FOLDER_LOCK ".lock"

/* Keeps other processes out of the folder, which exists, until mlce_folder_unlock() or the end of
   this process, however it comes. MLCE_E_IO where another one has it. The file that is locked stays
   in the folder, with the number of the last process that had it. */
mlce_status mlce_folder_lock(const char *folder, int *lock);
/* Whether the lock is still that of the folder. MLCE_E_IO where the folder was moved or removed, or
   another one has its name, since it was locked: then it is not this process's to write in. */
mlce_status mlce_folder_lock_check(const char *folder, int lock);
/* -1 is no lock. */
void mlce_folder_unlock(int lock);

#endif
