/* check.c - what is to be said of one dataset, and of training on it. */
#include "corpus/check.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset_layout.h"
#include "mlce/memory.h"

/* Types that are spoken of one by one. */
enum { MOST_TYPES = 10 };

/* Numbers of this size pass through Adam with the usual rates; those far off do not. */
static const double LEAST_RMS = 0.005, MOST_RMS = 30;

static double percent(int64_t part, int64_t whole) {
    return whole ? 100 * (double)part / (double)whole : 0;
}

/* ---- One dataset ---- */

static void check_values(const mlce_corpus *corpus, mlce_findings *findings) {
    const mlce_values *v = &corpus->values;
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(corpus->dataset);
    const char *name = mlce_dataset_name(corpus->dataset);
    if (v->not_finite)
        mlce_find(findings, MLCE_FINDING_ERROR, "not-finite",
                  "%s: %lld row%s of %s hold%s NaN or infinity, the first in %s %lld", name,
                  (long long)v->not_finite, v->not_finite == 1 ? "" : "s", layout->values,
                  v->not_finite == 1 ? "s" : "", layout->sequence, (long long)v->bad_sequence);
    if (v->zeros)
        mlce_find(findings, 100 * v->zeros < v->rows ? MLCE_FINDING_NOTE : MLCE_FINDING_WARNING,
                  "zero-rows",
                  "%s: %lld of %lld %ss (%.2f%%) have %s of zeros alone, the first in %s %lld: "
                  "words without a vector? A model cannot tell them apart",
                  name, (long long)v->zeros, (long long)mlce_dataset_tokens(corpus->dataset),
                  layout->token, percent(v->zeros, mlce_dataset_tokens(corpus->dataset)),
                  layout->values, layout->sequence, (long long)v->zeros_sequence);
    if (v->rows && (v->rms < LEAST_RMS || v->rms > MOST_RMS))
        mlce_find(findings, MLCE_FINDING_WARNING, "scale",
                  "%s: the numbers of the %s are of about %.3g, training expects 0.01 to 10: "
                  "features.standardise = yes brings them there",
                  name, layout->values, v->rms);
}

static void check_columns(const mlce_corpus *corpus, mlce_findings *findings) {
    const mlce_values *v = &corpus->values;
    const char *name = mlce_dataset_name(corpus->dataset);
    const char *values = mlce_dataset_layout_of(corpus->dataset)->values;
    if (v->rows > 1 && v->constant)
        mlce_find(findings, MLCE_FINDING_WARNING, "constant-columns",
                  "%s: %lld of the %d columns of %s are constant, the first is column %d: they "
                  "carry nothing",
                  name, (long long)v->constant, v->width, values, v->some_constant);
    if (v->huge)
        mlce_find(
            findings, MLCE_FINDING_WARNING, "huge-columns",
            "%s: %lld of the %d columns of %s spread over 100 times as far as the median one, "
            "the first is column %d (deviation %.3g): they drown the others, unless "
            "features.standardise = yes",
            name, (long long)v->huge, v->width, values, v->some_huge,
            v->columns[v->some_huge].deviation);
    if (v->tiny)
        mlce_find(
            findings, MLCE_FINDING_NOTE, "tiny-columns",
            "%s: %lld of the %d columns of %s spread under a hundredth of the median one, the "
            "first is column %d (deviation %.3g): they hardly count",
            name, (long long)v->tiny, v->width, values, v->some_tiny,
            v->columns[v->some_tiny].deviation);
}

void mlce_check_corpus(const mlce_corpus *corpus, mlce_findings *findings) {
    const mlce_summary *s = &corpus->summary;
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(corpus->dataset);
    const char *name = mlce_dataset_name(corpus->dataset);
    bool is_labels = mlce_dataset_task(corpus->dataset) == MLCE_TASK_LABELS;
    if (!s->sequences)
        mlce_find(findings, MLCE_FINDING_WARNING, "no-sequences", "%s: holds no %ss", name,
                  layout->sequence);
    check_values(corpus, findings);
    check_columns(corpus, findings);
    if (s->empty)
        mlce_find(findings, MLCE_FINDING_NOTE, "empty-sequences",
                  "%s: %lld sequences have no tokens: they are passed by", name,
                  (long long)s->empty);
    if (s->blank && is_labels)
        mlce_find(findings, MLCE_FINDING_NOTE, "blank-text",
                  "%s: %lld items have a text that is empty or white space, the first is item %lld",
                  name, (long long)s->blank, (long long)s->first_blank);
    else if (s->blank)
        mlce_find(findings, MLCE_FINDING_WARNING, "blank-tokens",
                  "%s: %lld tokens are empty or white space, the first in sequence %lld: they take "
                  "part like any other",
                  name, (long long)s->blank, (long long)s->first_blank);
    if (!mlce_dataset_has_spans(corpus->dataset))
        mlce_find(findings, MLCE_FINDING_WARNING, "no-gold",
                  "%s: has no %s: it can only be predicted", name, layout->gold);
    if (s->crossing)
        mlce_find(
            findings, MLCE_FINDING_NOTE, "crossing",
            "%s: %lld spans begin in another and end behind it, the first in sequence %lld: a "
            "slip of the annotation? mlce can learn them, IOB tags cannot hold them",
            name, (long long)s->crossing, (long long)s->crossing_first);
}

/* ---- Train ---- */

static void check_type(const mlce_corpus *train, int type, const mlce_check_options *options,
                       mlce_findings *findings) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(train->dataset);
    const char *file = mlce_dataset_name(train->dataset);
    const char *name = mlce_dataset_type_name(train->dataset, type);
    long long spans = train->summary.type_spans[type];
    long long sequences = train->summary.type_sequences[type];
    if (!spans)
        mlce_find(findings, MLCE_FINDING_WARNING, "absent-type",
                  "%s: no %s '%s', which /types names: it cannot be learned", file, layout->span,
                  name);
    else if (mlce_dataset_task(train->dataset) == MLCE_TASK_LABELS)
        mlce_find(
            findings, MLCE_FINDING_WARNING, "few-examples",
            "%s: only %lld item%s with the label '%s' (under %lld): find more, or expect it to be "
            "missed",
            file, spans, spans == 1 ? "" : "s", name, (long long)options->few);
    else
        mlce_find(
            findings, MLCE_FINDING_WARNING, "few-examples",
            "%s: only %lld span%s of '%s' in %lld sequence%s (under %lld): annotate more, join "
            "it with a type like it, or expect it to be missed",
            file, spans, spans == 1 ? "" : "s", name, sequences, sequences == 1 ? "" : "s",
            (long long)options->few);
}

static void check_types(const mlce_corpus *train, const mlce_check_options *options,
                        mlce_findings *findings) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(train->dataset);
    int said = 0, more = 0;
    for (int t = 0; t < train->summary.types; t++) {
        if (train->summary.type_spans[t] >= options->few) continue;
        if (said < MOST_TYPES)
            check_type(train, t, options, findings);
        else
            more++;
        said++;
    }
    if (more)
        mlce_find(findings, MLCE_FINDING_WARNING, "few-examples",
                  "%s: %d more %ss have fewer than %lld %ss", mlce_dataset_name(train->dataset),
                  more, layout->type, (long long)options->few, layout->span);
}

/* The same sequence again, with the same spans or with others. */
static mlce_status check_repeats(mlce_corpus *train, mlce_findings *findings) {
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(train->dataset);
    const char *name = mlce_dataset_name(train->dataset);
    int64_t sequences = train->summary.sequences, again = 0, differ = 0, first[2] = {0};
    mlce_twin_index index = {0};
    mlce_status status = mlce_corpus_print(train, train->basis);
    if (!status) status = mlce_twins_index(train->prints, sequences, &index);
    for (int64_t s = 0; s < sequences && !status; s++) {
        int64_t twin = mlce_twins_find(&index, train->prints[s]);
        if (twin < 0 || twin == s) continue;
        again++;
        bool agree = true;
        status = mlce_twins_agree(train->dataset, s, NULL, train->dataset, twin, &agree);
        if (agree || differ++) continue;
        first[0] = twin;
        first[1] = s;
    }
    mlce_twins_free(&index);
    if (again)
        mlce_find(findings, MLCE_FINDING_NOTE, "repeated",
                  "%s: %lld of %lld %ss (%.1f%%) repeat an earlier one", name, (long long)again,
                  (long long)sequences, layout->sequence, percent(again, sequences));
    if (differ)
        mlce_find(findings, MLCE_FINDING_WARNING, "annotated-twice",
                  "%s: %lld %s%s repeat%s an earlier one with other %ss, as %s %lld repeats %lld: "
                  "which is right?",
                  name, (long long)differ, layout->sequence, differ == 1 ? "" : "s",
                  differ == 1 ? "s" : "", layout->span, layout->sequence, (long long)first[1],
                  (long long)first[0]);
    return status;
}

mlce_status mlce_check_train(mlce_corpus *train, const mlce_check_options *options,
                             mlce_findings *findings) {
    if (mlce_dataset_has_spans(train->dataset)) check_types(train, options, findings);
    return check_repeats(train, findings);
}
