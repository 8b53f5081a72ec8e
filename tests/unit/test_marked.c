/* Marks in a text: elements that nest, whatever the spans do, and text that stays as it was. */
#include "mlce/random.h"
#include "report/marked.h"
#include "unit.h"

static const char *const TYPES[] = {"a<b", "place"};
static char *page;

/* The paragraph, in `page`. */
static void write_page(const mlce_marked *marked) {
    size_t size;
    mlce_html html = {.out = open_memstream(&page, &size)};
    mlce_arena *arena = mlce_arena_new();
    assert_ok(mlce_marked_put(&html, arena, marked));
    ck_assert_int_eq(fclose(html.out), 0);
    mlce_arena_free(arena);
}

/* The page without its elements and labels, which must nest. */
static void check_text(const char *expected) {
    char text[512] = "", *to = text;
    int depth = 0;
    bool in_label = false;
    for (const char *at = page; *at; at++) {
        if (*at == '<') {
            depth += at[1] == '/' ? -1 : 1;
            if (!strncmp(at, "<small", 6)) in_label = true;
            if (!strncmp(at, "</small", 7)) in_label = false;
            ck_assert_int_ge(depth, 0);
            at = strchr(at, '>');
        } else if (!in_label && *at != '\n') {
            *to++ = *at;
        }
    }
    ck_assert_int_eq(depth, 0);
    ck_assert_str_eq(text, expected);
}

static int count(const char *what) {
    int found = 0;
    for (const char *at = page; (at = strstr(at, what)); at++) found++;
    return found;
}

START_TEST(crossing_spans_are_cut_and_have_lanes_of_their_own) {
    const char *const tokens[] = {"x", "y", "z"};
    const mlce_scored_span spans[] = {{{0, 2, 0}, 1.5f}, {{1, 3, 1}, 2}};
    write_page(&(mlce_marked){
        .length = 3, .tokens = tokens, .spans = spans, .count = 2, .type_names = TYPES});
    check_text("x y z");
    ck_assert_int_eq(count("<small"), 2);
    ck_assert_int_eq(count("class=\"s "), 3); /* the second is closed with the first */
    ck_assert_int_eq(count("--lane:0"), 1);
    ck_assert_int_eq(count("--lane:1"), 2);
    ck_assert_int_eq(count("--lanes:2"), 1);
    ck_assert_int_eq(count("a&lt;b"), 3 - 1);
    free(page);
}
END_TEST

START_TEST(the_text_between_tokens_is_kept) {
    const int32_t chars[][2] = {{2, 4}, {4, 6}, {9, 10}};
    const mlce_scored_span span = {{1, 3, 1}, 3};
    write_page(&(mlce_marked){.length = 3,
                              .text = "- \xC3\xA9t<> \n&z.",
                              .chars = chars,
                              .spans = &span,
                              .count = 1,
                              .type_names = TYPES,
                              .calibration = {1, 0}});
    ck_assert_ptr_nonnull(strstr(page, "- \xC3\xA9t<span"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;&gt; \n&amp;z</span><small"));
    ck_assert_ptr_nonnull(strstr(page, "</small>.</p>"));
    ck_assert_ptr_nonnull(strstr(page, "probability 0.953"));
    free(page);
}
END_TEST

START_TEST(random_spans_nest_as_elements_and_leave_the_text) {
    const char *const tokens[] = {"a", "b", "c", "d", "e", "f"};
    mlce_random random = mlce_random_new(9, MLCE_STREAM_DATA);
    for (int round = 0; round < 500; round++) {
        mlce_scored_span spans[42];
        int n = 0;
        for (int i = 0; i < 6; i++)
            for (int j = i + 1; j <= 6; j++)
                for (int a = 0; a < 2; a++)
                    if (mlce_random_below(&random, 5) == 0)
                        spans[n++] = (mlce_scored_span){{i, j, a}, 1};
        write_page(&(mlce_marked){
            .length = 6, .tokens = tokens, .spans = spans, .count = n, .type_names = TYPES});
        check_text("a b c d e f");
        ck_assert_int_eq(count("<small"), n);
        free(page);
    }
}
END_TEST

START_TEST(without_text_tokens_have_numbers) {
    write_page(&(mlce_marked){.length = 3, .type_names = TYPES});
    check_text("0 1 2");
    free(page);
    write_page(&(mlce_marked){.type_names = TYPES});
    check_text("");
    free(page);
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, crossing_spans_are_cut_and_have_lanes_of_their_own);
    tcase_add_test(cases, the_text_between_tokens_is_kept);
    tcase_add_test(cases, random_spans_nest_as_elements_and_leave_the_text);
    tcase_add_test(cases, without_text_tokens_have_numbers);
}

int main(void) {
    return run_suite("marked", add_tests);
}
