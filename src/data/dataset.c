/* dataset.c - opening a dataset of one or several files, and what it says about itself. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "data/dataset_parts.h"

static const mlce_dataset_options defaults = {.memory = (size_t)2 << 30, .check_rows = false};

/* ---- One file ---- */

static mlce_status read_layout(mlce_dataset_file *file, const char *format) {
    for (int task = MLCE_TASK_SPANS; task <= MLCE_TASK_LABELS; task++)
        if (strcmp(format, mlce_dataset_layouts[task].format) == 0)
            file->layout = &mlce_dataset_layouts[task];
    if (file->layout) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA,
                     "%s: has the format '%.64s', expected 'mlce-spans' or "
                     "'mlce-labels'",
                     file->path, format);
}

/* The first file decides what the dataset is for. */
static mlce_status check_task(mlce_dataset *dataset, const mlce_dataset_file *file) {
    const mlce_dataset_layout *first = dataset->files[0].layout;
    dataset->task = (mlce_task)(first - mlce_dataset_layouts);
    if (file->layout == first) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA,
                     "%s: has the format '%s', but %s has '%s': files that are read together must "
                     "be of one format",
                     file->path, file->layout->format, dataset->files[0].path, first->format);
}

static mlce_status check_format(mlce_dataset *dataset, mlce_dataset_file *file) {
    char *format;
    int64_t version;
    bool found;
    const mlce_h5 *h5 = &file->h5;
    mlce_status status = mlce_h5_find_attribute(h5, "/", "format", &found);
    if (status) return status;
    if (!found)
        return mlce_fail(MLCE_E_DATA,
                         "%s: has no attribute 'format': it must be a dataset with format = "
                         "\"mlce-spans\" or \"mlce-labels\" and version = 1",
                         file->path);
    status = mlce_h5_read_text(h5, "/", "format", &format);
    if (status) return status;
    status = read_layout(file, format);
    free(format);
    if (!status) status = check_task(dataset, file);
    if (!status) status = mlce_h5_find_attribute(h5, "/", "version", &found);
    if (status) return status;
    if (!found)
        return mlce_fail(MLCE_E_DATA, "%s: has no attribute 'version', expected 1", file->path);
    status = mlce_h5_read_integer(h5, "/", "version", &version);
    if (!status && version != 1)
        status = mlce_fail(MLCE_E_DATA,
                           "%s: has version %" PRId64 " of %s; this program knows version 1",
                           file->path, version, file->layout->format);
    return status;
}

/* Embeddings that something else made cannot be told apart by their shape: warns. */
static mlce_status read_embedding_name(mlce_dataset *dataset, const mlce_dataset_file *file) {
    char *name;
    bool found;
    mlce_status status = mlce_h5_find_attribute(&file->h5, "/", "embedding", &found);
    if (status || !found) return status;
    status = mlce_h5_read_text(&file->h5, "/", "embedding", &name);
    if (status) return status;
    if (mlce_utf8_length(name) < 0)
        status =
            mlce_fail(MLCE_E_DATA, "%s: the attribute embedding of / is not UTF-8", file->path);
    if (!status && dataset->embedding && strcmp(dataset->embedding, name) != 0)
        mlce_log(MLCE_LOG_WARNING, "%s: embeddings of '%s' are read together with '%s'", file->path,
                 name, dataset->embedding);
    if (status || dataset->embedding)
        free(name);
    else
        dataset->embedding = name;
    return status;
}

static mlce_status check_width(mlce_dataset *dataset, const mlce_dataset_file *file) {
    int layers = file->rank == 3 ? (int)file->size[1] : 1;
    int features = (int)file->size[file->rank - 1];
    if (dataset->width == 0) {
        dataset->layers = layers;
        dataset->width = layers * features;
    }
    if (layers == dataset->layers && layers * features == dataset->width) return MLCE_OK;
    return mlce_fail(MLCE_E_DATA,
                     "%s: %s: has %d layer%s of %d features, but %s has %d of %d: "
                     "files that are read together must agree",
                     file->path, file->layout->rows, layers, layers == 1 ? "" : "s", features,
                     dataset->files[0].path, dataset->layers, dataset->width / dataset->layers);
}

mlce_status mlce_read_offsets(const mlce_dataset_file *file, const char *name, int64_t end,
                              const char *of, int64_t **offsets, size_t *count) {
    mlce_h5_shape shape;
    mlce_status status = mlce_h5_read_integers(&file->h5, name, offsets, &shape);
    if (status) return status;
    *count = shape.count;
    if (shape.rank != 1)
        status = mlce_fail(MLCE_E_DATA, "%s: %s: must be a list of integers", file->path, name);
    else if ((status = mlce_check_offsets(name, *offsets, *count, end, of)))
        mlce_fail_prefix(status, "%s: ", file->path);
    if (!status) return MLCE_OK;
    free(*offsets);
    *offsets = NULL;
    return status;
}

/* Appends `count` offsets behind all[used], each moved by all[used]; all[0] is 0. */
static mlce_status append_offsets(int64_t **all, size_t *capacity, int64_t used,
                                  const int64_t *offsets, size_t count) {
    size_t needed = (size_t)used + 1 + count;
    mlce_status status = mlce_grow((void **)all, capacity, needed, sizeof **all);
    if (status) return status;
    if (used == 0) (*all)[0] = 0;
    int64_t base = (*all)[used];
    for (size_t i = 0; i < count; i++) (*all)[(size_t)used + 1 + i] = base + offsets[i];
    return MLCE_OK;
}

/* An item is a sequence of one token. */
static mlce_status count_items(const mlce_dataset_file *file, int64_t **offsets, size_t *count) {
    *count = (size_t)file->tokens + 1;
    if (!(*offsets = mlce_calloc(*count, sizeof **offsets))) return MLCE_E_MEMORY;
    for (size_t i = 0; i < *count; i++) (*offsets)[i] = (int64_t)i;
    return MLCE_OK;
}

static mlce_status read_sequences(mlce_dataset *dataset, mlce_dataset_file *file) {
    const char *name = file->layout->offsets;
    int64_t *offsets;
    size_t count;
    mlce_status status =
        name ? mlce_read_offsets(file, name, file->tokens, file->layout->rows, &offsets, &count)
             : count_items(file, &offsets, &count);
    if (status) return status;
    for (size_t s = 0; s + 1 < count && !status; s++)
        if (offsets[s + 1] - offsets[s] > INT_MAX)
            status = mlce_fail(MLCE_E_DATA, "%s: %s: sequence %zu has more than %d tokens",
                               file->path, name, s, INT_MAX);
    if (!status)
        status = append_offsets(&dataset->offsets, &dataset->offsets_capacity, dataset->sequences,
                                offsets + 1, count - 1);
    free(offsets);
    file->first_sequence = dataset->sequences;
    file->first_token = dataset->tokens;
    file->sequences = (int64_t)count - 1;
    return status;
}

/* ---- Gold ---- */

mlce_status mlce_read_gold_offsets(const mlce_dataset_file *file, int64_t total,
                                   int64_t **offsets) {
    const mlce_dataset_layout *layout = file->layout;
    size_t count;
    mlce_status status =
        mlce_read_offsets(file, layout->gold_offsets, total, layout->gold_items, offsets, &count);
    if (status || (int64_t)count == file->sequences + 1) return status;
    free(*offsets);
    *offsets = NULL;
    return mlce_fail(MLCE_E_DATA,
                     "%s: %s: has %zu items, expected %lld: one more than there are "
                     "%ss",
                     file->path, layout->gold_offsets, count, (long long)file->sequences + 1,
                     layout->sequence);
}

mlce_status mlce_dataset_grow_gold(mlce_dataset *dataset, const mlce_dataset_file *file,
                                   const int64_t *offsets) {
    mlce_status status = append_offsets(&dataset->span_offsets, &dataset->span_offsets_capacity,
                                        dataset->sequences, offsets + 1, (size_t)file->sequences);
    if (status) return status;
    return mlce_grow((void **)&dataset->gold, &dataset->gold_capacity,
                     (size_t)(dataset->spans + offsets[file->sequences]) + 1,
                     sizeof *dataset->gold);
}

/* Spans first .. end - 1 of the file, of its sequence s, go to gold[0..]. */
static mlce_status add_spans(mlce_dataset *dataset, const mlce_dataset_file *file, int64_t s,
                             const int64_t (*items)[3], int64_t first, int64_t end,
                             const int *types, mlce_span_checker *checker) {
    const int64_t *offsets = dataset->offsets + file->first_sequence + s;
    mlce_span *gold = dataset->gold + dataset->spans + first;
    int64_t i = first;
    mlce_status status = MLCE_OK;
    if (end - first > INT_MAX)
        return mlce_fail(MLCE_E_DATA, "%s: /spans/offsets: sequence %lld has more than %d spans",
                         file->path, (long long)s, INT_MAX);
    for (; i < end && !status; i++) {
        status = mlce_check_span(items[i], offsets[1] - offsets[0], dataset->type_count);
        if (status) break;
        gold[i - first] = (mlce_span){.start = (int32_t)items[i][0],
                                      .end = (int32_t)items[i][1],
                                      .type = (int32_t)items[i][2]};
    }
    if (!status) {
        int again = 0;
        status = mlce_check_spans_differ(checker, gold, (int)(end - first), &again);
        i = first + again;
    }
    if (status == MLCE_E_DATA)
        mlce_fail_prefix(status,
                         "%s: sequence %lld, span %lld (row %lld of /spans/items): ", file->path,
                         (long long)s, (long long)(i - first), (long long)i);
    for (i = first; i < end && !status; i++) gold[i - first].type = types[gold[i - first].type];
    return status;
}

static mlce_status add_all_spans(mlce_dataset *dataset, const mlce_dataset_file *file,
                                 const int64_t (*items)[3], const int64_t *offsets,
                                 const int *types) {
    mlce_span_checker checker = {0};
    mlce_status status = mlce_dataset_grow_gold(dataset, file, offsets);
    for (int64_t s = 0; s < file->sequences && !status; s++)
        status = add_spans(dataset, file, s, items, offsets[s], offsets[s + 1], types, &checker);
    free(checker.sorted);
    if (!status) dataset->spans += offsets[file->sequences];
    return status;
}

static mlce_status read_items(const mlce_dataset_file *file, int64_t **items, int64_t *count) {
    static const char name[] = "/spans/items";
    mlce_h5_shape shape;
    mlce_status status = mlce_h5_read_integers(&file->h5, name, items, &shape);
    if (status) return status;
    *count = (int64_t)shape.size[0];
    if (shape.rank == 2 && shape.size[1] == 3) return MLCE_OK;
    free(*items);
    *items = NULL;
    return mlce_fail(MLCE_E_DATA, "%s: %s: must be [spans, 3]: start, end, type", file->path, name);
}

static mlce_status read_spans(mlce_dataset *dataset, mlce_dataset_file *file, const int *types) {
    int64_t *items, *offsets = NULL, total = 0;
    mlce_status status = read_items(file, &items, &total);
    if (status) return status;
    status = mlce_read_gold_offsets(file, total, &offsets);
    if (!status)
        status = add_all_spans(dataset, file, (const int64_t(*)[3])(void *)items, offsets, types);
    free(offsets);
    free(items);
    return status;
}

static mlce_status no_gold(mlce_dataset *dataset, const mlce_dataset_file *file) {
    int64_t *zeros = mlce_calloc((size_t)file->sequences + 1, sizeof *zeros);
    mlce_status status = zeros ? mlce_dataset_grow_gold(dataset, file, zeros) : MLCE_E_MEMORY;
    free(zeros);
    return status;
}

static mlce_status read_gold(mlce_dataset *dataset, mlce_dataset_file *file, const int *types) {
    const mlce_dataset_layout *layout = file->layout;
    bool has_offsets, has_items, has_weights = false;
    mlce_status status = mlce_h5_find(&file->h5, layout->gold_offsets, &has_offsets);
    if (!status) status = mlce_h5_find(&file->h5, layout->gold_items, &has_items);
    if (!status && !has_items && layout->gold_weights)
        status = mlce_h5_find(&file->h5, layout->gold_weights, &has_weights);
    if (status) return status;
    if (has_offsets != has_items)
        return mlce_fail(MLCE_E_DATA, "%s: has %s but not %s: both or neither", file->path,
                         has_items ? layout->gold_items : layout->gold_offsets,
                         has_items ? layout->gold_offsets : layout->gold_items);
    if (has_weights)
        return mlce_fail(MLCE_E_DATA, "%s: has %s but not %s", file->path, layout->gold_weights,
                         layout->gold_items);
    file->has_spans = has_items;
    if (!has_items) return no_gold(dataset, file);
    return dataset->task == MLCE_TASK_LABELS ? mlce_dataset_read_labels(dataset, file, types)
                                             : read_spans(dataset, file, types);
}

/* ---- The dataset ---- */

/* Everything but the rows of embeddings. */
static mlce_status read_file(mlce_dataset *dataset, mlce_dataset_file *file) {
    int *types = NULL;
    mlce_status status = mlce_h5_open(file->path, &file->h5);
    file->used = ++dataset->clock;
    if (!status) status = check_format(dataset, file);
    if (!status) status = read_embedding_name(dataset, file);
    if (!status) status = mlce_dataset_add_types(dataset, file, &types);
    if (!status) status = mlce_rows_open(file);
    if (!status) status = check_width(dataset, file);
    if (!status) status = read_sequences(dataset, file);
    if (!status) status = read_gold(dataset, file, types);
    if (!status) status = mlce_text_check_shapes(file);
    free(types);
    if (status) return status;
    dataset->sequences += file->sequences;
    dataset->tokens += file->tokens;
    return MLCE_OK;
}

static size_t bytes_of(const mlce_dataset *dataset, bool kept) {
    size_t bytes = 0;
    for (size_t i = 0; i < dataset->file_count; i++) {
        const mlce_dataset_file *file = &dataset->files[i];
        size_t size =
            kept ? mlce_rows_kept_size(file->precision) : mlce_rows_stored_size(file->precision);
        size_t more = (size_t)file->tokens * (size_t)dataset->width * size;
        if (__builtin_add_overflow(bytes, more, &bytes)) return SIZE_MAX;
    }
    return bytes;
}

bool mlce_dataset_fits(const mlce_dataset *dataset, size_t memory) {
    return memory > 0 && bytes_of(dataset, true) <= memory;
}

static mlce_status read_rows(mlce_dataset *dataset, const mlce_dataset_options *options) {
    mlce_status status = MLCE_OK;
    dataset->resident = mlce_dataset_fits(dataset, options->memory);
    for (size_t i = 0; i < dataset->file_count && !status; i++) {
        mlce_dataset_file *file = &dataset->files[i];
        if (dataset->resident) {
            status = mlce_rows_load(dataset, file);
            mlce_status closed = mlce_rows_close(file);
            if (!status) status = closed;
        } else if (options->check_rows) {
            status = mlce_rows_check(dataset, file);
        }
    }
    return status;
}

static mlce_status open_files(mlce_dataset *dataset, const char *paths,
                              const mlce_dataset_options *options) {
    char **list;
    size_t count;
    if (!(dataset->name = mlce_strdup(paths))) return MLCE_E_MEMORY;
    mlce_status status = mlce_dataset_expand(paths, &list, &count);
    if (status) return status;
    dataset->files = mlce_calloc(count, sizeof *dataset->files);
    if (!dataset->files) status = MLCE_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (status) {
            free(list[i]);
            continue;
        }
        dataset->files[i].path = list[i];
        dataset->file_count = i + 1;
        status = read_file(dataset, &dataset->files[i]);
        if (!status) status = mlce_rows_limit_open(dataset);
    }
    free(list);
    return status ? status : read_rows(dataset, options);
}

mlce_status mlce_dataset_open(const char *paths, const mlce_dataset_options *options,
                              mlce_dataset **dataset) {
    *dataset = NULL;
    mlce_dataset *opened = mlce_calloc(1, sizeof *opened);
    if (!opened) return MLCE_E_MEMORY;
    mlce_status status = open_files(opened, paths, options ? options : &defaults);
    if (status)
        mlce_dataset_close(opened);
    else
        *dataset = opened;
    return status;
}

void mlce_dataset_close(mlce_dataset *dataset) {
    if (!dataset) return;
    for (size_t i = 0; i < dataset->file_count; i++) {
        mlce_dataset_file *file = &dataset->files[i];
        mlce_rows_close(file);
        mlce_text_free(file);
        free(file->rows);
        free(file->path);
    }
    for (int i = 0; dataset->types && i < dataset->type_count; i++) free(dataset->types[i]);
    free(dataset->types);
    free(dataset->files);
    free(dataset->offsets);
    free(dataset->span_offsets);
    free(dataset->gold);
    free(dataset->gold_weights);
    free(dataset->scratch);
    free(dataset->name);
    free(dataset->embedding);
    free(dataset);
}

mlce_dataset_file *mlce_dataset_file_of(const mlce_dataset *dataset, int64_t s) {
    size_t low = 0, high = dataset->file_count - 1;
    while (low < high) { /* the last file that begins at s or before: empty ones are passed by */
        size_t middle = high - (high - low) / 2;
        if (dataset->files[middle].first_sequence <= s)
            low = middle;
        else
            high = middle - 1;
    }
    return &dataset->files[low];
}

/* ---- What it says about itself ---- */

const char *mlce_dataset_name(const mlce_dataset *dataset) {
    return dataset->name;
}

mlce_task mlce_dataset_task(const mlce_dataset *dataset) {
    return dataset->task;
}

const float *mlce_dataset_gold_weights(const mlce_dataset *dataset, int64_t s) {
    return dataset->gold_weights ? dataset->gold_weights + dataset->span_offsets[s] : NULL;
}

bool mlce_dataset_has_file(const mlce_dataset *dataset, const char *path) {
    for (size_t f = 0; f < dataset->file_count; f++)
        if (mlce_file_is_same(dataset->files[f].path, path)) return true;
    return false;
}

int64_t mlce_dataset_sequences(const mlce_dataset *dataset) {
    return dataset->sequences;
}

int64_t mlce_dataset_tokens(const mlce_dataset *dataset) {
    return dataset->tokens;
}

int64_t mlce_dataset_spans(const mlce_dataset *dataset) {
    return dataset->spans;
}

int mlce_dataset_width(const mlce_dataset *dataset) {
    return dataset->width;
}

int mlce_dataset_layers(const mlce_dataset *dataset) {
    return dataset->layers;
}

int mlce_dataset_types(const mlce_dataset *dataset) {
    return dataset->type_count;
}

const char *mlce_dataset_type_name(const mlce_dataset *dataset, int type) {
    return dataset->types[type];
}

const char *mlce_dataset_embedding(const mlce_dataset *dataset) {
    return dataset->embedding ? dataset->embedding : "";
}

bool mlce_dataset_has_spans(const mlce_dataset *dataset) {
    for (size_t i = 0; i < dataset->file_count; i++)
        if (!dataset->files[i].has_spans) return false;
    return true;
}

bool mlce_dataset_is_resident(const mlce_dataset *dataset) {
    return dataset->resident;
}

size_t mlce_dataset_bytes(const mlce_dataset *dataset) {
    return bytes_of(dataset, dataset->resident);
}

const char *mlce_dataset_precision(const mlce_dataset *dataset) {
    static const char *const names[] = {"float16", "float32", "float64"};
    return names[dataset->files[0].precision];
}

int mlce_dataset_length(const mlce_dataset *dataset, int64_t s) {
    return (int)(dataset->offsets[s + 1] - dataset->offsets[s]);
}

const mlce_span *mlce_dataset_gold(const mlce_dataset *dataset, int64_t s, int *count) {
    *count = (int)(dataset->span_offsets[s + 1] - dataset->span_offsets[s]);
    return dataset->gold ? dataset->gold + dataset->span_offsets[s] : NULL;
}
