/* merge.c - several datasets made into one: a first round sees what they have in common, a second
 * one copies. */
#include "corpus/merge.h"

#include <stdlib.h>
#include <string.h>

#include "convert/names.h"
#include "corpus/copy.h"
#include "data/dataset_parts.h"

typedef struct merge {
    const char *const *paths;
    int count;
    const char *output;
    mlce_dataset_spec spec; /* types and embedding are not the first dataset's but these: */
    mlce_names types;
    char *embedding;
    int64_t documents; /* numbers of documents that were given out end before this */
} merge;

static mlce_status open_one(const char *path, mlce_dataset **dataset) {
    const mlce_dataset_options options = {.memory = 0, .check_rows = false};
    mlce_status status = mlce_dataset_open(path, &options, dataset);
    return status ? status : mlce_dataset_load_text(*dataset);
}

/* ---- First round ---- */

static mlce_status check_same(const merge *m, const mlce_dataset_spec *spec, const char *path) {
    const mlce_dataset_layout *ours = &mlce_dataset_layouts[m->spec.task];
    if (spec->task != m->spec.task)
        return mlce_fail(MLCE_E_DATA, "%s: holds %s, but %s holds %s: they cannot be merged", path,
                         mlce_dataset_layouts[spec->task].holds, m->paths[0], ours->holds);
    if (spec->width != m->spec.width || spec->layers != m->spec.layers)
        return mlce_fail(MLCE_E_DATA,
                         "%s: has %d layer%s of %d features, but %s has %d of %d: they cannot be "
                         "merged",
                         path, spec->layers, spec->layers == 1 ? "" : "s",
                         spec->width / spec->layers, m->paths[0], m->spec.layers,
                         m->spec.width / m->spec.layers);
    if (spec->embedding && m->embedding && strcmp(spec->embedding, m->embedding))
        return mlce_fail(
            MLCE_E_DATA,
            "%s: its %s were made by '%s', those before by '%s': they cannot be merged", path,
            ours->values, spec->embedding, m->embedding);
    if (spec->spans != m->spec.spans)
        return mlce_fail(MLCE_E_DATA,
                         "%s: has %s%s, but %s has %s: merged, what is without would count as "
                         "having no %ss",
                         path, spec->spans ? "" : "no ", ours->gold, m->paths[0],
                         spec->spans ? "none" : "them", ours->span);
    return MLCE_OK;
}

/* A part that not all have is left out. */
static void keep_if(bool *kept, bool has, const char *name, const char *path, const merge *m) {
    if (*kept && !has)
        mlce_log(MLCE_LOG_WARNING, "%s: has no %s: it is left out of %s", path, name, m->output);
    if (!*kept && has)
        mlce_log(MLCE_LOG_WARNING, "%s: its %s is left out, as not all have it", path, name);
    *kept = *kept && has;
}

static void join_parts(merge *m, const mlce_dataset_spec *spec, const char *path) {
    const mlce_dataset_layout *layout = &mlce_dataset_layouts[spec->task];
    keep_if(&m->spec.token_text, spec->token_text, layout->token_text, path, m);
    keep_if(&m->spec.token_chars, spec->token_chars, layout->token_chars, path, m);
    keep_if(&m->spec.text, spec->text, layout->text, path, m);
    keep_if(&m->spec.id, spec->id, layout->id, path, m);
    keep_if(&m->spec.document, spec->document, layout->document, path, m);
    m->spec.integer_ids = m->spec.integer_ids && spec->integer_ids;
    m->spec.weights = m->spec.weights || spec->weights; /* those without are 1 */
    if (spec->precision > m->spec.precision) m->spec.precision = spec->precision;
    if (!spec->embedding != !m->embedding)
        mlce_log(MLCE_LOG_WARNING,
                 "%s: %s what made its %s, those before %s: make sure that they are of one kind",
                 path, spec->embedding ? "says" : "does not say", layout->values,
                 spec->embedding ? "do not" : "do");
}

static mlce_status look_at(merge *m, int number) {
    const char *path = m->paths[number];
    mlce_dataset *dataset;
    mlce_status status = open_one(path, &dataset);
    if (!status) {
        mlce_dataset_spec spec = mlce_copy_spec(dataset);
        if (number == 0) m->spec = spec;
        status = check_same(m, &spec, path);
        if (!status && number) join_parts(m, &spec, path);
        if (!status && spec.embedding && !m->embedding &&
            !(m->embedding = mlce_strdup(spec.embedding)))
            status = MLCE_E_MEMORY;
        for (int t = 0, place; t < spec.type_count && !status; t++)
            status = mlce_names_add(&m->types, spec.types[t], &place);
        if (!status && mlce_dataset_has_file(dataset, m->output))
            status =
                mlce_fail(MLCE_E_ARGUMENT, "%s: is one of the files that are merged", m->output);
    }
    mlce_dataset_close(dataset);
    return status;
}

/* ---- Second round ---- */

/* How far the dataset's documents are moved so that their numbers are new. */
static mlce_status move_documents(merge *m, const mlce_dataset *dataset, int64_t *shift) {
    int64_t sequences = mlce_dataset_sequences(dataset), least = INT64_MAX, most = INT64_MIN;
    *shift = 0;
    if (!m->spec.document || !sequences) return MLCE_OK;
    for (int64_t s = 0; s < sequences; s++) {
        int64_t document = mlce_dataset_document(dataset, s);
        if (document < least) least = document;
        if (document > most) most = document;
    }
    bool bad = least < m->documents && __builtin_sub_overflow(m->documents, least, shift);
    if (bad || __builtin_add_overflow(most, *shift, &most) ||
        __builtin_add_overflow(most, 1, &m->documents))
        return mlce_fail(MLCE_E_DATA, "%s: the numbers of its documents are too large",
                         mlce_dataset_name(dataset));
    return MLCE_OK;
}

static mlce_status copy_one(merge *m, int number, mlce_copier *copier, mlce_dataset_writer *writer,
                            mlce_merge_report *report) {
    mlce_dataset *dataset;
    int64_t shift = 0;
    mlce_status status = open_one(m->paths[number], &dataset);
    if (!status)
        status = mlce_dataset_match_types(dataset, m->spec.types, m->spec.type_count, m->output);
    if (!status) status = move_documents(m, dataset, &shift);
    int64_t sequences = status ? 0 : mlce_dataset_sequences(dataset);
    for (int64_t s = 0; s < sequences && !status; s++)
        status = mlce_copy_sequence(copier, dataset, s, shift, writer);
    if (!status) {
        report->sequences += sequences;
        report->tokens += mlce_dataset_tokens(dataset);
        report->spans += mlce_dataset_spans(dataset);
    }
    mlce_dataset_close(dataset);
    return status;
}

static mlce_status copy_all(merge *m, mlce_merge_report *report) {
    mlce_copier copier = {0};
    mlce_dataset_writer *writer;
    mlce_status status = mlce_dataset_writer_open(m->output, &m->spec, &writer);
    m->documents = INT64_MIN;
    for (int i = 0; i < m->count && !status; i++) status = copy_one(m, i, &copier, writer, report);
    mlce_copier_free(&copier);
    if (!status) return mlce_dataset_writer_close(writer);
    mlce_dataset_writer_abandon(writer);
    return status;
}

mlce_status mlce_merge(const char *const *paths, int count, const char *output,
                       mlce_merge_report *report) {
    merge m = {.paths = paths, .count = count, .output = output};
    mlce_status status = MLCE_OK;
    *report = (mlce_merge_report){0};
    for (int i = 0; i < count && !status; i++) status = look_at(&m, i);
    if (!status) {
        m.spec.types = (const char *const *)m.types.items;
        m.spec.type_count = (int)m.types.count;
        m.spec.embedding = m.embedding;
        report->types = m.spec.type_count;
        report->task = m.spec.task;
        status = copy_all(&m, report);
    }
    mlce_names_free(&m.types);
    free(m.embedding);
    return status;
}
