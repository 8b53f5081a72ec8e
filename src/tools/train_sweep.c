/* train_sweep.c - `mlce-train --sweep`: many runs, a line for each. */
#include "tools/train_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mlce/sweep.h"
#include "tools/tool.h"
#include "tools/train_stop.h"

typedef struct display {
    const mlce_train_options *train;
    bool opened;   /* the first lines of a run were shown */
    bool is_first; /* the run that shows them */
} display;

static void clear_line(void) {
    if (isatty(STDOUT_FILENO) == 1) fputs("\r\033[K", stdout);
}

static void show_opening(const char *text, void *context) {
    const display *d = context;
    if (d->is_first && d->train->line) d->train->line(text, d->train->context);
}

static void show_progress(const mlce_train_progress *progress, void *context) {
    const display *d = context;
    if (d->train->progress) d->train->progress(progress, d->train->context);
}

static void begin_run(const mlce_sweep_run *run, void *context) {
    display *d = context;
    (void)run;
    mlce_train_stop_wait(false);
    d->is_first = !d->opened;
    d->opened = true;
}

/* "  3 of 20  dev F1 0.4981  epoch 7 of 12    4.8 s  optim.lr=0.0003" */
static void end_run(const mlce_sweep_run *run, void *context) {
    (void)context;
    clear_line();
    printf("%3d of %d  ", run->number, run->runs);
    if (run->state == MLCE_RUN_FAILED)
        printf("failed         ");
    else
        printf("dev F1 %.4f  ", run->dev_f1);
    if (run->kept)
        printf("kept from before          ");
    else if (run->result)
        printf("epoch %3lld of %3lld  %6.1f s  ", (long long)run->result->best_epoch,
               (long long)run->result->epochs, run->result->seconds);
    mlce_tool_put(stdout, run->settings);
    if (run->state == MLCE_RUN_FAILED) {
        printf(": ");
        mlce_tool_put(stdout, run->error);
    }
    putchar('\n');
    fflush(stdout);
}

int mlce_train_sweep(const mlce_config *config, const mlce_train_options *train) {
    display d = {.train = train};
    mlce_sweep_options options = {
        .train = {.force = train->force,
                  .stop = train->stop,
                  .line = show_opening,
                  .progress = show_progress,
                  .context = &d},
        .begin = begin_run,
        .end = end_run,
        .context = &d,
    };
    char *table;
    mlce_status status = mlce_sweep(config, &options, &table);
    if (status) {
        clear_line();
        fflush(stdout);
        if (status != MLCE_E_STOPPED) return mlce_tool_failed();
        fputs("mlce-train: ", stderr);
        mlce_tool_put(stderr, mlce_last_error());
        fprintf(stderr, "; to go on: the same command again%s\n",
                train->force ? ", without --force" : "");
        return mlce_train_stop_code();
    }
    printf("\n%s\nsweep: ", table);
    mlce_tool_put(stdout, mlce_config_string(config, "train.output"));
    printf("\n");
    free(table);
    return mlce_tool_end();
}
