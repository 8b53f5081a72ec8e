/* sweep_order.c - the runs and settings of a sweep, the best first. */
#include <math.h>
#include <stdlib.h>

#include "mlce/memory.h"
#include "train/sweep_record.h"

typedef struct ranked {
    int run, group;
    double f1;
} ranked;

static int compare_ranked(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    if (a->f1 != b->f1) return a->f1 > b->f1 ? -1 : 1;
    return (a->run > b->run) - (a->run < b->run);
}

int *mlce_sweep_order(const mlce_sweep_plan *plan, const mlce_sweep_record *records) {
    static const int group[] = {
        [MLCE_RUN_FINISHED] = 0, [MLCE_RUN_FAILED] = 1, [MLCE_RUN_WAITING] = 2};
    size_t runs = (size_t)plan->runs;
    ranked *ranks = mlce_calloc(runs, sizeof *ranks);
    int *order = ranks ? mlce_calloc(runs, sizeof *order) : NULL;
    for (int r = 0; order && r < plan->runs; r++) {
        bool finished = records[r].state == MLCE_RUN_FINISHED;
        ranks[r] = (ranked){r, group[records[r].state], finished ? records[r].dev_f1 : 0};
    }
    if (order) qsort(ranks, runs, sizeof *ranks, compare_ranked);
    for (int r = 0; order && r < plan->runs; r++) order[r] = ranks[r].run;
    free(ranks);
    return order;
}

static int compare_settings(const void *left, const void *right) {
    const mlce_sweep_setting *a = left, *b = right;
    if (a->mean != b->mean) return a->mean > b->mean ? -1 : 1;
    return (a->run > b->run) - (a->run < b->run);
}

/* Of the runs first .. first + plan->seeds - 1. */
static mlce_sweep_setting setting_at(const mlce_sweep_plan *plan, const mlce_sweep_record *records,
                                     int first) {
    mlce_sweep_setting setting = {.run = first};
    double sum = 0, squares = 0;
    int end = first + plan->seeds < plan->runs ? first + plan->seeds : plan->runs;
    for (int r = first; r < end; r++) {
        if (records[r].state != MLCE_RUN_FINISHED) continue;
        sum += records[r].dev_f1;
        setting.count++;
    }
    if (setting.count == 0) return setting;
    setting.mean = sum / setting.count;
    for (int r = first; r < end; r++) {
        double off = records[r].dev_f1 - setting.mean;
        if (records[r].state == MLCE_RUN_FINISHED) squares += off * off;
    }
    if (setting.count > 1) setting.deviation = sqrt(squares / (setting.count - 1));
    return setting;
}

mlce_status mlce_sweep_settings(const mlce_sweep_plan *plan, const mlce_sweep_record *records,
                                mlce_sweep_setting **settings, int *count) {
    *count = 0;
    *settings = mlce_calloc((size_t)plan->runs, sizeof **settings);
    if (!*settings) return MLCE_E_MEMORY;
    for (int first = 0; first < plan->runs; first += plan->seeds) {
        mlce_sweep_setting setting = setting_at(plan, records, first);
        if (setting.count) (*settings)[(*count)++] = setting;
    }
    qsort(*settings, (size_t)*count, sizeof **settings, compare_settings);
    return MLCE_OK;
}
