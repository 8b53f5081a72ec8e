/* unit.h - what the unit tests share: one suite a program, and messages that show the status. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mlce/status.h"

#define assert_ok(call) ck_assert_msg((call) == MLCE_OK, "%s: %s", #call, mlce_last_error())

/* The call fails with this status, and its message holds `text`. */
#define assert_fails(call, expected, text)                                                         \
    do {                                                                                           \
        ck_assert_int_eq((call), (expected));                                                      \
        ck_assert_msg(strstr(mlce_last_error(), (text)) != NULL, "'%s' is not in: %s", (text),     \
                      mlce_last_error());                                                          \
    } while (0)

/* A fresh folder that is removed with `rm -r` by remove_folder(). */
static inline char *make_folder(void) {
    static char path[64];
    strcpy(path, "/tmp/mlce-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static inline void remove_folder(const char *path) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

/* FOLDER/NAME, in memory that the eighth call after it takes again. */
static inline const char *path_in(const char *folder, const char *name) {
    static char paths[8][128];
    static int next;
    char *written = paths[next++ % 8];
    snprintf(written, sizeof paths[0], "%s/%s", folder, name);
    return written;
}

/* main() of a test program: runs the cases that `add` puts into its suite. In the sanitizer
   builds Check does not fork, so that leaks are seen. */
static inline int run_suite(const char *name, void (*add)(TCase *)) {
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 300);
    add(cases);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
#ifdef __SANITIZE_ADDRESS__
    srunner_set_fork_status(runner, CK_NOFORK);
#endif
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
