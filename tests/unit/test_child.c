/* Work in a process apart: whatever it does, this process goes on and knows. */
#include <signal.h>
#include <sys/wait.h>

#include "core/child.h"
#include "unit.h"

static int give(void *number) {
    return *(int *)number;
}

static int crash(void *context) {
    (void)context;
    raise(SIGSEGV);
    return 0;
}

static int leave(void *context) {
    (void)context;
    _exit(0);
}

static int spin(void *context) {
    for (volatile int *n = context; *n >= 0;) *n = *n == 9 ? 0 : *n + 1;
    return 0;
}

static int sleep_on(void *context) {
    while (!context) pause();
    return 0;
}

static int print(void *context) {
    (void)context;
    fputs("not to be seen\n", stderr);
    return 0;
}

static mlce_child_end run(const mlce_child_limits *limits, int (*work)(void *), void *context) {
    mlce_child_end end = {.result = -1};
    assert_ok(mlce_child_run(limits, work, context, &end));
    return end;
}

START_TEST(what_work_returns_is_known) {
    for (int n = 0; n < 256; n += 51) {
        mlce_child_end end = run(&(mlce_child_limits){0}, give, &n);
        ck_assert_int_eq(end.fate, MLCE_CHILD_DONE);
        ck_assert_int_eq(end.result, n);
    }
}
END_TEST

START_TEST(a_crash_ends_only_the_child) {
    mlce_child_end end = run(&(mlce_child_limits){.quiet = true}, crash, NULL);
    ck_assert_int_eq(end.fate, MLCE_CHILD_CRASHED);
    ck_assert_int_eq(end.signal, SIGSEGV);
    end = run(&(mlce_child_limits){0}, leave, NULL);
    ck_assert_int_eq(end.fate, MLCE_CHILD_CRASHED);
    ck_assert_int_eq(end.signal, 0);
}
END_TEST

/* A thread that blocks all signals may start it. */
START_TEST(endless_work_is_ended_where_signals_are_blocked) {
    sigset_t all, before;
    int n = 0;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    mlce_child_end end = run(&(mlce_child_limits){.cpu_seconds = 1, .seconds = 30}, spin, &n);
    sigprocmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_eq(end.fate, MLCE_CHILD_TOO_LONG);
    ck_assert_int_eq(end.signal, SIGXCPU);
}
END_TEST

START_TEST(endless_work_is_ended) {
    int n = 0;
    mlce_child_end end = run(&(mlce_child_limits){.cpu_seconds = 1}, spin, &n);
    ck_assert_int_eq(end.fate, MLCE_CHILD_TOO_LONG);
    end = run(&(mlce_child_limits){.seconds = 0.2}, sleep_on, NULL);
    ck_assert_int_eq(end.fate, MLCE_CHILD_TOO_LONG);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* whose malloc() ends the process instead of returning NULL */
/* 1 where memory over the limit was refused. */
static int ask_for_memory(void *size) {
    volatile char *memory = malloc(*(size_t *)size);
    if (memory) memory[0] = 1;
    return !memory;
}

START_TEST(memory_over_the_limit_is_refused) {
    size_t size = (size_t)64 << 20;
    mlce_child_limits limits = {.memory = (size_t)256 << 20};
    ck_assert_int_eq(run(&limits, ask_for_memory, &size).result, 0);
    size = (size_t)512 << 20;
    ck_assert_int_eq(run(&limits, ask_for_memory, &size).result, 1);
}
END_TEST
#endif

START_TEST(a_quiet_child_prints_nothing) {
    char path[] = "/tmp/mlce-test-XXXXXX";
    int file = mkstemp(path), own = dup(2);
    ck_assert_int_ge(file, 0);
    fflush(stderr);
    dup2(file, 2);
    run(&(mlce_child_limits){.quiet = true}, print, NULL);
    dup2(own, 2);
    ck_assert_int_eq(lseek(file, 0, SEEK_END), 0);
    close(own);
    close(file);
    unlink(path);
}
END_TEST

/* Some programs let the system collect their children. */
START_TEST(a_program_that_ignores_its_children_learns_it_too) {
    signal(SIGCHLD, SIG_IGN);
    int n = 7;
    ck_assert_int_eq(run(&(mlce_child_limits){0}, give, &n).result, 7);
    ck_assert_int_eq(run(&(mlce_child_limits){.quiet = true}, crash, NULL).fate,
                     MLCE_CHILD_CRASHED);
    signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(no_process_and_no_descriptor_is_left) {
    int before = dup(0), n = 1;
    close(before);
    for (int i = 0; i < 5; i++) run(&(mlce_child_limits){.quiet = true}, i % 2 ? give : crash, &n);
    int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, what_work_returns_is_known);
    tcase_add_test(cases, a_crash_ends_only_the_child);
    tcase_add_test(cases, endless_work_is_ended);
    tcase_add_test(cases, endless_work_is_ended_where_signals_are_blocked);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(cases, memory_over_the_limit_is_refused);
#endif
    tcase_add_test(cases, a_quiet_child_prints_nothing);
    tcase_add_test(cases, a_program_that_ignores_its_children_learns_it_too);
    tcase_add_test(cases, no_process_and_no_descriptor_is_left);
}

int main(void) {
    return run_suite("child", add);
}
