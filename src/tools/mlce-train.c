/* mlce-train - trains a model as a configuration says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "mlce/train.h"
#include "tools/ranks.h"
#include "tools/tool.h"
#include "tools/train_stop.h"
#include "tools/train_sweep.h"
#include "tools/wait_policy.h"
#include "train/run_folder.h"

static const char HELP[] =
    "usage: mlce-train CONFIG [KEY=VALUE ...] [--sweep] [--force]\n"
    "       mlce-train --resume RUN [KEY=VALUE ...] [--accept-changes]\n"
    "\n"
    "Trains a model as the INI file CONFIG says, evaluates it on data.dev as it goes, and "
    "leaves\n"
    "the run in the folder train.output: the configuration as used, metrics.jsonl, the "
    "checkpoints\n"
    "best.h5 and last.h5, the final table, and report.html to look at. Relative paths start from "
    "the\n"
    "current folder.\n"
    "\n"
    "  CONFIG               an INI file, as in configs/\n"
    "  KEY=VALUE            sets a key over the file's value, as optim.lr=3e-4\n"
    "      --sweep          train a run for each setting of the values sweep(...), in numbered\n"
    "                       folders below train.output, and compare them by dev F1 (sweep.tsv):\n"
    "                         lr = sweep(1e-4, 3e-3, log)      drawn from a range (or linear)\n"
    "                         dropout = sweep(0.1, 0.2, 0.3)   each of a list\n"
    "                         [sweep] runs = 20, seed = 1      how many; of order and draws\n"
    "                       The same command again goes on with the runs that are not finished\n"
    "      --resume         go on with the run in the folder RUN where it was interrupted, to the\n"
    "                       same result, bit for bit. KEY=VALUE may say where its data is now, "
    "how\n"
    "                       long it is to train (train.epochs, train.patience), how fast and how\n"
    "                       safely; anything else that is not as it was (also in RUN/config.ini "
    "or\n"
    "                       the data) is refused\n"
    "      --accept-changes\n"
    "                       with --resume: not refused, but named\n"
    "      --force          replace the run, or with --sweep the runs, in an output folder that\n"
    "                       exists\n"
    "      --help-config    list every key with its default, unit and meaning\n"
    "  -h, --help           show this text\n"
    "      --version        show the version\n"
    "\n"
    "Ctrl-C (SIGTERM, SIGHUP) lets the step end and saves; a second one ends at once. After "
    "either,\n"
    "or a crash, --resume goes on from RUN/last.h5, or without it the last RUN/step-N.h5: see\n"
    "train.save_steps, train.save_minutes.\n"
    "\n"
    "mpirun -n 4 mlce-train CONFIG: four processes, on one machine or several, train together: "
    "each\n"
    "computes its part of every batch, the first one writes. The results are those of one process, "
    "up\n"
    "to rounding; --resume goes on with any number of them.\n"
    "\n"
    "Exit code: 0; 1 after an error, 2 for wrong usage, 130 (143, 129) after these signals.\n"
    "\n"
    "examples:\n"
    "  mlce-train configs/ner.ini\n"
    "  mlce-train --resume runs/ner\n"
    "  mlce-train --resume runs/ner train.epochs=40\n"
    "  mlce-train configs/ner.ini optim.lr=3e-4 train.output=runs/ner-slow\n"
    "  mlce-train configs/labels.ini loss.name=binary_ce train.output=runs/binary\n"
    "  mpirun -n 2 mlce-train configs/ner.ini\n"
    "  mlce-train configs/ner.ini 'train.seed=sweep(1, 2, 3)' train.output=runs/seeds --sweep\n";

/* What the progress line needs to know between calls. */
typedef struct display {
    bool has_header;
    bool live; /* stdout is a terminal: one line that is written over */
    double shown;
} display;

/* What the speed is counted in. */
static const char *rows_of(mlce_task task) {
    return task == MLCE_TASK_LABELS ? "items" : "tokens";
}

static double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void clear_line(const display *d) {
    if (d->live) fputs("\r\033[K", stdout);
}

static void show_line(const char *text, void *context) {
    (void)context;
    mlce_tool_put(stdout, text);
    putchar('\n');
    fflush(stdout);
}

/* "3:07" or "1:02:05" */
static void format_time(double seconds, char *text, size_t size) {
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
}

/* Ten times a second on a terminal, twice a minute elsewhere. */
static void show_progress(const mlce_train_progress *p, void *context) {
    display *d = context;
    double now = clock_seconds();
    mlce_train_stop_wait(true); /* a step was made */
    if (now - d->shown < (d->live ? 0.1 : 30.0)) return;
    d->shown = now;
    char left[32], waiting[32] = "", line[192];
    format_time(p->seconds_left, left, sizeof left);
    if (p->waiting >= 0.005)
        snprintf(waiting, sizeof waiting, "  %.0f%% waiting for data", 100 * p->waiting);
    int length = snprintf(
        line, sizeof line, "epoch %lld/%lld  step %lld/%lld  loss %.4f  %.0f %s/s%s  %s left",
        (long long)p->epoch, (long long)p->epochs, (long long)p->step, (long long)p->steps, p->loss,
        p->tokens_per_second, rows_of(p->task), waiting, left);
    struct winsize window;
    if (d->live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 &&
        length >= window.ws_col)
        line[window.ws_col - 1] = '\0';
    clear_line(d);
    fputs(line, stdout);
    if (!d->live) putchar('\n');
    fflush(stdout);
}

/* A table that grows by a line an evaluation, within 80 columns. */
static void show_evaluation(const mlce_train_evaluation *e, void *context) {
    display *d = context;
    clear_line(d);
    if (!d->has_header)
        printf("\nepoch    step      loss  dev loss  precision  recall      F1   %6s/s\n",
               rows_of(e->task));
    d->has_header = true;
    printf("%5lld %7lld  %8.4f", (long long)e->epoch, (long long)e->step, e->train_loss);
    if (e->has_dev)
        printf("  %8.4f     %.4f  %.4f  %.4f%s", e->dev_loss, e->micro.precision, e->micro.recall,
               e->micro.f1, e->best ? "*" : " ");
    else
        printf("  %8s  %9s  %6s  %6s ", "-", "-", "-", "-");
    printf("  %8.0f\n", e->tokens_per_second);
    fflush(stdout);
    d->shown = clock_seconds();
}

static void show_result(const mlce_train_result *r, const char *output) {
    if (r->was_finished) {
        printf("\nthis run is finished, nothing was left to do%s; for more: mlce-train --resume ",
               r->stopped_early ? " (stopped early by train.patience)" : "");
        mlce_tool_put(stdout, output);
        printf(r->stopped_early ? " train.patience=N\n" : " train.epochs=N\n");
    }
    printf("\ntrained %lld steps in %.1f s with evaluation", (long long)r->steps, r->seconds);
    if (!r->was_finished) printf(" (%.0f %s/s without)", r->tokens_per_second, rows_of(r->task));
    printf("%s; ", r->stopped_early ? ", stopped early by train.patience" : "");
    if (r->has_dev)
        printf("best dev F1 %.4f in epoch %lld\n", r->best_f1, (long long)r->best_epoch);
    else
        printf("no dev data: the last checkpoint is kept\n");
    if (r->dev_table) printf("\ndev\n%s", r->dev_table);
    if (r->test_table) printf("\ntest\n%s", r->test_table);
    printf("\nrun:  ");
    mlce_tool_put(stdout, output);
    printf("\npage: ");
    mlce_tool_put(stdout, output);
    printf("/report.html\n");
}

/* After a signal: what was said, and how to go on. */
static int stopped(const char *output, const mlce_ranks *ranks) {
    mlce_train_stop_share(ranks);
    if (mlce_tool_is_silent()) return mlce_train_stop_code();
    fputs("mlce-train: ", stderr);
    mlce_tool_put(stderr, mlce_last_error());
    fputs("; to go on: mlce-train --resume ", stderr);
    mlce_tool_put(stderr, output);
    fputc('\n', stderr);
    return mlce_train_stop_code();
}

/* What the command line asks for. */
typedef struct wishes {
    bool sweep, force, resume, accept_changes;
} wishes;

static int train(const mlce_config *config, const wishes *w, const mlce_ranks *ranks) {
    /* mpirun shows its ranks a terminal, whatever it writes to itself. */
    display d = {.live = !ranks && isatty(STDOUT_FILENO) == 1, .shown = clock_seconds()};
    mlce_train_options options = {
        .force = w->force,
        .resume = w->resume,
        .accept_changes = w->accept_changes,
        .stop = mlce_train_stop_asked,
        .line = show_line,
        .progress = show_progress,
        .evaluated = show_evaluation,
        .context = &d,
        .ranks = ranks,
    };
    mlce_train_stop_catch();
    if (w->sweep) return mlce_train_sweep(config, &options);
    mlce_train_result result;
    const char *output = mlce_config_string(config, "train.output");
    mlce_status status = mlce_train(config, &options, &result);
    if (status) {
        clear_line(&d);
        fflush(stdout);
        return status == MLCE_E_STOPPED ? stopped(output, ranks) : mlce_tool_failed();
    }
    show_result(&result, output);
    mlce_train_result_free(&result);
    return mlce_tool_end();
}

/* The configuration of the run in a folder, which may have been moved there. */
static mlce_status read_run(mlce_config *config, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    char *path = malloc(length + sizeof "/config.ini");
    if (!path) return mlce_fail(MLCE_E_MEMORY, "out of memory");
    sprintf(path, "%.*s/config.ini", (int)length, folder);
    mlce_status status = mlce_config_read(config, path);
    path[length] = '\0';
    if (!status) status = mlce_config_set(config, "train.output", path);
    free(path);
    return status;
}

/* The checkpoints that a run may go on from. */
static void walk_run(const char *folder) {
    char *last, *best = mlce_run_folder_file(folder, "best.h5");
    mlce_run_folder_checkpoint(folder, &last); /* what is wrong is said when it is opened */
    if (last) mlce_tool_ranks_walk(last);
    if (best) mlce_tool_ranks_walk(best);
    free(last);
    free(best);
}

static int configure_and_train(int count, char **arguments, const wishes *w) {
    mlce_config *config = mlce_config_new();
    mlce_status status = !config     ? MLCE_E_MEMORY
                         : w->resume ? read_run(config, arguments[0])
                                     : mlce_config_read(config, arguments[0]);
    for (int n = 1; n < count && !status; n++) status = mlce_config_assign(config, arguments[n]);
    static const char *const data[] = {"data.train", "data.dev", "data.test"};
    for (size_t n = 0; n < sizeof data / sizeof *data && !status; n++)
        mlce_tool_ranks_walk(mlce_config_string(config, data[n]));
    if (!status && w->resume) walk_run(mlce_config_string(config, "train.output"));
    const mlce_ranks *ranks;
    status = mlce_tool_ranks_begin(status, &ranks);
    if (!status && ranks && w->sweep)
        status = mlce_fail(MLCE_E_ARGUMENT,
                           "--sweep trains one run after the other in one process: "
                           "start it without mpirun");
    int exit_code = status ? mlce_tool_failed() : train(config, w, ranks);
    mlce_config_free(config);
    return mlce_tool_ranks_end(exit_code);
}

static int help_config(void) {
    char *text = mlce_config_help();
    if (!text) return mlce_tool_failed();
    fputs(text, stdout);
    free(text);
    return mlce_tool_end();
}

int main(int argc, char **argv) {
    enum { HELP_CONFIG = 256 };
    static const struct option options[] = {MLCE_TOOL_OPTIONS,
                                            {"force", no_argument, NULL, 'f'},
                                            {"sweep", no_argument, NULL, 's'},
                                            {"resume", no_argument, NULL, 'r'},
                                            {"accept-changes", no_argument, NULL, 'a'},
                                            {"help-config", no_argument, NULL, HELP_CONFIG},
                                            {NULL, 0, NULL, 0}};
    wishes w = {0};
    mlce_tool_calm_threads(argv);
    mlce_tool_begin("mlce-train", HELP);
    mlce_tool_ranks_look();
    int exit_code = 0;
    for (int option; (option = mlce_tool_option(argc, argv, options, &exit_code)) != -1;) {
        if (option == MLCE_TOOL_EXIT) return exit_code;
        if (option == HELP_CONFIG) return help_config();
        if (option == 'f') w.force = true;
        if (option == 's') w.sweep = true;
        if (option == 'r') w.resume = true;
        if (option == 'a') w.accept_changes = true;
    }
    if (argc == optind || !*argv[optind])
        return mlce_tool_usage(w.resume ? "give the folder of a RUN" : "give a CONFIG file");
    if (w.resume && (w.force || w.sweep))
        return mlce_tool_usage("--resume goes on with one run: it does not go with --%s%s",
                               w.force ? "force, which begins anew" : "sweep",
                               w.force ? "" : ", which goes on by itself");
    if (w.accept_changes && !w.resume) return mlce_tool_usage("--accept-changes is for --resume");
    return configure_and_train(argc - optind, argv + optind, &w);
}
