/* calibration.c - scores turned into probabilities, and how far those can be trusted. */
#include "train/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"
#include "train/candidates.h"

/* ---- Reliability ---- */

/* -log(p) of what is right, -log(1 - p) of what is wrong, with p = 1 / (1 + e^-z). */
static double log_loss(double z, bool right) {
    double x = right ? -z : z;
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

mlce_reliability mlce_reliability_of(const mlce_candidate *items, size_t count,
                                     mlce_calibration calibration) {
    mlce_reliability r = {.count = (int64_t)count};
    for (size_t n = 0; n < count; n++) {
        double p = mlce_probability(calibration, items[n].score);
        int bin = p < 1 ? (int)(p * MLCE_BINS) : MLCE_BINS - 1;
        r.right += items[n].right;
        r.bins[bin].count++;
        r.bins[bin].right += items[n].right;
        r.bins[bin].probability += p;
        r.log_loss += log_loss((double)calibration.slope * (double)items[n].score +
                                   (double)calibration.intercept,
                               items[n].right);
    }
    for (int b = 0; b < MLCE_BINS; b++) {
        mlce_bin *bin = &r.bins[b];
        if (!bin->count) continue;
        r.error += fabs((double)bin->right - bin->probability) / (double)count;
        bin->probability /= (double)bin->count;
    }
    if (count) r.log_loss /= (double)count;
    return r;
}

/* ---- Logistic regression ---- */

/* Over x = (score - mean) / deviation, so that the two parameters are of one size. */
typedef struct regression {
    const mlce_candidate *items;
    size_t count;
    double mean, deviation;
    double target[2]; /* of wrong and right */
} regression;

/* loss = sum of -t log p - (1 - t) log(1 - p), its gradient, and its second derivatives
   [aa, ab, bb]. */
typedef struct derivatives {
    double loss, gradient[2], second[3];
} derivatives;

static derivatives differentiate(const regression *r, double a, double b) {
    derivatives d = {0};
    for (size_t n = 0; n < r->count; n++) {
        double x = ((double)r->items[n].score - r->mean) / r->deviation, z = a * x + b;
        double t = r->target[r->items[n].right], p = 1 / (1 + exp(-z)), w = p * (1 - p);
        d.loss += t * log_loss(z, true) + (1 - t) * log_loss(z, false);
        d.gradient[0] += (p - t) * x;
        d.gradient[1] += p - t;
        d.second[0] += w * x * x;
        d.second[1] += w * x;
        d.second[2] += w;
    }
    return d;
}

static void standardize(regression *r) {
    double right = 0, squares = 0;
    for (size_t n = 0; n < r->count; n++) {
        r->mean += (double)r->items[n].score / (double)r->count;
        right += r->items[n].right;
    }
    for (size_t n = 0; n < r->count; n++)
        squares += pow((double)r->items[n].score - r->mean, 2) / (double)r->count;
    r->deviation = squares > 0 ? sqrt(squares) : 1;
    r->target[1] = (right + 1) / (right + 2);
    r->target[0] = 1 / ((double)r->count - right + 2);
}

/* Newton's method; a step that does not make the loss smaller is halved. */
static void minimize(const regression *r, double *a, double *b) {
    const double ridge = 1e-12, enough = 1e-10 * (double)r->count;
    derivatives d = differentiate(r, *a, *b);
    for (int step = 0; step < 100; step++) {
        if (fabs(d.gradient[0]) < enough && fabs(d.gradient[1]) < enough) return;
        double aa = d.second[0] + ridge, ab = d.second[1], bb = d.second[2] + ridge;
        double determinant = aa * bb - ab * ab;
        double step_a = -(bb * d.gradient[0] - ab * d.gradient[1]) / determinant;
        double step_b = -(aa * d.gradient[1] - ab * d.gradient[0]) / determinant;
        double slope = step_a * d.gradient[0] + step_b * d.gradient[1];
        double size = 1;
        derivatives next = differentiate(r, *a + step_a, *b + step_b);
        while (!(next.loss <= d.loss + 1e-4 * size * slope)) {
            size /= 2;
            if (size < 1e-10) return; /* as near as float64 gets */
            next = differentiate(r, *a + size * step_a, *b + size * step_b);
        }
        *a += size * step_a;
        *b += size * step_b;
        d = next;
    }
}

mlce_status mlce_calibration_fit(const mlce_candidate *items, size_t count,
                                 mlce_calibration *calibration) {
    regression r = {.items = items, .count = count};
    size_t right = 0;
    for (size_t n = 0; n < count; n++) right += items[n].right;
    if (right == 0 || right == count)
        return mlce_fail(MLCE_E_DATA,
                         "of %zu candidates %s is right: scores cannot be turned into "
                         "probabilities without some of both",
                         count, right ? "every one" : "none");
    standardize(&r);
    double a = 0, b = log(((double)right + 1) / ((double)(count - right) + 1));
    minimize(&r, &a, &b);
    double slope = a / r.deviation;
    if (!((float)slope > 0))
        return mlce_fail(MLCE_E_DATA,
                         "what scores higher is not right more often: the scores of these %zu "
                         "candidates say nothing of how probable they are",
                         count);
    *calibration = (mlce_calibration){(float)slope, (float)(b - slope * r.mean)};
    return MLCE_OK;
}

/* ---- Candidates ---- */

typedef struct search {
    mlce_model *model;
    mlce_dataset *dataset;
    int types;
    const float *thresholds;
    float *low; /* [types] */
    mlce_candidates found;
    size_t predicted;
} search;

static double margin(const mlce_candidate *item, const float *thresholds) {
    return (double)item->score - (double)thresholds[item->type];
}

/* Enough below the threshold is known; `reach` is how far down it was searched. */
static mlce_status collect(search *s, float reach) {
    for (int a = 0; a < s->types; a++) s->low[a] = s->thresholds[a] - reach;
    mlce_status status = mlce_candidates_collect(s->model, s->dataset, s->low, &s->found);
    s->predicted = 0;
    for (size_t n = 0; n < s->found.count; n++)
        s->predicted += margin(&s->found.items[n], s->thresholds) > 0;
    if (!status && s->predicted == 0)
        status = mlce_fail(MLCE_E_DATA,
                           "%s: nothing is predicted: there is nothing to calibrate; a lower "
                           "threshold may help (--find-threshold --store)",
                           mlce_dataset_name(s->dataset));
    return status;
}

static mlce_status collect_enough(search *s) {
    mlce_status status;
    float reach = 1;
    do {
        status = collect(s, reach);
        reach *= 2;
    } while (!status && s->found.count < 2 * s->predicted && s->found.floor == -INFINITY &&
             reach < 1e6f);
    return status;
}

typedef struct ranked {
    double margin;
    mlce_candidate item;
} ranked;

/* By falling margin, then so that the order, and with it the last bit, is always the same. */
static int by_margin(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->margin != b->margin) return a->margin > b->margin ? -1 : 1;
    if (a->item.type != b->item.type) return a->item.type < b->item.type ? -1 : 1;
    return (int)b->item.right - (int)a->item.right;
}

/* Brings the candidates to the front by falling margin: twice as many as are predicted, with all
   that are level with the last, as far down as all are known. */
static mlce_status keep_nearest(search *s) {
    mlce_candidates *found = &s->found;
    ranked *ranks = mlce_calloc(found->count, sizeof *ranks);
    if (!ranks) return MLCE_E_MEMORY;
    double unknown = -INFINITY;
    for (int a = 0; a < s->types; a++)
        unknown = fmax(unknown, (double)found->floor - (double)s->thresholds[a]);
    for (size_t n = 0; n < found->count; n++)
        ranks[n] = (ranked){margin(&found->items[n], s->thresholds), found->items[n]};
    qsort(ranks, found->count, sizeof *ranks, by_margin);
    size_t kept = 0;
    while (kept < found->count &&
           (kept < 2 * s->predicted || ranks[kept].margin == ranks[kept - 1].margin) &&
           (kept < s->predicted || ranks[kept].margin > unknown)) {
        found->items[kept] = ranks[kept].item;
        kept++;
    }
    found->count = kept;
    free(ranks);
    return MLCE_OK;
}

static mlce_calibrated judge(const search *s, mlce_calibration calibration) {
    return (mlce_calibrated){
        calibration,
        mlce_reliability_of(s->found.items, s->found.count, calibration),
        mlce_reliability_of(s->found.items, s->predicted, calibration),
    };
}

mlce_status mlce_calibrate(mlce_model *model, mlce_dataset *dataset,
                           mlce_calibration_report *report) {
    search s = {.model = model, .dataset = dataset, .types = mlce_model_types(model)};
    mlce_status status = mlce_check_has_gold(dataset);
    *report = (mlce_calibration_report){0};
    if (!status && !mlce_model_has_thresholds(model))
        status = mlce_fail(MLCE_E_ARGUMENT,
                           "the model was trained with loss.name = %s, which predicts the best "
                           "scores, not those over a threshold: only such can be calibrated",
                           mlce_config_string(mlce_model_config(model), "loss.name"));
    if (status) return status;
    size_t types = (size_t)s.types;
    float *thresholds = mlce_calloc(types, sizeof *thresholds);
    s.low = mlce_calloc(types, sizeof *s.low);
    if (!thresholds || !s.low) status = MLCE_E_MEMORY;
    if (!status) memcpy(thresholds, mlce_model_thresholds(model), types * sizeof *thresholds);
    s.thresholds = thresholds;
    mlce_calibration fitted = {0}, stored = mlce_model_calibration(model);
    if (!status) status = collect_enough(&s);
    if (!status) status = keep_nearest(&s);
    if (!status && (status = mlce_calibration_fit(s.found.items, s.found.count, &fitted)))
        mlce_fail_prefix(status, "%s: ", mlce_dataset_name(dataset));
    if (!status) {
        report->plain = judge(&s, (mlce_calibration){1, 0});
        if (stored.slope > 0) report->stored = judge(&s, stored);
        report->fitted = judge(&s, fitted);
    }
    mlce_candidates_free(&s.found);
    free(thresholds);
    free(s.low);
    return status;
}
