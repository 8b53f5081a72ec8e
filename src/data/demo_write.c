/* demo_write.c - the files of the demo data. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/demo.h"
#include "data/embed_hash.h"

/* "folder/train.h5" and the like, on the heap. */
static char *path_of(const char *folder, int split, const char *suffix) {
    size_t size = strlen(folder) + strlen(mlce_demo_splits[split]) + strlen(suffix) + 8;
    char *path = mlce_calloc(size, 1);
    if (path) snprintf(path, size, "%s/%s.h5%s", folder, mlce_demo_splits[split], suffix);
    return path;
}

/* mkdir of the path and, before it, of every folder above it. */
static mlce_status make_folder(const char *folder) {
    char *path = mlce_strdup(folder);
    if (!path) return MLCE_E_MEMORY;
    int error = 0;
    for (char *c = path + 1; *path && !error; c++) {
        char end = *c;
        if (end && end != '/') continue;
        *c = '\0';
        if (mkdir(path, 0777) && errno != EEXIST) error = errno;
        *c = end;
        if (!end) break;
    }
    struct stat made;
    if (!error && stat(folder, &made)) error = errno;
    if (!error && !S_ISDIR(made.st_mode)) error = ENOTDIR;
    free(path);
    if (!error) return MLCE_OK;
    return mlce_fail(MLCE_E_IO, "%s: cannot make the folder: %s", folder, strerror(error));
}

/* What making one sentence or item after the other needs. */
typedef struct maker {
    mlce_task task;
    mlce_random random;
    mlce_arena *arena;
    int dim;
    mlce_demo_prototypes prototypes;
} maker;

static mlce_status make_sentence(maker *m, mlce_sequence *sentence) {
    mlce_status status = mlce_demo_sentence(&m->random, m->arena, sentence);
    if (status) return status;
    size_t length = (size_t)sentence->length, width = (size_t)m->dim;
    float *rows = mlce_arena_alloc(m->arena, length * width, sizeof *rows);
    if (!rows) return MLCE_E_MEMORY;
    for (size_t i = 0; i < length; i++)
        mlce_embed_hash(sentence->token_text[i], m->dim, rows + i * width);
    sentence->embeddings = rows;
    return MLCE_OK;
}

static mlce_status add_one(maker *m, int split, int64_t number, mlce_dataset_writer *writer) {
    char id[48];
    mlce_sequence made;
    mlce_status status = m->task == MLCE_TASK_LABELS
                             ? mlce_demo_item(&m->random, &m->prototypes, m->arena, &made)
                             : make_sentence(m, &made);
    if (status) return status;
    snprintf(id, sizeof id, "%s-%lld", mlce_demo_splits[split], (long long)number + 1);
    made.id = id;
    status = mlce_dataset_writer_add(writer, &made);
    mlce_arena_reset(m->arena);
    return status;
}

static mlce_status add_all(maker *m, int split, const mlce_demo_options *options,
                           mlce_dataset_writer *writer) {
    int64_t count = split ? (options->sequences + 4) / 5 : options->sequences;
    mlce_status status = MLCE_OK;
    if (m->task == MLCE_TASK_LABELS)
        status = mlce_demo_prototypes_make(options->seed, m->dim, &m->prototypes);
    for (int64_t i = 0; i < count && !status; i++) status = add_one(m, split, i, writer);
    free(m->prototypes.values);
    return status;
}

static mlce_status open_writer(const char *path, const mlce_demo_options *options,
                               mlce_dataset_writer **writer) {
    bool is_labels = options->task == MLCE_TASK_LABELS;
    char embedding[32], labels[MLCE_DEMO_LABELS][16];
    const char *label_names[MLCE_DEMO_LABELS];
    snprintf(embedding, sizeof embedding, is_labels ? "prototypes:%d" : "hash:%d", options->dim);
    for (int a = 0; a < MLCE_DEMO_LABELS; a++) {
        snprintf(labels[a], sizeof labels[a], "label-%02d", a + 1);
        label_names[a] = labels[a];
    }
    mlce_dataset_spec spec = {.task = options->task,
                              .types = is_labels ? label_names : mlce_demo_types,
                              .type_count = is_labels ? MLCE_DEMO_LABELS : MLCE_DEMO_TYPES,
                              .width = options->dim,
                              .precision = MLCE_FLOAT16,
                              .embedding = embedding,
                              .token_text = !is_labels,
                              .token_chars = !is_labels,
                              .text = !is_labels,
                              .id = true,
                              .spans = true};
    return mlce_dataset_writer_open(path, &spec, writer);
}

static mlce_status write_split(const char *path, int split, const mlce_demo_options *options) {
    maker m = {.task = options->task,
               .random = mlce_demo_random(options->seed, split),
               .arena = mlce_arena_new(),
               .dim = options->dim};
    if (!m.arena) return MLCE_E_MEMORY;
    mlce_dataset_writer *writer = NULL;
    mlce_status status = open_writer(path, options, &writer);
    if (!status) status = add_all(&m, split, options, writer);
    if (status)
        mlce_dataset_writer_abandon(writer);
    else
        status = mlce_dataset_writer_close(writer);
    mlce_arena_free(m.arena);
    return status;
}

static mlce_status check(const mlce_demo_options *options, char *const *paths) {
    if (options->sequences < 1)
        return mlce_fail(MLCE_E_ARGUMENT, "a corpus of %lld sequences: it must have at least one",
                         (long long)options->sequences);
    if (options->dim < MLCE_EMBED_HASH_MIN || options->dim > MLCE_EMBED_HASH_MAX)
        return mlce_fail(MLCE_E_ARGUMENT, "%d features a row: it must be from %d to %d",
                         options->dim, MLCE_EMBED_HASH_MIN, MLCE_EMBED_HASH_MAX);
    for (int split = 0; split < MLCE_DEMO_SPLITS && !options->replace; split++)
        if (!access(paths[split], F_OK))
            return mlce_fail(MLCE_E_IO,
                             "%s: exists already: choose another folder, or give --force to "
                             "replace it",
                             paths[split]);
    return MLCE_OK;
}

/* All splits are finished as `drafts` before the first gets its name. */
static mlce_status write_all(const mlce_demo_options *options, char *const *drafts,
                             char *const *paths) {
    mlce_status status = MLCE_OK;
    int begun = 0;
    for (int split = 0; split < MLCE_DEMO_SPLITS && !status; split++, begun++)
        status = write_split(drafts[split], split, options);
    for (int split = 0; split < MLCE_DEMO_SPLITS && !status; split++)
        if (rename(drafts[split], paths[split]))
            status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", paths[split], strerror(errno));
    for (int split = 0; split < begun && status; split++) unlink(drafts[split]);
    return status;
}

mlce_status mlce_demo_write(const char *folder, const mlce_demo_options *options) {
    char *paths[MLCE_DEMO_SPLITS] = {0}, *drafts[MLCE_DEMO_SPLITS] = {0};
    mlce_status status = MLCE_OK;
    for (int split = 0; split < MLCE_DEMO_SPLITS; split++) {
        paths[split] = path_of(folder, split, "");
        drafts[split] = path_of(folder, split, ".new");
        if (!paths[split] || !drafts[split]) status = MLCE_E_MEMORY;
    }
    if (!status) status = check(options, paths);
    bool is_new = access(folder, F_OK) != 0;
    if (!status) status = make_folder(folder);
    if (!status) {
        status = write_all(options, drafts, paths);
        if (status && is_new) rmdir(folder);
    }
    for (int split = 0; split < MLCE_DEMO_SPLITS; split++) {
        free(paths[split]);
        free(drafts[split]);
    }
    return status;
}
