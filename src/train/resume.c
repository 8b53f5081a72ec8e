/* resume.c - what an interrupted run goes on from, and whether it is still the same run. */
#include "train/resume.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_store.h"
#include "core/crc.h"
#include "data/dataset_parts.h"
#include "mlce/memory.h"
#include "model/weights.h"
#include "train/run_folder.h"
#include "train/session.h"

/* ---- The checkpoint ---- */

static mlce_status read_checkpoint(mlce_resume *r, const char *path) {
    mlce_status status = mlce_h5_open(path, &r->file);
    if (!status) status = mlce_weights_check_format(&r->file);
    if (!status) status = mlce_checkpoint_read_state(&r->file, &r->state);
    if (!status) status = mlce_weights_read_config(&r->file, r->config);
    return status ? status : mlce_h5_read_strings(&r->file, "/types", &r->types);
}

mlce_status mlce_resume_open(const char *folder, mlce_resume **resume) {
    char *path;
    *resume = NULL;
    mlce_status status = mlce_run_folder_checkpoint(folder, &path);
    if (status || !path) return status;
    *resume = mlce_calloc(1, sizeof **resume);
    if (*resume) (*resume)->config = mlce_config_new();
    status = *resume && (*resume)->config ? read_checkpoint(*resume, path) : MLCE_E_MEMORY;
    free(path);
    if (!status) return MLCE_OK;
    mlce_resume_close(*resume);
    *resume = NULL;
    return status;
}

void mlce_resume_close(mlce_resume *resume) {
    if (!resume) return;
    mlce_h5_close(&resume->file);
    mlce_h5_strings_free(&resume->types);
    mlce_config_free(resume->config);
    free(resume);
}

/* ---- Changes ---- */

/* What has changed, for one message. */
typedef struct changes {
    char text[1500];
    size_t used;
} changes;

static void add_change(changes *c, const char *format, ...) MLCE_PRINTF(2, 3);
static void add_change(changes *c, const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (c->used + strlen(text) + sizeof "; ..." > sizeof c->text) return;
    c->used += (size_t)snprintf(c->text + c->used, sizeof c->text - c->used, "%s%s",
                                c->used ? "; " : "", text);
}

static mlce_status judge(const changes *c, const char *folder, bool accept) {
    if (!c->used) return MLCE_OK;
    if (!accept)
        return mlce_fail(
            MLCE_E_CONFIG,
            "%s: this is not what the run was trained with so far: %s. Change it back, "
            "or give --accept-changes to go on with it",
            folder, c->text);
    mlce_log(MLCE_LOG_WARNING, "%s: the run goes on with changes: %s", folder, c->text);
    return MLCE_OK;
}

/* ---- Configuration ---- */

/* Keys that do not change what the steps so far would have been, or that the data is asked about
   instead. */
static bool is_free(const char *name) {
    static const char *const free_keys[] = {
        "data.train",      "data.dev",        "data.test",        "data.memory",
        "data.window",     "data.check_rows", "train.epochs",     "train.patience",
        "train.threads",   "train.output",    "train.save_steps", "train.save_minutes",
        "train.keep_last", "train.on_nan",    "train.most_skips", "sweep.runs",
        "sweep.seed"};
    for (size_t i = 0; i < sizeof free_keys / sizeof free_keys[0]; i++)
        if (strcmp(name, free_keys[i]) == 0) return true;
    return false;
}

static bool is_same_value(const mlce_config_entry *a, const mlce_config_entry *b) {
    switch (a->key->kind) {
    case MLCE_KEY_INT:
        return a->value.integer == b->value.integer;
    case MLCE_KEY_FLOAT:
        return a->value.number == b->value.number;
    case MLCE_KEY_BOOL:
        return a->value.truth == b->value.truth;
    default:
        return strcmp(a->value.text, b->value.text) == 0;
    }
}

/* The keys of `now` that `before` has otherwise; `reversed`: only those that it lacks. */
static void compare_configs(const mlce_config *now, const mlce_config *before, bool reversed,
                            changes *c) {
    for (size_t i = 0; i < now->count; i++) {
        const mlce_config_entry *entry = &now->entries[i];
        if (is_free(entry->name) || !mlce_config_has_effect(now, entry, NULL)) continue;
        const mlce_config_entry *other = mlce_config_find(before, entry->name);
        bool has_other = other && mlce_config_has_effect(before, other, NULL);
        if (has_other && (reversed || is_same_value(entry, other))) continue;
        if (has_other)
            add_change(c, "%s = %s, was %s", entry->name, mlce_config_show(entry->value.text).text,
                       mlce_config_show(other->value.text).text);
        else
            add_change(c, reversed ? "%s is not there, was %s" : "%s = %s, was not there",
                       entry->name, mlce_config_show(entry->value.text).text);
    }
}

/* Whether the learning rate depends on how many steps there are to be. */
static bool has_course(const mlce_config *config) {
    double warmup = mlce_config_float(config, "optim.warmup");
    return strcmp(mlce_config_string(config, "optim.schedule"), "constant") ||
           (warmup > 0 && warmup < 1);
}

/* More epochs make another course of the learning rate, where it has one. */
static void note_epochs(const mlce_resume *r, const mlce_config *config) {
    long long now = mlce_config_int(config, "train.epochs");
    long long before = mlce_config_int(r->config, "train.epochs");
    if (now != before && has_course(config))
        mlce_log(MLCE_LOG_WARNING,
                 "train.epochs = %lld, was %lld: the learning rate goes on where it is in the "
                 "course over %lld epochs",
                 now, before, now);
}

mlce_status mlce_resume_check_config(const mlce_resume *resume, const mlce_config *config,
                                     bool accept) {
    changes c = {.used = 0};
    compare_configs(config, resume->config, false, &c);
    compare_configs(resume->config, config, true, &c);
    mlce_status status = judge(&c, mlce_config_string(config, "train.output"), accept);
    if (!status) note_epochs(resume, config);
    return status;
}

void mlce_resume_note_batches(const mlce_resume *resume, const mlce_config *config,
                              int64_t batches) {
    long long now = mlce_steps_an_epoch(config, batches);
    long long before = mlce_steps_an_epoch(resume->config, resume->state.batches);
    if (now != before && has_course(config))
        mlce_log(MLCE_LOG_WARNING,
                 "an epoch has %lld steps now, had %lld: the learning rate goes on where it is in "
                 "the course over these",
                 now, before);
}

/* ---- Data ---- */

/* The rows of up to 64 sequences, the first and the last among them. */
static mlce_status add_rows(mlce_dataset *dataset, uint32_t *crc) {
    enum { SAMPLE = 64 };
    int64_t sequences = mlce_dataset_sequences(dataset);
    int64_t count = sequences < SAMPLE ? sequences : SAMPLE;
    size_t width = (size_t)mlce_dataset_width(dataset), capacity = 0;
    float *rows = NULL;
    mlce_status status = MLCE_OK;
    for (int64_t n = 0; n < count && !status; n++) {
        int64_t s = n + 1 < count ? sequences / count * n : sequences - 1;
        size_t numbers = (size_t)mlce_dataset_length(dataset, s) * width;
        status = mlce_grow((void **)&rows, &capacity, numbers + 1, sizeof *rows);
        if (!status) status = mlce_dataset_read(dataset, s, rows);
        if (!status) *crc = mlce_crc32(*crc, rows, numbers * sizeof *rows);
    }
    free(rows);
    return status;
}

mlce_status mlce_split_describe(mlce_dataset *dataset, mlce_split_state *split) {
    *split = (mlce_split_state){0};
    if (!dataset) return MLCE_OK;
    *split = (mlce_split_state){.sequences = mlce_dataset_sequences(dataset),
                                .tokens = mlce_dataset_tokens(dataset),
                                .spans = mlce_dataset_spans(dataset),
                                .width = mlce_dataset_width(dataset)};
    uint32_t crc = 0;
    for (int64_t s = 0; s < split->sequences; s++) {
        int count, length = mlce_dataset_length(dataset, s);
        const mlce_span *gold = mlce_dataset_gold(dataset, s, &count);
        const float *weights = mlce_dataset_gold_weights(dataset, s);
        crc = mlce_crc32(crc, &length, sizeof length);
        if (count) crc = mlce_crc32(crc, gold, (size_t)count * sizeof *gold);
        if (count && weights) crc = mlce_crc32(crc, weights, (size_t)count * sizeof *weights);
    }
    mlce_status status = add_rows(dataset, &crc);
    split->checksum = crc;
    return status;
}

int64_t mlce_blocks_describe(const mlce_dataset *dataset) {
    uint32_t crc = 0;
    for (size_t f = 0; f < dataset->file_count && !dataset->resident; f++) {
        const mlce_dataset_file *file = &dataset->files[f];
        const int64_t fields[] = {file->sequences, mlce_rows_of_block(dataset, file)};
        crc = mlce_crc32(crc, fields, sizeof fields);
    }
    return crc;
}

static void compare_splits(const char *key, const mlce_split_state *now,
                           const mlce_split_state *before, changes *c) {
    const struct {
        const char *noun;
        int64_t now, before;
    } counts[] = {{"sequences", now->sequences, before->sequences},
                  {"tokens", now->tokens, before->tokens},
                  {"spans", now->spans, before->spans},
                  {"features", now->width, before->width}};
    bool same = true;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].now == counts[i].before) continue;
        add_change(c, "%s has %lld %s, had %lld", key, (long long)counts[i].now, counts[i].noun,
                   (long long)counts[i].before);
        same = false;
    }
    if (same && now->checksum != before->checksum)
        add_change(c, "%s has other sequences, labels or embeddings, or in another order", key);
}

/* What the order of an epoch depends on beside the seed. */
static void compare_orders(const mlce_config *now, const mlce_config *before, bool same_blocks,
                           const mlce_dataset *train, changes *c) {
    long long memory = mlce_config_int(now, "data.memory");
    long long memory_before = mlce_config_int(before, "data.memory");
    long long window = mlce_config_int(now, "data.window");
    long long window_before = mlce_config_int(before, "data.window");
    bool fits = mlce_dataset_fits(train, (size_t)memory << 20);
    if (fits != mlce_dataset_fits(train, (size_t)memory_before << 20))
        add_change(c,
                   "data.memory = %lld, was %lld, and data.train is %s memory now, which gives its "
                   "epochs another order",
                   memory, memory_before, fits ? "in" : "larger than");
    else if (!fits && window != window_before)
        add_change(c, "data.window = %lld, was %lld", window, window_before);
    else if (!same_blocks)
        add_change(c,
                   "data.train lies in other files or chunks, which gives its epochs another "
                   "order");
}

mlce_status mlce_resume_check_data(const mlce_resume *resume, const mlce_config *config,
                                   const mlce_train_state *now, const mlce_dataset *train,
                                   bool accept) {
    changes c = {.used = 0};
    compare_orders(config, resume->config, now->blocks == resume->state.blocks, train, &c);
    compare_splits("data.train", &now->train, &resume->state.train, &c);
    compare_splits("data.dev", &now->dev, &resume->state.dev, &c);
    compare_splits("data.test", &now->test, &resume->state.test, &c);
    return judge(&c, mlce_config_string(config, "train.output"), accept);
}
