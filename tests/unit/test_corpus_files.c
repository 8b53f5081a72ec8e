/* Datasets that are split and merged: every sequence once, and as it was. */
#include "corpus.h"
#include "corpus/merge.h"
#include "corpus/split.h"

/* ---- Split ---- */

/* 40 sequences: of ten texts each stands four times, in documents of five. */
static const char *write_repeated(const char *name) {
    static const char *const words[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    sample samples[40] = {{{NULL}, {{0}}, 0, 0}};
    for (int i = 0; i < 40; i++)
        samples[i] = (sample){{words[i % 10], "x"}, {{0, 1, i % 3}}, i % 10 ? 1 : 0, i / 5};
    return write_samples(name, &spec_of_samples, samples, 40);
}

START_TEST(identical_sequences_and_documents_stay_together) {
    mlce_dataset *d = open_dataset(write_repeated("repeated.h5"));
    mlce_split_part parts[] = {{.path = "train", .share = 0.7}, {.path = "dev", .share = 0.3}};
    int part_of[40];
    assert_ok(mlce_split_plan(d, parts, 2, MLCE_TOGETHER_IDENTICAL, 1, part_of));
    for (int i = 0; i < 40; i++) ck_assert_int_eq(part_of[i], part_of[i % 10]);
    ck_assert_int_eq(parts[0].sequences + parts[1].sequences, 40);
    ck_assert_double_eq_tol((double)parts[1].sequences, 12, 5);
    assert_ok(mlce_split_plan(d, parts, 2, MLCE_TOGETHER_DOCUMENTS, 1, part_of));
    for (int i = 0; i < 40; i++) ck_assert_int_eq(part_of[i], part_of[i / 5 * 5]);
    assert_ok(mlce_split_plan(d, parts, 2, MLCE_TOGETHER_NONE, 1, part_of));
    int torn = 0;
    for (int i = 0; i < 40; i++) torn += part_of[i] != part_of[i % 10];
    ck_assert_int_gt(torn, 0);
    mlce_dataset_close(d);
}
END_TEST

START_TEST(a_part_that_would_be_empty_is_refused) {
    const sample one = {{"a"}, {{0, 1, 0}}, 1, 0};
    mlce_dataset *d = open_dataset(write_samples("one.h5", &spec_of_samples, &one, 1));
    mlce_split_part parts[] = {{.path = "p", .share = 0.5}, {.path = "q", .share = 0.5}};
    int part_of[1];
    assert_fails(mlce_split_plan(d, parts, 2, MLCE_TOGETHER_NONE, 1, part_of), MLCE_E_DATA,
                 "would be empty");
    mlce_dataset_close(d);
}
END_TEST

/* Sequence s of a has the id, rows, tokens and spans (by type name) of t of b. */
static void assert_same_sequence(mlce_dataset *a, int64_t s, mlce_dataset *b, int64_t t) {
    float rows[2][LONGEST * FEATURES];
    int length = mlce_dataset_length(a, s), count, other_count;
    ck_assert_int_eq(length, mlce_dataset_length(b, t));
    ck_assert_str_eq(mlce_dataset_id(a, s), mlce_dataset_id(b, t));
    assert_ok(mlce_dataset_read(a, s, rows[0]));
    assert_ok(mlce_dataset_read(b, t, rows[1]));
    ck_assert_mem_eq(rows[0], rows[1], (size_t)length * FEATURES * sizeof(float));
    for (int i = 0; i < length; i++)
        ck_assert_str_eq(mlce_dataset_token_text(a, s)[i], mlce_dataset_token_text(b, t)[i]);
    const mlce_span *gold = mlce_dataset_gold(a, s, &count);
    const mlce_span *twin = mlce_dataset_gold(b, t, &other_count);
    ck_assert_int_eq(count, other_count);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(gold[i].start, twin[i].start);
        ck_assert_int_eq(gold[i].end, twin[i].end);
        ck_assert_str_eq(mlce_dataset_type_name(a, gold[i].type),
                         mlce_dataset_type_name(b, twin[i].type));
    }
}

START_TEST(parts_hold_every_sequence_once_and_as_it_was) {
    mlce_dataset_spec layered = spec_of_samples;
    layered.layers = 2;
    layered.precision = MLCE_FLOAT16;
    const sample samples[] = {{{"a", "b"}, {{0, 2, 1}}, 1, 4},
                              {{"c"}, {{0, 1, 0}}, 1, 4},
                              {{"d", "e", "f"}, {{0, 1, 0}, {1, 3, 2}}, 2, 9},
                              {{"g"}, {{0}}, 0, 9}};
    mlce_dataset *whole = open_dataset(write_samples("whole.h5", &layered, samples, 4));
    mlce_split_part parts[] = {{.path = path_of("p.h5"), .share = 0.5},
                               {.path = path_of("q.h5"), .share = 0.5}};
    int part_of[4];
    assert_ok(mlce_split_plan(whole, parts, 2, MLCE_TOGETHER_IDENTICAL, 3, part_of));
    assert_ok(mlce_split_write(whole, parts, 2, part_of));
    mlce_dataset *part[] = {open_dataset(parts[0].path), open_dataset(parts[1].path)};
    int64_t next[2] = {0};
    for (int s = 0; s < 4; s++) {
        mlce_dataset *p = part[part_of[s]];
        int64_t t = next[part_of[s]]++;
        assert_same_sequence(whole, s, p, t);
        ck_assert_int_eq(mlce_dataset_document(whole, s), mlce_dataset_document(p, t));
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(mlce_dataset_sequences(part[i]), next[i]);
        ck_assert_int_eq(mlce_dataset_layers(part[i]), 2);
        ck_assert_str_eq(mlce_dataset_precision(part[i]), "float16");
        ck_assert_str_eq(mlce_dataset_embedding(part[i]), "made");
        ck_assert_int_eq(mlce_dataset_types(part[i]), 3);
        mlce_dataset_close(part[i]);
    }
    mlce_dataset_close(whole);
}
END_TEST

START_TEST(merged_types_are_united_and_documents_stay_apart) {
    static const char *const others[] = {"event", "place"};
    mlce_dataset_spec second = spec_of_samples;
    second.types = others;
    second.type_count = 2;
    const sample a[] = {{{"a", "b"}, {{0, 2, 1}}, 1, 0}, {{"c"}, {{0, 1, 2}}, 1, 1}};
    const sample b[] = {{{"d", "e"}, {{0, 1, 1}, {0, 2, 0}}, 2, 0}, {{"f"}, {{0}}, 0, 5}};
    const char *paths[] = {write_samples("a.h5", &spec_of_samples, a, 2),
                           write_samples("b.h5", &second, b, 2)};
    const char *output = path_of("ab.h5");
    mlce_merge_report report;
    assert_ok(mlce_merge(paths, 2, output, &report));
    ck_assert_int_eq(report.sequences, 4);
    ck_assert_int_eq(report.spans, 4);
    static const char *const united[] = {"person", "place", "thing", "event"};
    mlce_dataset *whole = open_dataset(output);
    ck_assert_int_eq(mlce_dataset_types(whole), 4);
    for (int t = 0; t < 4; t++) ck_assert_str_eq(mlce_dataset_type_name(whole, t), united[t]);
    static const int64_t documents[] = {0, 1, 2, 7};
    for (int f = 0; f < 2; f++) {
        mlce_dataset *file = open_dataset(paths[f]);
        for (int s = 0; s < 2; s++) assert_same_sequence(file, s, whole, 2 * f + s);
        mlce_dataset_close(file);
    }
    for (int s = 0; s < 4; s++) ck_assert_int_eq(mlce_dataset_document(whole, s), documents[s]);
    mlce_dataset_close(whole);
}
END_TEST

START_TEST(what_cannot_be_merged_is_refused_and_nothing_is_written) {
    const sample one = {{"a"}, {{0, 1, 0}}, 1, 0};
    mlce_dataset_spec changed = spec_of_samples;
    const char *good = write_samples("good.h5", &spec_of_samples, &one, 1);
    const char *output = path_of("refused.h5");
    mlce_merge_report report;
    changed.embedding = "otherwise";
    const char *paths[] = {good, write_samples("other.h5", &changed, &one, 1)};
    assert_fails(mlce_merge(paths, 2, output, &report), MLCE_E_DATA, "by 'otherwise'");
    changed = spec_of_samples;
    changed.spans = false;
    paths[1] = write_samples("bare.h5", &changed, &one, 1);
    assert_fails(mlce_merge(paths, 2, output, &report), MLCE_E_DATA, "has no /spans");
    changed = spec_of_samples;
    changed.layers = 2;
    paths[1] = write_samples("layers.h5", &changed, &one, 1);
    assert_fails(mlce_merge(paths, 2, output, &report), MLCE_E_DATA, "2 layers of 2");
    paths[1] = good;
    assert_fails(mlce_merge(paths, 2, good, &report), MLCE_E_ARGUMENT, "one of the files");
    ck_assert_int_ne(access(output, F_OK), 0);
}
END_TEST

START_TEST(labels_without_weights_weigh_1_beside_those_with) {
    mlce_dataset_spec items = {.task = MLCE_TASK_LABELS,
                               .types = kinds,
                               .type_count = 3,
                               .width = 2,
                               .precision = MLCE_FLOAT32,
                               .spans = true};
    const float row[] = {1, 2}, weights[] = {0.25f, 0.5f};
    const mlce_span labels[] = {{0, 1, 0}, {0, 1, 2}};
    const char *paths[] = {path_of("plain.h5"), path_of("soft.h5")};
    for (int f = 0; f < 2; f++) {
        mlce_dataset_writer *writer;
        mlce_sequence item = {.length = 1, .embeddings = row, .spans = labels, .span_count = 2};
        items.weights = f == 1;
        item.weights = weights;
        assert_ok(mlce_dataset_writer_open(paths[f], &items, &writer));
        assert_ok(mlce_dataset_writer_add(writer, &item));
        assert_ok(mlce_dataset_writer_close(writer));
    }
    mlce_merge_report report;
    assert_ok(mlce_merge(paths, 2, path_of("items.h5"), &report));
    ck_assert_int_eq(report.task, MLCE_TASK_LABELS);
    mlce_dataset *d = open_dataset(path_of("items.h5"));
    ck_assert_float_eq(mlce_dataset_gold_weights(d, 0)[1], 1);
    ck_assert_float_eq(mlce_dataset_gold_weights(d, 1)[0], 0.25f);
    mlce_dataset_close(d);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, identical_sequences_and_documents_stay_together);
    tcase_add_test(cases, a_part_that_would_be_empty_is_refused);
    tcase_add_test(cases, parts_hold_every_sequence_once_and_as_it_was);
    tcase_add_test(cases, merged_types_are_united_and_documents_stay_apart);
    tcase_add_test(cases, what_cannot_be_merged_is_refused_and_nothing_is_written);
    tcase_add_test(cases, labels_without_weights_weigh_1_beside_those_with);
}

int main(void) {
    return run_suite("corpus_files", add);
}
