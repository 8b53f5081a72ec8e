/* twins.c - fingerprints of sequences: two lanes of multiply and shift over words of eight bytes.
 */
#include "corpus/twins.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset_parts.h"
#include "data/spans.h"

struct mlce_twin_entry {
    mlce_print print;
    int64_t sequence;
};

/* For a given lane no two words lead to the same value. */
static void add_word(mlce_print *print, uint64_t word) {
    print->a = (print->a ^ word) * 0x9E3779B97F4A7C15u;
    print->a ^= print->a >> 32;
    print->b = (print->b + (word << 32 | word >> 32)) * 0xD6E8FEB86659FD93u + 1;
    print->b ^= print->b >> 29;
}

void mlce_print_add(mlce_print *print, const void *bytes, size_t size) {
    const char *next = bytes;
    uint64_t word;
    for (size_t left = size; left >= sizeof word; left -= sizeof word, next += sizeof word) {
        memcpy(&word, next, sizeof word);
        add_word(print, word);
    }
    word = 0;
    memcpy(&word, next, size % sizeof word);
    add_word(print, word);
    add_word(print, size);
}

mlce_twin_basis mlce_twins_basis(const mlce_dataset *dataset) {
    bool tokens = true, text = true;
    for (int64_t s = 0; s < mlce_dataset_sequences(dataset); s++) {
        const char *written = mlce_dataset_text(dataset, s);
        if (!mlce_dataset_length(dataset, s)) continue;
        if (!mlce_dataset_token_text(dataset, s)) tokens = false;
        if (!written || !*written) text = false;
    }
    return tokens ? MLCE_BY_TOKENS : text ? MLCE_BY_TEXT : MLCE_BY_EMBEDDINGS;
}

/* A block of rows goes to the sequences it is of. */
typedef struct row_printer {
    const mlce_dataset *dataset;
    mlce_print *prints;
    int64_t sequence, end; /* the sequence at hand, and the token behind it */
} row_printer;

static mlce_status print_rows(int64_t first, size_t count, const float *rows, void *context) {
    row_printer *p = context;
    size_t width = (size_t)mlce_dataset_width(p->dataset);
    for (size_t i = 0; i < count; i++) {
        while (first + (int64_t)i >= p->end)
            p->end += mlce_dataset_length(p->dataset, ++p->sequence);
        mlce_print_add(&p->prints[p->sequence], rows + i * width, width * sizeof *rows);
    }
    return MLCE_OK;
}

mlce_status mlce_twins_print(mlce_dataset *dataset, mlce_twin_basis basis, mlce_print *prints) {
    int64_t sequences = mlce_dataset_sequences(dataset);
    row_printer printer = {.dataset = dataset, .prints = prints, .sequence = -1};
    memset(prints, 0, (size_t)sequences * sizeof *prints);
    if (basis == MLCE_BY_EMBEDDINGS) return mlce_rows_visit(dataset, print_rows, &printer);
    for (int64_t s = 0; s < sequences; s++) {
        int length = mlce_dataset_length(dataset, s);
        const char *const *tokens = mlce_dataset_token_text(dataset, s);
        const char *text = mlce_dataset_text(dataset, s);
        if (basis == MLCE_BY_TEXT && length) mlce_print_add(&prints[s], text, strlen(text));
        for (int i = 0; basis == MLCE_BY_TOKENS && i < length; i++)
            mlce_print_add(&prints[s], tokens[i], strlen(tokens[i]));
    }
    return MLCE_OK;
}

static int compare_prints(mlce_print a, mlce_print b) {
    if (a.a != b.a) return a.a < b.a ? -1 : 1;
    return (a.b > b.b) - (a.b < b.b);
}

static int compare_entries(const void *left, const void *right) {
    const struct mlce_twin_entry *x = left, *y = right;
    int order = compare_prints(x->print, y->print);
    return order ? order : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

mlce_status mlce_twins_index(const mlce_print *prints, int64_t sequences, mlce_twin_index *index) {
    *index = (mlce_twin_index){.entries = mlce_calloc((size_t)sequences, sizeof *index->entries)};
    if (!index->entries) return MLCE_E_MEMORY;
    for (int64_t s = 0; s < sequences; s++)
        if (prints[s].a || prints[s].b)
            index->entries[index->count++] = (struct mlce_twin_entry){prints[s], s};
    qsort(index->entries, (size_t)index->count, sizeof *index->entries, compare_entries);
    return MLCE_OK;
}

int64_t mlce_twins_find(const mlce_twin_index *index, mlce_print print) {
    int64_t low = 0, high = index->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (compare_prints(index->entries[middle].print, print) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < index->count && !compare_prints(index->entries[low].print, print);
    return found ? index->entries[low].sequence : -1;
}

void mlce_twins_free(mlce_twin_index *index) {
    free(index->entries);
    *index = (mlce_twin_index){0};
}

/* A copy in one order, with the types renumbered; NULL (message set) when out of memory. */
static mlce_span *sort_spans(const mlce_span *spans, int count, const int *types) {
    mlce_span *sorted = mlce_calloc((size_t)count, sizeof *sorted);
    if (!sorted) return NULL;
    for (int i = 0; i < count; i++) {
        sorted[i] = spans[i];
        if (types) sorted[i].type = types[spans[i].type];
    }
    qsort(sorted, (size_t)count, sizeof *sorted, mlce_spans_outer_first);
    return sorted;
}

mlce_status mlce_twins_agree(const mlce_dataset *a, int64_t s, const int *types,
                             const mlce_dataset *b, int64_t t, bool *agree) {
    int count, other_count;
    const mlce_span *gold = mlce_dataset_gold(a, s, &count);
    const mlce_span *other = mlce_dataset_gold(b, t, &other_count);
    *agree = count == other_count;
    if (!*agree || !count) return MLCE_OK;
    mlce_span *spans = sort_spans(gold, count, types), *others = sort_spans(other, count, NULL);
    mlce_status status = spans && others ? MLCE_OK : MLCE_E_MEMORY;
    if (!status) *agree = !memcmp(spans, others, (size_t)count * sizeof *spans);
    free(spans);
    free(others);
    return status;
}
