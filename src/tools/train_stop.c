/* train_stop.c - Ctrl-C and its like. */
#include "tools/train_stop.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t caught, waits;

static void catch_signal(int number) {
    if (caught || !waits) _exit(128 + number);
    caught = number;
}

void mlce_train_stop_catch(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before, action = {.sa_handler = catch_signal, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* whoever reads the output may go, and Ctrl-C ends `| tee` first */
}

void mlce_train_stop_wait(bool on) {
    waits = on;
}

bool mlce_train_stop_asked(void *context) {
    (void)context;
    return caught != 0;
}

void mlce_train_stop_share(const mlce_ranks *ranks) {
    for (int r = 0; ranks && r < ranks->count; r++) {
        int number = caught;
        if (ranks->broadcast(ranks->context, &number, sizeof number, r)) return;
        if (number && !caught) caught = number;
    }
}

int mlce_train_stop_code(void) {
    return caught ? 128 + caught : 1;
}
