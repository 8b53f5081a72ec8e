/* sweep_table.c - the tables of a sweep as text. */
#include "train/sweep_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/config_locale.h"
#include "core/text.h"

/* ---- Tabs ---- */

/* A tab and the text, without control characters. */
static void put_cell(FILE *out, const char *text) {
    fputc('\t', out);
    for (; *text; text++) fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

static void put_tsv_line(FILE *out, const mlce_sweep_plan *plan, const mlce_sweep_record *r,
                         int run) {
    fputs(mlce_sweep_plan_folder(run).name, out);
    if (r->state == MLCE_RUN_FINISHED) {
        fprintf(out, "\t%.6f\t", r->dev_f1);
        if (r->has_test) fprintf(out, "%.6f", r->test_f1);
        fprintf(out, "\t%lld\t%lld\t%.1f", (long long)r->best_epoch, (long long)r->epochs,
                r->seconds);
    } else {
        fputs("\t\t\t\t\t", out);
    }
    for (int k = 0; k < plan->key_count; k++) put_cell(out, mlce_sweep_plan_value(plan, run, k));
    put_cell(out, mlce_run_state_name(r->state));
    put_cell(out, r->error ? r->error : "");
    fputc('\n', out);
}

char *mlce_sweep_tsv(const mlce_sweep_plan *plan, const mlce_sweep_record *records) {
    mlce_text text;
    int *order = mlce_sweep_order(plan, records);
    if (!order) return NULL;
    mlce_locale locale = mlce_locale_begin();
    FILE *out = mlce_text_begin(&text);
    if (out) {
        fputs("run\tdev_f1\ttest_f1\tbest_epoch\tepochs\tseconds", out);
        for (int k = 0; k < plan->key_count; k++) put_cell(out, plan->keys[k].name);
        fputs("\tstate\terror\n", out);
        for (int r = 0; r < plan->runs; r++) put_tsv_line(out, plan, &records[order[r]], order[r]);
    }
    free(order);
    char *table = mlce_text_end(&text, "a table of runs");
    mlce_locale_end(locale);
    return table;
}

/* ---- For people ---- */

/* The columns of a key are as wide as its name or its longest value. */
static int width_of(const mlce_sweep_plan *plan, int key) {
    size_t width = strlen(plan->keys[key].name);
    for (int r = 0; r < plan->runs; r++) {
        size_t length = strlen(mlce_sweep_plan_value(plan, r, key));
        if (length > width) width = length;
    }
    return (int)width;
}

static void put_names(FILE *out, const mlce_sweep_plan *plan, int keys) {
    for (int k = 0; k < keys; k++) fprintf(out, "  %*s", width_of(plan, k), plan->keys[k].name);
    fputc('\n', out);
}

static void put_values(FILE *out, const mlce_sweep_plan *plan, int run, int keys) {
    for (int k = 0; k < keys; k++)
        fprintf(out, "  %*s", width_of(plan, k), mlce_sweep_plan_value(plan, run, k));
}

static void put_run(FILE *out, const mlce_sweep_plan *plan, const mlce_sweep_record *r, int run) {
    bool finished = r->state == MLCE_RUN_FINISHED;
    fprintf(out, "%5s", mlce_sweep_plan_folder(run).name);
    if (finished)
        fprintf(out, "  %.4f", r->dev_f1);
    else
        fprintf(out, "  %6s", r->state == MLCE_RUN_FAILED ? "failed" : "-");
    if (finished && r->has_test)
        fprintf(out, "   %.4f", r->test_f1);
    else
        fprintf(out, "  %7s", "-");
    if (finished)
        fprintf(out, "  %4lld of %4lld  %7.1f", (long long)r->best_epoch, (long long)r->epochs,
                r->seconds);
    else
        fprintf(out, "  %12s  %7s", "-", "-");
    put_values(out, plan, run, plan->key_count);
    fputc('\n', out);
}

static mlce_status put_settings(FILE *out, const mlce_sweep_plan *plan,
                                const mlce_sweep_record *records) {
    mlce_sweep_setting *settings;
    int count, keys = plan->key_count - 1;
    mlce_status status = mlce_sweep_settings(plan, records, &settings, &count);
    if (status) return status;
    fprintf(out, "\nover train.seed\n dev F1  deviation  runs");
    put_names(out, plan, keys);
    for (int n = 0; n < count; n++) {
        const mlce_sweep_setting *s = &settings[n];
        fprintf(out, " %.4f", s->mean);
        if (s->count > 1)
            fprintf(out, "     %.4f", s->deviation);
        else
            fprintf(out, "  %9s", "-");
        fprintf(out, "  %4d", s->count);
        put_values(out, plan, s->run, keys);
        fputc('\n', out);
    }
    free(settings);
    return MLCE_OK;
}

char *mlce_sweep_table(const mlce_sweep_plan *plan, const mlce_sweep_record *records) {
    mlce_text text;
    int *order = mlce_sweep_order(plan, records);
    if (!order) return NULL;
    mlce_locale locale = mlce_locale_begin();
    FILE *out = mlce_text_begin(&text);
    if (out) {
        fputs("  run  dev F1  test F1    best epoch  seconds", out);
        put_names(out, plan, plan->key_count);
        for (int r = 0; r < plan->runs; r++) put_run(out, plan, &records[order[r]], order[r]);
        if (plan->seeds > 1) text.failed = put_settings(out, plan, records);
    }
    free(order);
    char *table = mlce_text_end(&text, "a table of runs");
    mlce_locale_end(locale);
    return table;
}
