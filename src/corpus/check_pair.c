/* check_pair.c - a dataset against the one that is trained on. */
#include <stdlib.h>
#include <string.h>

#include "convert/names.h"
#include "corpus/check.h"
#include "data/dataset_layout.h"
#include "mlce/memory.h"

/* Names in one message. */
enum { MOST_NAMED = 8, MOST_PAIRS = 3, LIST_SIZE = 512 };

typedef struct pair {
    mlce_corpus *train, *dev;
    const mlce_dataset_layout *layout; /* of both */
    const char *train_name, *dev_name;
    int *types; /* train's numbers of dev's types, or -1 */
    mlce_findings *findings;
} pair;

static double percent(int64_t part, int64_t whole) {
    return whole ? 100 * (double)part / (double)whole : 0;
}

/* ---- Kinds that must agree ---- */

/* Whether the two can be compared any further. */
static bool check_kinds(pair *p) {
    const mlce_dataset *train = p->train->dataset, *dev = p->dev->dataset;
    const mlce_dataset_layout *theirs = mlce_dataset_layout_of(dev);
    if (mlce_dataset_task(train) != mlce_dataset_task(dev)) {
        mlce_find(p->findings, MLCE_FINDING_ERROR, "other-task", "%s: holds %s, but %s holds %s",
                  p->dev_name, theirs->holds, p->train_name, p->layout->holds);
        return false;
    }
    if (mlce_dataset_width(train) != mlce_dataset_width(dev) ||
        mlce_dataset_layers(train) != mlce_dataset_layers(dev)) {
        mlce_find(p->findings, MLCE_FINDING_ERROR, "other-width",
                  "%s: has %d layer%s of %d features, but %s has %d of %d", p->dev_name,
                  mlce_dataset_layers(dev), mlce_dataset_layers(dev) == 1 ? "" : "s",
                  mlce_dataset_width(dev) / mlce_dataset_layers(dev), p->train_name,
                  mlce_dataset_layers(train),
                  mlce_dataset_width(train) / mlce_dataset_layers(train));
        return false;
    }
    return true;
}

static void check_embeddings(pair *p) {
    const char *ours = mlce_dataset_embedding(p->train->dataset);
    const char *theirs = mlce_dataset_embedding(p->dev->dataset);
    double train = p->train->values.rms, dev = p->dev->values.rms;
    if (*ours && *theirs && strcmp(ours, theirs))
        mlce_find(
            p->findings, MLCE_FINDING_WARNING, "other-embedding",
            "%s: its %s were made by '%s', those of %s by '%s': a model of the one is lost on "
            "the other",
            p->dev_name, p->layout->values, theirs, p->train_name, ours);
    else if (!*ours != !*theirs)
        mlce_find(p->findings, MLCE_FINDING_NOTE, "unnamed-embedding",
                  "%s: does not say what made its %s, %s does", *ours ? p->dev_name : p->train_name,
                  p->layout->values, *ours ? p->train_name : p->dev_name);
    if (train > 0 && dev > 0 && (train > 2 * dev || dev > 2 * train))
        mlce_find(p->findings, MLCE_FINDING_WARNING, "other-scale",
                  "%s: the numbers of its %s are of about %.3g, those of %s of %.3g: was one "
                  "normalised and the other not?",
                  p->dev_name, p->layout->values, dev, p->train_name, train);
    mlce_corpus_part parts[MLCE_CORPUS_PARTS];
    bool has_train = mlce_corpus_parts(p->train->dataset, parts) && parts[0].is_there;
    bool has_dev = mlce_corpus_parts(p->dev->dataset, parts) && parts[0].is_there;
    if (p->layout->token_text && has_train != has_dev)
        mlce_find(p->findings, MLCE_FINDING_NOTE, "token-text",
                  "%s: has no %s, which features.shape needs in both",
                  has_train ? p->dev_name : p->train_name, p->layout->token_text);
}

/* ---- Types ---- */

/* Names and how many more there are, as 'a', 'b' and 3 more. */
typedef struct name_list {
    char text[LIST_SIZE];
    size_t used;
    int count, named;
} name_list;

static void add_name(name_list *list, const char *name) {
    size_t room = sizeof list->text - list->used;
    list->count++;
    if (list->named >= MOST_NAMED || strlen(name) + 5 > room) return;
    list->used +=
        (size_t)snprintf(list->text + list->used, room, "%s'%s'", list->named ? ", " : "", name);
    list->named++;
}

static const char *end_list(name_list *list) {
    static const char more[] = " and %d more";
    size_t kept = sizeof list->text - sizeof more - 12;
    if (list->named < list->count)
        snprintf(list->text + (list->used < kept ? list->used : kept), sizeof more + 12, more,
                 list->count - list->named);
    return list->text;
}

static mlce_status match_types(pair *p) {
    mlce_names names = {0};
    p->types = mlce_calloc((size_t)p->dev->summary.types, sizeof *p->types);
    mlce_status status = p->types ? MLCE_OK : MLCE_E_MEMORY;
    for (int t = 0, number; t < p->train->summary.types && !status; t++)
        status = mlce_names_add(&names, mlce_dataset_type_name(p->train->dataset, t), &number);
    for (int t = 0; t < p->dev->summary.types && !status; t++)
        p->types[t] = mlce_names_find(&names, mlce_dataset_type_name(p->dev->dataset, t));
    mlce_names_free(&names);
    return status;
}

/* Spans of dev of types that cannot have been learned; training refuses types it does not know. */
static void check_unknown_types(pair *p) {
    name_list unknown = {0}, unlearned = {0};
    for (int t = 0; t < p->dev->summary.types; t++) {
        const char *name = mlce_dataset_type_name(p->dev->dataset, t);
        if (p->types[t] < 0)
            add_name(&unknown, name);
        else if (p->dev->summary.type_spans[t] && !p->train->summary.type_spans[p->types[t]])
            add_name(&unlearned, name);
    }
    if (unknown.count)
        mlce_find(
            p->findings, MLCE_FINDING_ERROR, "unknown-types",
            "%s: /types has what that of %s has not: %s. Training refuses that: take them out, or "
            "name them in both",
            p->dev_name, p->train_name, end_list(&unknown));
    if (unlearned.count)
        mlce_find(p->findings, MLCE_FINDING_WARNING, "unlearned-types",
                  "%s: has %ss of types that have none in %s: %s. They will all be missed",
                  p->dev_name, p->layout->span, p->train_name, end_list(&unlearned));
}

/* Types of train on which dev says little or nothing; dev_spans[t] are dev's of train's type t. */
static void check_measured_types(pair *p, const int64_t *dev_spans) {
    enum { LITTLE = 10 };
    name_list none = {0}, little = {0};
    for (int t = 0; t < p->train->summary.types; t++) {
        if (!p->train->summary.type_spans[t]) continue;
        const char *name = mlce_dataset_type_name(p->train->dataset, t);
        if (!dev_spans[t])
            add_name(&none, name);
        else if (dev_spans[t] < LITTLE)
            add_name(&little, name);
    }
    if (none.count)
        mlce_find(p->findings, MLCE_FINDING_WARNING, "unmeasured-types",
                  "%s: no %ss of types that %s has: %s. How well they are found stays unknown",
                  p->dev_name, p->layout->span, p->train_name, end_list(&none));
    if (little.count)
        mlce_find(p->findings, MLCE_FINDING_NOTE, "hardly-measured-types",
                  "%s: fewer than %d %ss of %s: one found or missed moves their recall by over %d "
                  "points",
                  p->dev_name, LITTLE, p->layout->span, end_list(&little), 100 / LITTLE);
}

static mlce_status check_types(pair *p) {
    int64_t *dev_spans = mlce_calloc((size_t)p->train->summary.types, sizeof *dev_spans);
    mlce_status status = dev_spans ? match_types(p) : MLCE_E_MEMORY;
    if (!status) check_unknown_types(p);
    for (int t = 0; t < p->dev->summary.types && !status; t++)
        if (p->types[t] >= 0) dev_spans[p->types[t]] = p->dev->summary.type_spans[t];
    if (!status && mlce_dataset_has_spans(p->train->dataset) &&
        mlce_dataset_has_spans(p->dev->dataset))
        check_measured_types(p, dev_spans);
    free(dev_spans);
    return status;
}

/* ---- Sequences of both ---- */

static void say_same(pair *p, int64_t same, int64_t differ, const int64_t (*pairs)[2]) {
    static const char *const by[] = {"tokens", "text", "embeddings"};
    char list[256] = "";
    for (int i = 0; i < same && i < MOST_PAIRS; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%lld is %lld there",
                 i ? ", " : "", (long long)pairs[i][0], (long long)pairs[i][1]);
    mlce_find(p->findings, MLCE_FINDING_WARNING, "same-sequences",
              "%s: %lld of %lld %ss (%.1f%%) stand in %s too, by their %s (%s%s). They flatter its "
              "figures: mlce-data split keeps such together",
              p->dev_name, (long long)same, (long long)p->dev->summary.sequences,
              p->layout->sequence, percent(same, p->dev->summary.sequences), p->train_name,
              by[p->train->printed], list, same > MOST_PAIRS ? ", ..." : "");
    if (differ)
        mlce_find(p->findings, MLCE_FINDING_NOTE, "annotated-twice",
                  "%s: %lld of the %ss that stand in %s too have other %ss there", p->dev_name,
                  (long long)differ, p->layout->sequence, p->train_name, p->layout->span);
}

static mlce_status check_same(pair *p) {
    mlce_corpus *train = p->train, *dev = p->dev;
    mlce_twin_basis basis = train->basis > dev->basis ? train->basis : dev->basis;
    mlce_twin_index index = {0};
    int64_t same = 0, differ = 0, pairs[MOST_PAIRS][2];
    mlce_status status = mlce_corpus_print(train, basis);
    if (!status) status = mlce_corpus_print(dev, basis);
    if (!status) status = mlce_twins_index(train->prints, train->summary.sequences, &index);
    for (int64_t s = 0; s < dev->summary.sequences && !status; s++) {
        int64_t twin = mlce_twins_find(&index, dev->prints[s]);
        if (twin < 0) continue;
        if (same < MOST_PAIRS) memcpy(pairs[same], (int64_t[]){s, twin}, sizeof pairs[same]);
        same++;
        bool agree = true;
        status = mlce_twins_agree(dev->dataset, s, p->types, train->dataset, twin, &agree);
        differ += !agree;
    }
    mlce_twins_free(&index);
    if (same) say_same(p, same, differ, (const int64_t(*)[2])pairs);
    return status;
}

/* ---- Lengths ---- */

static void check_lengths(pair *p) {
    const mlce_summary *train = &p->train->summary, *dev = &p->dev->summary;
    int longest = mlce_quantile(train->lengths, train->sequences, 1);
    int64_t longer = dev->sequences - mlce_count_up_to(dev->lengths, dev->sequences, longest);
    if (longer && train->sequences)
        mlce_find(p->findings, MLCE_FINDING_WARNING, "longer-sequences",
                  "%s: %lld sequences (%.1f%%) are longer, up to %d tokens, than any of %s (%d): a "
                  "head alone predicts too much there. Put an encoder before it, set "
                  "model.max_width, or train on sequences as long",
                  p->dev_name, (long long)longer, percent(longer, dev->sequences),
                  mlce_quantile(dev->lengths, dev->sequences, 1), p->train_name, longest);
    int widest = mlce_quantile(train->widths, train->spans, 1);
    int64_t wider = dev->spans - mlce_count_up_to(dev->widths, dev->spans, widest);
    if (wider && train->spans)
        mlce_find(p->findings, MLCE_FINDING_NOTE, "wider-spans",
                  "%s: %lld spans (%.1f%%) are wider, up to %d tokens, than any of %s (%d)",
                  p->dev_name, (long long)wider, percent(wider, dev->spans),
                  mlce_quantile(dev->widths, dev->spans, 1), p->train_name, widest);
}

static void check_bare(pair *p) {
    const mlce_summary *train = &p->train->summary, *dev = &p->dev->summary;
    bool has_both =
        mlce_dataset_has_spans(p->train->dataset) && mlce_dataset_has_spans(p->dev->dataset);
    if (has_both && train->sequences && train->bare == 0 && dev->bare)
        mlce_find(p->findings, MLCE_FINDING_WARNING, "no-bare-sequences",
                  "%s: every %s has a %s, but %lld (%.1f%%) of %s have none: the model never sees "
                  "that none is right",
                  p->train_name, p->layout->sequence, p->layout->span, (long long)dev->bare,
                  percent(dev->bare, dev->sequences), p->dev_name);
}

mlce_status mlce_check_pair(mlce_corpus *train, mlce_corpus *dev, mlce_findings *findings) {
    pair p = {.train = train,
              .dev = dev,
              .layout = mlce_dataset_layout_of(train->dataset),
              .train_name = mlce_dataset_name(train->dataset),
              .dev_name = mlce_dataset_name(dev->dataset),
              .findings = findings};
    if (!check_kinds(&p)) return MLCE_OK;
    check_embeddings(&p);
    mlce_status status = check_types(&p);
    if (!status) status = check_same(&p);
    if (!status && mlce_dataset_task(train->dataset) == MLCE_TASK_SPANS) check_lengths(&p);
    if (!status) check_bare(&p);
    free(p.types);
    return status;
}
