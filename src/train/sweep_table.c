/* sweep_table.c - the tables of a sweep as text. */
#include "train/sweep_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/config_locale.h"
#include "core/text.h"
#include "mlce/memory.h"
#include "train/metrics_items.h"

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

/* The columns of each key, as wide as its name or its longest value; NULL (message set) on failure.
 */
static int *widths_of(const mlce_sweep_plan *plan) {
    int *widths = mlce_calloc((size_t)plan->key_count, sizeof *widths);
    for (int k = 0; widths && k < plan->key_count; k++) {
        widths[k] = (int)strlen(plan->keys[k].name);
        for (int r = 0; r < plan->runs; r++) {
            int columns = mlce_print_name(NULL, mlce_sweep_plan_value(plan, r, k));
            if (columns > widths[k]) widths[k] = columns;
        }
    }
    return widths;
}

static void put_names(FILE *out, const mlce_sweep_plan *plan, const int *widths, int keys) {
    for (int k = 0; k < keys; k++) fprintf(out, "  %*s", widths[k], plan->keys[k].name);
    fputc('\n', out);
}

static void put_values(FILE *out, const mlce_sweep_plan *plan, const int *widths, int run,
                       int keys) {
    for (int k = 0; k < keys; k++) {
        const char *value = mlce_sweep_plan_value(plan, run, k);
        fprintf(out, "  %*s", widths[k] - mlce_print_name(NULL, value), "");
        mlce_print_name(out, value);
    }
    fputc('\n', out);
}

static void put_run(FILE *out, const mlce_sweep_plan *plan, const int *widths,
                    const mlce_sweep_record *r, int run) {
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
    put_values(out, plan, widths, run, plan->key_count);
}

static mlce_status put_settings(FILE *out, const mlce_sweep_plan *plan, const int *widths,
                                const mlce_sweep_record *records) {
    mlce_sweep_setting *settings;
    int count, keys = plan->key_count - 1;
    mlce_status status = mlce_sweep_settings(plan, records, &settings, &count);
    if (status) return status;
    fprintf(out, "\nover train.seed\n dev F1  deviation  runs");
    put_names(out, plan, widths, keys);
    for (int n = 0; n < count; n++) {
        const mlce_sweep_setting *s = &settings[n];
        fprintf(out, " %.4f", s->mean);
        if (s->count > 1)
            fprintf(out, "     %.4f", s->deviation);
        else
            fprintf(out, "  %9s", "-");
        fprintf(out, "  %4d", s->count);
        put_values(out, plan, widths, s->run, keys);
    }
    free(settings);
    return MLCE_OK;
}

static mlce_status put_table(FILE *out, const mlce_sweep_plan *plan,
                             const mlce_sweep_record *records) {
    int *order = mlce_sweep_order(plan, records), *widths = widths_of(plan);
    mlce_status status = order && widths ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) {
        fputs("  run  dev F1  test F1    best epoch  seconds", out);
        put_names(out, plan, widths, plan->key_count);
        for (int r = 0; r < plan->runs; r++)
            put_run(out, plan, widths, &records[order[r]], order[r]);
        if (plan->seeds > 1) status = put_settings(out, plan, widths, records);
    }
    free(order);
    free(widths);
    return status;
}

char *mlce_sweep_table(const mlce_sweep_plan *plan, const mlce_sweep_record *records) {
    mlce_text text;
    mlce_locale locale = mlce_locale_begin();
    FILE *out = mlce_text_begin(&text);
    if (out) text.failed = put_table(out, plan, records) != MLCE_OK;
    char *table = mlce_text_end(&text, "a table of runs");
    mlce_locale_end(locale);
    return table;
}
