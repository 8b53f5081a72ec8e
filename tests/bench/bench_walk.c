/* What it costs to walk HDF5 files in a process apart before they are opened:
   bench_walk FILE ... prints for each the milliseconds of the first and of the best of ten walks.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "data/hdf5_walk.h"
#include "mlce/dataset.h"

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct stat info;
        double first = 0, best = 1e9;
        for (int n = 0; n < 10; n++) {
            double start = milliseconds();
            mlce_walk_files(30); /* which forgets what has passed */
            if (mlce_h5_walk(argv[i])) {
                printf("%s\n", mlce_last_error());
                return 1;
            }
            double took = milliseconds() - start;
            if (n == 0) first = took;
            if (took < best) best = took;
        }
        double size = stat(argv[i], &info) ? 0 : (double)info.st_size / (1 << 20);
        printf("%s: %.0f MiB: walked in %.1f ms, again in %.1f ms\n", argv[i], size, first, best);
    }
    return 0;
}
