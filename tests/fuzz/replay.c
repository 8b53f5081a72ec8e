/* replay.c - runs a fuzz target over files and folders of files, in a build without libFuzzer. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#pragma weak LLVMFuzzerInitialize

static int replayed;

static void replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file && !fseek(file, 0, SEEK_END));
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc((size_t)size + 1); /* of just that size: reading beyond is seen */
    FUZZ_CHECK(data && fread(data, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    data = realloc(data, size ? (size_t)size : 1);
    fprintf(stderr, "%s\n", path); /* names the one that crashes */
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    replayed++;
}

static void replay(const char *path) {
    struct stat info;
    FUZZ_CHECK(!stat(path, &info));
    if (!S_ISDIR(info.st_mode)) {
        replay_file(path);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    FUZZ_CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') replay(inner);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) replay(argv[i]);
    printf("%d inputs\n", replayed);
    return replayed ? EXIT_SUCCESS : EXIT_FAILURE;
}
