/* file.h - files and folders that are written whole or not at all. */
#ifndef MLCE_CORE_FILE_H
#define MLCE_CORE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "mlce/status.h"

/* Opens a file that lies in a folder which is read: what is no regular file is refused, as a pipe
   would be waited for. With `may_miss` *file is NULL where there is none. */
mlce_status mlce_file_open(const char *path, bool may_miss, FILE **file);

/* What a symbolic link as `path` is: the file that it leads to, which is meant where a user gives
   the path; or what is to be replaced, as in a run's folder, where a link could lead anywhere. */
typedef enum mlce_links { MLCE_LINKS_FOLLOWED, MLCE_LINKS_REPLACED } mlce_links;

/* The name beside `path` (same folder) under which its next content is to be written, on the heap.
   What an earlier, killed attempt left there is removed. What is no regular file (a device, a pipe)
   is refused. NULL (message set) on failure. */
char *mlce_file_begin(const char *path, mlce_links links);

/* Makes the finished, closed file `part` the content of `path`: fsync, rename, fsync of the
   folder. Frees `part`. On failure `part` is gone, and `path` is as it was, or where the last of
   these failed has its new content, but perhaps not after the power fails. */
mlce_status mlce_file_commit(char *part, const char *path);

/* Removes `part` and frees its name. NULL is allowed. */
void mlce_file_abandon(char *part);

/* The same for a folder of files: makes one beside `path`, which must not exist or be an empty
   folder. NULL (message set) on failure. */
char *mlce_folder_begin(const char *path);
/* Makes the finished folder `part` the one at `path`. Frees `part`; on failure it is removed. */
mlce_status mlce_folder_commit(char *part, const char *path);
/* Removes `part` with the files in it, and frees its name. NULL is allowed. */
void mlce_folder_abandon(char *part);

/* fsync of the folder that the path is in: what was made or renamed there stays if the power fails.
   -1 and errno on failure. */
int mlce_file_sync_parent(const char *path);

bool mlce_file_is_link(const char *path);

/* Whether both paths lead to one existing file. */
bool mlce_file_is_same(const char *a, const char *b);

/* The failure to be returned where `output` is one of the files that a command reads. */
mlce_status mlce_file_is_read(const char *output);

/* Writes a whole text file in that way. */
mlce_status mlce_file_write_text(const char *path, mlce_links links, const char *text);

#endif
