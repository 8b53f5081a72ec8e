/* fuzz.h - what the fuzz targets share. Each is one function over bytes from anywhere: a reader may
 * refuse them with a message, and nothing else. libFuzzer runs them (scripts/torture), and in any
 * build replay.c runs them over what is kept in corpus/.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mlce/status.h"

/* The interface of libFuzzer, whose names are its own. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A claim about the reader. */
#define FUZZ_CHECK(claim)                                                                          \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #claim,                \
                    mlce_last_error());                                                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* What a reader returns is a success, or an error with a message. */
static inline bool fuzz_passed(mlce_status status) {
    FUZZ_CHECK(!status || *mlce_last_error());
    return !status;
}

/* The path of a file with these bytes; the same one, anew, for each slot of 0 .. 3. It lies in
   memory, and is gone at the end, but not after a crash. */
enum { FUZZ_SLOTS = 4 };
static char fuzz_paths[FUZZ_SLOTS][32];
static inline void fuzz_remove_files(void) {
    for (int i = 0; i < FUZZ_SLOTS; i++)
        if (*fuzz_paths[i]) unlink(fuzz_paths[i]);
}
static inline const char *fuzz_file(int slot, const void *data, size_t size) {
    static int descriptors[FUZZ_SLOTS];
    if (!descriptors[slot]) {
        snprintf(fuzz_paths[slot], sizeof fuzz_paths[slot], "%s/mlce-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
        descriptors[slot] = mkstemp(fuzz_paths[slot]);
        FUZZ_CHECK(descriptors[slot] > 0);
        atexit(fuzz_remove_files);
    }
    FUZZ_CHECK(!ftruncate(descriptors[slot], 0));
    FUZZ_CHECK(pwrite(descriptors[slot], data, size, 0) == (ssize_t)size);
    return fuzz_paths[slot];
}

static inline FILE *fuzz_stream(int slot, const void *data, size_t size) {
    FILE *stream = fopen(fuzz_file(slot, data, size), "rb");
    FUZZ_CHECK(stream);
    return stream;
}

/* The first byte, which chooses options, is taken off. */
static inline unsigned fuzz_choice(const uint8_t **data, size_t *size) {
    if (!*size) return 0;
    --*size;
    return *(*data)++;
}

#endif
