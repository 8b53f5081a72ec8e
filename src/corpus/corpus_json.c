/* corpus_json.c - all that is measured of a dataset, for another program to read. */
#include <stdlib.h>

#include "core/json.h"
#include "corpus/corpus.h"
#include "data/dataset_layout.h"

/* Lengths that a histogram tells apart: 0, 1, 2, 3-4, 5-8, 9-16, ... */
static json_t *histogram_json(const int *sorted, int64_t count) {
    json_t *list = json_array();
    int64_t below = 0;
    for (int64_t limit = 0; below < count; limit = limit ? 2 * limit : 1) {
        int most = limit > INT32_MAX ? INT32_MAX : (int)limit;
        int64_t up_to = mlce_count_up_to(sorted, count, most);
        mlce_json_append(
            &list, json_pack("{s:i, s:I}", "up_to", most, "count", (json_int_t)(up_to - below)));
        below = up_to;
    }
    return list;
}

static json_t *spread_json(const int *sorted, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += sorted[i];
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:f, s:o}", "min", mlce_quantile(sorted, count, 0),
                     "median", mlce_quantile(sorted, count, 0.5), "p90",
                     mlce_quantile(sorted, count, 0.9), "p99", mlce_quantile(sorted, count, 0.99),
                     "max", mlce_quantile(sorted, count, 1), "mean",
                     count ? sum / (double)count : 0, "histogram", histogram_json(sorted, count));
}

/* In the order of their numbers. */
static json_t *types_json(const mlce_corpus *corpus, const mlce_dataset_layout *layout) {
    const mlce_summary *s = &corpus->summary;
    json_t *list = json_array();
    char sequences[32];
    snprintf(sequences, sizeof sequences, "%ss", layout->sequence);
    for (int t = 0; t < s->types; t++)
        mlce_json_append(&list, json_pack("{s:s, s:I, s:I}", "name",
                                          mlce_dataset_type_name(corpus->dataset, t),
                                          layout->gold + 1, (json_int_t)s->type_spans[t], sequences,
                                          (json_int_t)s->type_sequences[t]));
    return list;
}

static json_t *values_json(const mlce_values *v) {
    json_t *mean = json_array(), *deviation = json_array(), *min = json_array();
    json_t *max = json_array();
    for (int j = 0; j < v->width; j++) {
        mlce_json_append(&mean, json_real(v->columns[j].mean));
        mlce_json_append(&deviation, json_real(v->columns[j].deviation));
        mlce_json_append(&min, json_real((double)v->columns[j].min));
        mlce_json_append(&max, json_real((double)v->columns[j].max));
    }
    return json_pack("{s:f, s:I, s:I, s:I, s:I, s:I, s:{s:o, s:o, s:o, s:o}}", "rms", v->rms,
                     "not_finite_rows", (json_int_t)v->not_finite, "zero_rows",
                     (json_int_t)v->zeros, "constant_columns", (json_int_t)v->constant,
                     "huge_columns", (json_int_t)v->huge, "tiny_columns", (json_int_t)v->tiny,
                     "columns", "mean", mean, "deviation", deviation, "min", min, "max", max);
}

static json_t *parts_json(const mlce_dataset *dataset) {
    mlce_corpus_part parts[MLCE_CORPUS_PARTS];
    int count = mlce_corpus_parts(dataset, parts);
    json_t *object = json_object();
    for (int i = 0; i < count; i++)
        mlce_json_set(&object, parts[i].name, json_boolean(parts[i].is_there));
    return object;
}

/* How the spans lie; the kept share of each width that model.max_width might have. */
static json_t *spans_json(const mlce_summary *s) {
    json_t *kept = json_array();
    for (int width = 1; width <= 64; width *= 2) {
        double share =
            s->spans ? (double)mlce_count_up_to(s->widths, s->spans, width) / (double)s->spans : 1;
        mlce_json_append(&kept, json_pack("{s:i, s:f}", "max_width", width, "share", share));
    }
    return json_pack("{s:o, s:o, s:I, s:I, s:I}", "widths", spread_json(s->widths, s->spans),
                     "kept", kept, "nested", (json_int_t)s->nested, "crossing",
                     (json_int_t)s->crossing, "same_range", (json_int_t)s->shared);
}

json_t *mlce_corpus_json(const mlce_corpus *corpus) {
    const mlce_dataset *d = corpus->dataset;
    const mlce_dataset_layout *layout = mlce_dataset_layout_of(d);
    const mlce_summary *s = &corpus->summary;
    bool is_labels = mlce_dataset_task(d) == MLCE_TASK_LABELS;
    json_t *root =
        json_pack("{s:s, s:s, s:I, s:i, s:i, s:s, s:s, s:I, s:o, s:o}", "file",
                  mlce_dataset_name(d), "format", layout->format, is_labels ? "items" : "sequences",
                  (json_int_t)s->sequences, "features", mlce_dataset_width(d), "layers",
                  mlce_dataset_layers(d), "precision", mlce_dataset_precision(d), "embedding",
                  mlce_dataset_embedding(d), "embedding_bytes", (json_int_t)mlce_dataset_bytes(d),
                  "parts", parts_json(d), "types", types_json(corpus, layout));
    json_t *more =
        json_pack("{s:I, s:I, s:I, s:o, s:o}", layout->gold + 1, (json_int_t)s->spans,
                  is_labels ? "items_without_labels" : "sequences_without_spans",
                  (json_int_t)s->bare, is_labels ? "blank_texts" : "blank_tokens",
                  (json_int_t)s->blank, is_labels ? "labels_per_item" : "spans_per_sequence",
                  spread_json(s->counts, s->sequences), "values", values_json(&corpus->values));
    bool failed = !root || !more || json_object_update(root, more);
    json_decref(more);
    if (!failed && !is_labels) {
        json_t *spans =
            json_pack("{s:I, s:I, s:o, s:o}", "tokens", (json_int_t)s->tokens,
                      "sequences_without_tokens", (json_int_t)s->empty, "lengths",
                      spread_json(s->lengths, s->sequences), "span_shape", spans_json(s));
        failed = !spans || json_object_update(root, spans);
        json_decref(spans);
    }
    if (!failed) return root;
    json_decref(root);
    mlce_fail(MLCE_E_MEMORY, "%s: out of memory, or its name is not UTF-8, as JSON wants it",
              mlce_dataset_name(d));
    return NULL;
}
