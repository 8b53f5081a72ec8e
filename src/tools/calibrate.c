/* calibrate.c - `mlce-eval --calibrate`: what probabilities are worth, as tables or as JSON. */
#include "tools/calibrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "data/dataset_layout.h"
#include "tools/tool.h"
#include "train/calibration.h"

static void print_line(const char *name, const mlce_calibrated *c) {
    printf("%-18s %8.4f  %9.4f  %10.4f  %8.4f  %10.4f  %8.4f\n", name, (double)c->calibration.slope,
           (double)c->calibration.intercept, c->candidates.error, c->candidates.log_loss,
           c->predicted.error, c->predicted.log_loss);
}

static void print_bins(const char *name, const mlce_reliability *r) {
    printf("\n%s\nprobability   predicted    mean   right\n", name);
    for (int b = 0; b < MLCE_BINS; b++) {
        const mlce_bin *bin = &r->bins[b];
        if (!bin->count) continue;
        printf("%.1f to %.1f  %11lld  %6.4f  %6.4f\n", b / (double)MLCE_BINS,
               (b + 1) / (double)MLCE_BINS, (long long)bin->count, bin->probability,
               (double)bin->right / (double)bin->count);
    }
}

static void print_tables(const mlce_calibration_report *report, const mlce_dataset *dataset) {
    const mlce_calibrated *fitted = &report->fitted;
    mlce_tool_put(stdout, mlce_dataset_name(dataset));
    printf(": %lld candidates, %lld of them right; %lld are predicted, %lld of them right\n\n",
           (long long)fitted->candidates.count, (long long)fitted->candidates.right,
           (long long)fitted->predicted.count, (long long)fitted->predicted.right);
    printf("%40s%-22s%s\n", "", "of candidates", "of the predicted");
    printf("%-18s %8s  %9s  %10s  %8s  %10s  %8s\n", "", "slope", "intercept", "calib.err.",
           "log loss", "calib.err.", "log loss");
    print_line("1 / (1 + e^-score)", &report->plain);
    if (report->stored.candidates.count) print_line("stored", &report->stored);
    print_line("fitted here", fitted);
    print_bins("before", &report->plain.predicted);
    print_bins("fitted here", &fitted->predicted);
}

static json_t *reliability_json(const mlce_reliability *r) {
    json_t *bins = json_array();
    for (int b = 0; b < MLCE_BINS; b++)
        mlce_json_append(&bins, json_pack("{s:I, s:I, s:f}", "count", (json_int_t)r->bins[b].count,
                                          "right", (json_int_t)r->bins[b].right, "probability",
                                          r->bins[b].probability));
    return json_pack("{s:I, s:I, s:f, s:f, s:o}", "count", (json_int_t)r->count, "right",
                     (json_int_t)r->right, "calibration_error", r->error, "log_loss", r->log_loss,
                     "bins", bins);
}

static json_t *calibrated_json(const mlce_calibrated *c) {
    if (!c->candidates.count) return json_null();
    return json_pack("{s:f, s:f, s:o, s:o}", "slope", (double)c->calibration.slope, "intercept",
                     (double)c->calibration.intercept, "candidates",
                     reliability_json(&c->candidates), "predicted",
                     reliability_json(&c->predicted));
}

static mlce_status print_json(const mlce_calibration_report *report, bool is_stored) {
    json_t *root = json_pack("{s:o, s:o, s:o, s:b}", "plain", calibrated_json(&report->plain),
                             "stored", calibrated_json(&report->stored), "fitted",
                             calibrated_json(&report->fitted), "fitted_is_stored", is_stored);
    return mlce_json_print(stdout, root, JSON_INDENT(2) | JSON_REAL_PRECISION(17), "a calibration");
}

mlce_status mlce_tool_calibrate(const char *run, mlce_model *model, mlce_dataset *dataset,
                                bool store, bool json) {
    mlce_calibration_report report;
    mlce_status status = mlce_calibrate(model, dataset, &report);
    if (status) return mlce_fail_prefix(status, "%s: ", run);
    if (store) {
        mlce_model_set_calibration(model, report.fitted.calibration);
        if (!mlce_tool_is_silent()) status = mlce_model_store_calibration(model, run);
    }
    if (status) return status;
    if (json) return print_json(&report, store);
    print_tables(&report, dataset);
    puts(store ? "\nstored: mlce-predict writes the probability beside each score"
               : "\nnothing is stored: that is what --store does");
    return MLCE_OK;
}
