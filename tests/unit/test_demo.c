/* test_demo.c - the demo corpus. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "data/demo.h"
#include "data/embed_hash.h"

enum { MANY = 5000 };

static bool same_span(mlce_span a, mlce_span b) {
    return a.start == b.start && a.end == b.end && a.type == b.type;
}

START_TEST(spans_lie_in_their_sentence_and_stand_once) {
    mlce_arena *arena = mlce_arena_new();
    mlce_random random = mlce_demo_random(1, 0);
    for (int i = 0; i < MANY; i++) {
        mlce_sequence s;
        assert_ok(mlce_demo_sentence(&random, arena, &s));
        ck_assert_int_ge(s.length, 3);
        ck_assert_int_le(s.length, 64);
        for (int k = 0; k < s.span_count; k++) {
            mlce_span span = s.spans[k];
            ck_assert(0 <= span.start && span.start < span.end && span.end <= s.length);
            ck_assert(0 <= span.type && span.type < MLCE_DEMO_TYPES);
            for (int j = 0; j < k; j++) ck_assert(!same_span(s.spans[j], span));
        }
        mlce_arena_reset(arena);
    }
    mlce_arena_free(arena);
}
END_TEST

/* The bytes of code points first .. last-1. */
static void cut(const char *text, int first, int last, char *out) {
    int point = -1;
    for (; *text; text++) {
        point += ((unsigned char)*text & 0xC0) != 0x80;
        if (point >= first && point < last) *out++ = *text;
    }
    *out = '\0';
}

START_TEST(tokens_stand_in_the_text_where_their_chars_say) {
    mlce_arena *arena = mlce_arena_new();
    mlce_random random = mlce_demo_random(2, 1);
    int accented = 0;
    for (int i = 0; i < MANY; i++) {
        mlce_sequence s;
        char token[256];
        assert_ok(mlce_demo_sentence(&random, arena, &s));
        for (int t = 0; t < s.length; t++) {
            cut(s.text, s.token_chars[t][0], s.token_chars[t][1], token);
            ck_assert_str_eq(token, s.token_text[t]);
            if (t) ck_assert_int_ge(s.token_chars[t][0], s.token_chars[t - 1][1]);
            accented += strpbrk(token, "\xC3") != NULL;
        }
        mlce_arena_reset(arena);
    }
    ck_assert_int_gt(accented, MANY / 20); /* else bytes would do for code points */
    mlce_arena_free(arena);
}
END_TEST

START_TEST(all_types_nested_spans_and_bare_sentences_occur) {
    mlce_arena *arena = mlce_arena_new();
    mlce_random random = mlce_demo_random(1, 0);
    int types[MLCE_DEMO_TYPES] = {0}, bare = 0, nested = 0, total = 0;
    for (int i = 0; i < 2000; i++) {
        mlce_sequence s;
        assert_ok(mlce_demo_sentence(&random, arena, &s));
        bare += !s.span_count;
        total += s.span_count;
        for (int k = 0; k < s.span_count; k++) {
            types[s.spans[k].type]++;
            nested += k && s.spans[k].end <= s.spans[k - 1].end;
        }
        mlce_arena_reset(arena);
    }
    for (int t = 0; t < MLCE_DEMO_TYPES; t++) ck_assert_int_gt(types[t], 200);
    ck_assert_int_gt(bare, 200);
    ck_assert_int_gt(nested, total / 10);
    mlce_arena_free(arena);
}
END_TEST

/* What a head over token pairs needs: the type of a span follows from its tokens, and the same
   tokens are labelled in the same way wherever they stand. */
START_TEST(the_same_tokens_have_the_same_spans_everywhere) {
    mlce_arena *arena = mlce_arena_new();
    mlce_random random = mlce_demo_random(3, 0);
    static mlce_sequence all[600];
    for (int i = 0; i < 600; i++) assert_ok(mlce_demo_sentence(&random, arena, &all[i]));
    for (int i = 0; i < 600; i++)
        for (int k = 0; k < all[i].span_count; k++) {
            mlce_span span = all[i].spans[k];
            int width = span.end - span.start;
            for (int j = 0; j < 600; j++)
                for (int t = 0; t + width <= all[j].length; t++) {
                    int same = 0;
                    while (same < width && !strcmp(all[i].token_text[span.start + same],
                                                   all[j].token_text[t + same]))
                        same++;
                    if (same < width) continue;
                    bool labelled = false;
                    mlce_span there = {t, t + width, span.type};
                    for (int m = 0; m < all[j].span_count; m++)
                        labelled |= same_span(all[j].spans[m], there);
                    ck_assert_msg(labelled, "'%s ...' in: %s", all[j].token_text[t], all[j].text);
                }
        }
    mlce_arena_free(arena);
}
END_TEST

static bool exists(const char *folder, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return !access(path, F_OK);
}

static const mlce_demo_options small = {.sequences = 23, .seed = 5, .dim = 32};

START_TEST(three_files_are_written_that_hold_the_sentences) {
    char path[256], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_ok(mlce_demo_write(path, &small));
    snprintf(path, sizeof path, "%s/a/b/dev.h5", folder);
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    assert_ok(mlce_dataset_load_text(dataset));
    ck_assert_int_eq(mlce_dataset_sequences(dataset), 5);
    ck_assert_int_eq(mlce_dataset_width(dataset), 32);
    ck_assert_str_eq(mlce_dataset_embedding(dataset), "hash:32");
    ck_assert_str_eq(mlce_dataset_precision(dataset), "float16");
    mlce_arena *arena = mlce_arena_new();
    mlce_random random = mlce_demo_random(5, 1);
    for (int i = 0; i < 5; i++) {
        mlce_sequence s;
        int count;
        float rows[64 * 32], row[32];
        assert_ok(mlce_demo_sentence(&random, arena, &s));
        ck_assert_str_eq(mlce_dataset_text(dataset, i), s.text);
        ck_assert_int_eq(mlce_dataset_length(dataset, i), s.length);
        mlce_dataset_gold(dataset, i, &count);
        ck_assert_int_eq(count, s.span_count);
        assert_ok(mlce_dataset_read(dataset, i, rows));
        for (int t = 0; t < s.length; t++) {
            mlce_embed_hash(s.token_text[t], 32, row);
            for (int c = 0; c < 32; c++) /* half precision: 11 bits */
                ck_assert_float_eq_tol(rows[t * 32 + c], row[c], 4e-3f);
        }
    }
    mlce_arena_free(arena);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

START_TEST(items_have_one_to_six_labels_and_all_labels_occur) {
    mlce_demo_prototypes prototypes;
    mlce_arena *arena = mlce_arena_new();
    mlce_random random = mlce_demo_random(1, 0);
    int seen[MLCE_DEMO_LABELS] = {0};
    assert_ok(mlce_demo_prototypes_make(1, 64, &prototypes));
    for (int i = 0; i < MANY; i++) {
        mlce_sequence item;
        assert_ok(mlce_demo_item(&random, &prototypes, arena, &item));
        ck_assert_int_eq(item.length, 1);
        ck_assert(1 <= item.span_count && item.span_count <= MLCE_DEMO_MOST_LABELS);
        for (int k = 0; k < item.span_count; k++) {
            ck_assert(k == 0 || item.spans[k - 1].type < item.spans[k].type);
            seen[item.spans[k].type]++;
        }
        mlce_arena_reset(arena);
    }
    for (int a = 0; a < MLCE_DEMO_LABELS; a++) ck_assert_int_gt(seen[a], MANY / 100);
    ck_assert_int_gt(seen[0], 3 * seen[MLCE_DEMO_LABELS - 1]); /* the last are rare */
    free(prototypes.values);
    mlce_arena_free(arena);
}
END_TEST

START_TEST(files_are_replaced_only_when_told_to) {
    char *folder = make_folder(), path[256];
    snprintf(path, sizeof path, "%s/test.h5", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("mine", file);
    fclose(file);
    assert_fails(mlce_demo_write(folder, &small), MLCE_E_IO, "--force");
    ck_assert(!exists(folder, "train.h5"));
    mlce_demo_options replace = small;
    replace.replace = true;
    assert_ok(mlce_demo_write(folder, &replace));
    ck_assert(exists(folder, "train.h5"));
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

/* A folder in the way of the draft of test.h5, behind those of train.h5 and dev.h5. */
START_TEST(a_failure_at_the_last_file_leaves_nothing) {
    char *folder = make_folder(), path[256];
    snprintf(path, sizeof path, "%s/test.h5.new", folder);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    strcat(path, "/full");
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_ne(mlce_demo_write(folder, &small), MLCE_OK);
    ck_assert(!exists(folder, "train.h5") && !exists(folder, "dev.h5"));
    ck_assert(!exists(folder, "train.h5.new") && !exists(folder, "dev.h5.new"));
    remove_folder(folder);
}
END_TEST

START_TEST(wrong_options_are_refused) {
    mlce_demo_options wrong = small;
    wrong.sequences = 0;
    assert_fails(mlce_demo_write("/tmp/mlce-never", &wrong), MLCE_E_ARGUMENT, "at least one");
    wrong = small;
    wrong.dim = 7;
    assert_fails(mlce_demo_write("/tmp/mlce-never", &wrong), MLCE_E_ARGUMENT, "from 8 to");
    ck_assert(access("/tmp/mlce-never", F_OK));
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, spans_lie_in_their_sentence_and_stand_once);
    tcase_add_test(cases, tokens_stand_in_the_text_where_their_chars_say);
    tcase_add_test(cases, all_types_nested_spans_and_bare_sentences_occur);
    tcase_add_test(cases, the_same_tokens_have_the_same_spans_everywhere);
    tcase_add_test(cases, three_files_are_written_that_hold_the_sentences);
    tcase_add_test(cases, items_have_one_to_six_labels_and_all_labels_occur);
    tcase_add_test(cases, files_are_replaced_only_when_told_to);
    tcase_add_test(cases, a_failure_at_the_last_file_leaves_nothing);
    tcase_add_test(cases, wrong_options_are_refused);
}

int main(void) {
    return run_suite("demo", add);
}
