/* split.c - a dataset cut into parts. */
#include "corpus/split.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/copy.h"
#include "corpus/stratify.h"
#include "corpus/twins.h"
#include "data/dataset_parts.h"

/* ---- What stays together ---- */

/* A sequence with the number of what it belongs to. */
typedef struct member {
    int64_t group, sequence;
} member;

static int compare_members(const void *left, const void *right) {
    const member *a = left, *b = right;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* The group of a sequence is the first that is the same as it. */
static mlce_status group_twins(mlce_dataset *dataset, member *members) {
    int64_t sequences = mlce_dataset_sequences(dataset);
    mlce_print *prints = mlce_calloc((size_t)sequences, sizeof *prints);
    mlce_twin_index index = {0};
    mlce_status status = prints ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) status = mlce_twins_print(dataset, mlce_twins_basis(dataset), prints);
    if (!status) status = mlce_twins_index(prints, sequences, &index);
    for (int64_t s = 0; s < sequences && !status; s++) {
        int64_t first = mlce_twins_find(&index, prints[s]);
        members[s].group = first < 0 ? s : first;
    }
    mlce_twins_free(&index);
    free(prints);
    return status;
}

static mlce_status group_documents(const mlce_dataset *dataset, member *members) {
    int64_t sequences = mlce_dataset_sequences(dataset);
    if (sequences && !mlce_copy_spec(dataset).document)
        return mlce_fail(MLCE_E_DATA, "%s: has no /sequences/document: its documents are not known",
                         mlce_dataset_name(dataset));
    for (int64_t s = 0; s < sequences; s++) members[s].group = mlce_dataset_document(dataset, s);
    return MLCE_OK;
}

/* Members in the order of their groups, to be freed; NULL (message set) on failure. */
static member *find_groups(mlce_dataset *dataset, mlce_together together) {
    int64_t sequences = mlce_dataset_sequences(dataset);
    member *members = mlce_calloc((size_t)sequences, sizeof *members);
    if (!members) return NULL;
    for (int64_t s = 0; s < sequences; s++) members[s] = (member){s, s};
    mlce_status status = MLCE_OK;
    if (together == MLCE_TOGETHER_IDENTICAL) status = group_twins(dataset, members);
    if (together == MLCE_TOGETHER_DOCUMENTS) status = group_documents(dataset, members);
    if (status) {
        free(members);
        return NULL;
    }
    qsort(members, (size_t)sequences, sizeof *members, compare_members);
    return members;
}

/* ---- Units for the stratification ---- */

typedef struct units {
    int64_t count;
    int64_t *sizes, *offsets; /* room for as many units as there are sequences */
    mlce_stratum *strata;     /* [spans] at most */
    int64_t *counts;          /* [types] of the unit at hand, zeros between */
} units;

static mlce_status units_new(const mlce_dataset *dataset, units *u) {
    size_t sequences = (size_t)mlce_dataset_sequences(dataset);
    *u = (units){.sizes = mlce_calloc(sequences, sizeof *u->sizes),
                 .offsets = mlce_calloc(sequences + 1, sizeof *u->offsets),
                 .strata = mlce_calloc((size_t)mlce_dataset_spans(dataset), sizeof *u->strata),
                 .counts = mlce_calloc((size_t)mlce_dataset_types(dataset), sizeof *u->counts)};
    return u->sizes && u->offsets && u->strata && u->counts ? MLCE_OK : MLCE_E_MEMORY;
}

static void units_free(units *u) {
    free(u->sizes);
    free(u->offsets);
    free(u->strata);
    free(u->counts);
}

/* Counts the spans of each type in members[0..count-1]. The types of a unit stand in strata as soon
   as they are met, their numbers follow. */
static void add_unit(const mlce_dataset *dataset, const member *members, int64_t count, units *u) {
    int64_t from = u->offsets[u->count], end = from;
    for (int64_t m = 0; m < count; m++) {
        int spans;
        const mlce_span *gold = mlce_dataset_gold(dataset, members[m].sequence, &spans);
        for (int k = 0; k < spans; k++)
            if (!u->counts[gold[k].type]++) u->strata[end++].type = gold[k].type;
    }
    for (int64_t i = from; i < end; i++) {
        u->strata[i].spans = u->counts[u->strata[i].type];
        u->counts[u->strata[i].type] = 0;
    }
    u->sizes[u->count++] = count;
    u->offsets[u->count] = end;
}

/* How many of members[0..left-1] are of the first's group. */
static int64_t group_size(const member *members, int64_t left) {
    int64_t size = 1;
    while (size < left && members[size].group == members[0].group) size++;
    return size;
}

/* ---- Planning ---- */

static mlce_status count_parts(const mlce_dataset *dataset, mlce_split_part *parts, int count,
                               const int *part_of) {
    for (int p = 0; p < count; p++) parts[p].sequences = parts[p].tokens = parts[p].spans = 0;
    for (int64_t s = 0; s < mlce_dataset_sequences(dataset); s++) {
        mlce_split_part *part = &parts[part_of[s]];
        int spans;
        mlce_dataset_gold(dataset, s, &spans);
        part->sequences++;
        part->tokens += mlce_dataset_length(dataset, s);
        part->spans += spans;
    }
    const char *sequence = mlce_dataset_layout_of(dataset)->sequence;
    for (int p = 0; p < count; p++)
        if (!parts[p].sequences)
            return mlce_fail(MLCE_E_DATA,
                             "%s: its %lld %ss are too few for %d parts: %s, %g of them, would be "
                             "empty",
                             mlce_dataset_name(dataset), (long long)mlce_dataset_sequences(dataset),
                             sequence, count, parts[p].path, parts[p].share);
    return MLCE_OK;
}

static mlce_status plan_groups(const mlce_dataset *dataset, const member *members,
                               const double *shares, int count, uint64_t seed, int *part_of) {
    int64_t sequences = mlce_dataset_sequences(dataset);
    units u;
    mlce_status status = units_new(dataset, &u);
    int *part = mlce_calloc((size_t)sequences, sizeof *part);
    if (!part) status = MLCE_E_MEMORY;
    for (int64_t m = 0; m < sequences && !status; m += u.sizes[u.count - 1])
        add_unit(dataset, members + m, group_size(members + m, sequences - m), &u);
    if (!status) {
        const mlce_units all = {.count = u.count,
                                .sizes = u.sizes,
                                .offsets = u.offsets,
                                .strata = u.strata,
                                .types = mlce_dataset_types(dataset)};
        status = mlce_stratify(&all, shares, count, seed, part);
    }
    int64_t m = 0;
    for (int64_t i = 0; i < u.count && !status; i++)
        for (int64_t k = 0; k < u.sizes[i]; k++) part_of[members[m++].sequence] = part[i];
    free(part);
    units_free(&u);
    return status;
}

mlce_status mlce_split_plan(mlce_dataset *dataset, mlce_split_part *parts, int count,
                            mlce_together together, uint64_t seed, int *part_of) {
    double *shares = mlce_calloc((size_t)count, sizeof *shares);
    member *members = shares ? find_groups(dataset, together) : NULL;
    mlce_status status = MLCE_E_DATA; /* the message of find_groups() stands */
    for (int p = 0; p < count && shares; p++) shares[p] = parts[p].share;
    if (members) status = plan_groups(dataset, members, shares, count, seed, part_of);
    if (!status) status = count_parts(dataset, parts, count, part_of);
    free(members);
    free(shares);
    return status;
}

/* ---- Writing ---- */

mlce_status mlce_split_write(mlce_dataset *dataset, const mlce_split_part *parts, int count,
                             const int *part_of) {
    mlce_dataset_spec spec = mlce_copy_spec(dataset);
    mlce_copier copier = {0};
    mlce_dataset_writer **writers = mlce_calloc((size_t)count, sizeof *writers);
    if (!writers) return MLCE_E_MEMORY;
    mlce_status status = MLCE_OK;
    for (int p = 0; p < count && !status; p++)
        status = mlce_dataset_writer_open(parts[p].path, &spec, &writers[p]);
    for (int64_t s = 0; s < mlce_dataset_sequences(dataset) && !status; s++)
        status = mlce_copy_sequence(&copier, dataset, s, 0, writers[part_of[s]]);
    for (int p = 0; p < count && !status; p++) status = mlce_dataset_writer_finish(writers[p]);
    for (int p = 0; p < count && !status; p++) {
        status = mlce_dataset_writer_close(writers[p]);
        writers[p] = NULL;
    }
    for (int p = 0; p < count; p++) mlce_dataset_writer_abandon(writers[p]);
    mlce_copier_free(&copier);
    free(writers);
    return status;
}
