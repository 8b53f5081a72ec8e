/* The parts of a page: what comes from files is never markup; charts, tables and statistics. */
#include <math.h>

#include "report/chart.h"
#include "report/grid.h"
#include "report/page.h"
#include "report/statistics.h"
#include "unit.h"

/* What a page holds that was begun; the page is dropped. */
static char *text_of(mlce_html *html) {
    ck_assert_int_eq(fflush(html->out), 0);
    char *text = strdup(html->text.text);
    mlce_html_abandon(html);
    return text;
}

static void assert_written(const char *text, const char *expected) {
    mlce_html html;
    assert_ok(mlce_html_begin(&html));
    mlce_html_put(&html, "%s", text);
    char *written = text_of(&html);
    ck_assert_str_eq(written, expected);
    free(written);
}

START_TEST(markup_in_a_value_is_text) {
    assert_written("<script>alert('1')</script>",
                   "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
    assert_written("\" onload=\"x & y", "&quot; onload=&quot;x &amp; y");
    assert_written("]]>&amp;", "]]&gt;&amp;amp;");
    assert_written("%s %d %n", "%s %d %n");
}
END_TEST

START_TEST(what_xml_forbids_is_replaced) {
    assert_written("a\x1b[31m\x07", "a\xE2\x90\x9B[31m\xE2\x90\x87"); /* pictures of ESC, BEL */
    assert_written("\x7f", "\xE2\x90\xA1");
    assert_written("\r\n\t", "\xE2\x90\x8D\n\t");
    assert_written("\xC2\x85", "\xEF\xBF\xBD");     /* U+0085 */
    assert_written("\xEF\xBF\xBF", "\xEF\xBF\xBD"); /* U+FFFF */
    assert_written("\xE2\x80\xAE", "\xEF\xBF\xBD"); /* right-to-left override */
}
END_TEST

START_TEST(what_is_not_utf8_is_replaced_byte_by_byte) {
    assert_written("\xFF<", "\xEF\xBF\xBD&lt;");
    assert_written("\xC0\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD");                 /* '<' in two bytes */
    assert_written("\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* a surrogate */
    assert_written("\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD");                 /* cut off */
    assert_written("\xE2\x82\xAC \xD7\xA9 e\xCC\x81", "\xE2\x82\xAC \xD7\xA9 e\xCC\x81");
}
END_TEST

START_TEST(values_of_every_kind_are_written) {
    mlce_html html;
    assert_ok(mlce_html_begin(&html));
    mlce_html_put(&html, "<a b=\"%d\">%lld %zu %.2f%% %s</a>", -3, 1ll << 40, (size_t)7, 0.125,
                  "<");
    char *written = text_of(&html);
    ck_assert_str_eq(written, "<a b=\"-3\">1099511627776 7 0.12% &lt;</a>");
    free(written);
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters) {
    mlce_html html;
    char name[3 * MLCE_HTML_NAME + 4] = "";
    for (int n = 0; n < MLCE_HTML_NAME + 1; n++) strcat(name, "\xE2\x82\xAC");
    assert_ok(mlce_html_begin(&html));
    mlce_html_name(&html, name);
    char *written = text_of(&html);
    ck_assert_uint_eq(strlen(written), strlen("<bdi></bdi>") + 3 * MLCE_HTML_NAME + 3);
    ck_assert_ptr_nonnull(strstr(written, "\xE2\x82\xAC\xE2\x80\xA6</bdi>"));
    free(written);
}
END_TEST

START_TEST(a_chart_of_anything_finite_has_finite_coordinates) {
    const double x[] = {1, 2, 3}, flat[] = {0, 0, 0}, wild[] = {1e-9, 1e30, -5}, same[] = {4, 4, 4};
    const double *const values[] = {flat, wild, same};
    for (int n = 0; n < 3; n++)
        for (int count = 1; count <= 3; count += 2) {
            mlce_chart_line line = {"<line>", "c0", x, values[n], count};
            mlce_chart chart = {.title = "t",
                                .x_name = "epoch",
                                .y_name = "loss",
                                .lines = &line,
                                .count = 1,
                                .mark = "best",
                                .mark_x = 1};
            mlce_html html;
            assert_ok(mlce_html_begin(&html));
            mlce_chart_put(&html, &chart);
            char *written = text_of(&html);
            ck_assert_ptr_null(strstr(written, "nan"));
            ck_assert_ptr_null(strstr(written, "inf"));
            ck_assert_ptr_null(strstr(written, "<line>"));
            ck_assert_ptr_nonnull(strstr(written, "<circle"));
            free(written);
        }
}
END_TEST

START_TEST(the_heaviest_are_picked_and_stay_in_order) {
    const int64_t weights[] = {5, 0, 7, 7, 1, 9};
    int ids[6], picked;
    assert_ok(mlce_page_pick(weights, 6, 3, ids, &picked));
    ck_assert_int_eq(picked, 3);
    ck_assert_int_eq(ids[0], 2);
    ck_assert_int_eq(ids[1], 3);
    ck_assert_int_eq(ids[2], 5);
    assert_ok(mlce_page_pick(weights, 6, 6, ids, &picked));
    ck_assert_int_eq(picked, 5);
    ck_assert_int_eq(ids[1], 2);
}
END_TEST

START_TEST(numbers_and_times_read_well) {
    ck_assert_str_eq(mlce_page_count(0), "0");
    ck_assert_str_eq(mlce_page_count(999), "999");
    ck_assert_str_eq(mlce_page_count(1234567), "1,234,567");
    ck_assert_str_eq(mlce_page_count(-1234), "-1,234");
    ck_assert_str_eq(mlce_page_time(3.21), "3.2 s");
    ck_assert_str_eq(mlce_page_time(307), "5:07 min");
    ck_assert_str_eq(mlce_page_time(7507), "2:05:07 h");
}
END_TEST

START_TEST(a_wide_grid_is_laid_on_its_side) {
    mlce_grid grid;
    char text[256] = "";
    assert_ok(mlce_grid_new(2, 4, &grid));
    assert_ok(mlce_grid_set(&grid, 0, 1, "a"));
    assert_ok(mlce_grid_set(&grid, 0, 2, "b\x1b"));
    assert_ok(mlce_grid_set(&grid, 1, 0, "F1"));
    assert_ok(mlce_grid_set(&grid, 1, 1, "0.5"));
    assert_ok(mlce_grid_set(&grid, 1, 3, "0.75"));
    mlce_grid_mark_best(&grid, 1);
    FILE *out = fmemopen(text, sizeof text, "w");
    mlce_grid_print(out, &grid);
    fclose(out);
    ck_assert_str_eq(text, "       F1\na     0.5\nb?       \n     0.75*\n");
    mlce_grid_free(&grid);
}
END_TEST

/* A dataset of two sequences in a file, opened. */
static mlce_dataset *write_and_open(const char *folder) {
    char path[96];
    const char *types[] = {"a", "b"};
    const mlce_span nested[] = {{0, 4, 0}, {1, 2, 1}, {3, 6, 0}, {3, 6, 1}, {7, 8, 0}};
    float rows[9] = {0};
    mlce_dataset_spec spec = {.types = types, .type_count = 2, .width = 1, .spans = true};
    mlce_sequence sequence = {.length = 9, .embeddings = rows, .spans = nested, .span_count = 5};
    mlce_sequence bare = {.length = 3, .embeddings = rows};
    mlce_dataset_writer *writer;
    mlce_dataset *dataset;
    snprintf(path, sizeof path, "%s/data.h5", folder);
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    assert_ok(mlce_dataset_writer_add(writer, &sequence));
    assert_ok(mlce_dataset_writer_add(writer, &bare));
    assert_ok(mlce_dataset_writer_close(writer));
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    return dataset;
}

START_TEST(nesting_crossing_and_lengths_are_counted) {
    char *folder = make_folder();
    mlce_dataset *dataset = write_and_open(folder);
    mlce_statistics s;
    assert_ok(mlce_statistics_of(dataset, &s));
    ck_assert_int_eq(s.sequences, 2);
    ck_assert_int_eq(s.tokens, 12);
    ck_assert_int_eq(s.spans, 5);
    ck_assert_int_eq(s.longest, 9);
    ck_assert_int_eq(s.bare, 1);
    ck_assert_int_eq(s.most, 5);
    ck_assert_int_eq(s.nested, 2);   /* [1, 2) in [0, 4), and the second of [3, 6) */
    ck_assert_int_eq(s.crossing, 3); /* [0, 4) and both of [3, 6) */
    ck_assert_int_eq(s.depth, 3);
    ck_assert_int_eq(s.by_length[0], 2);
    ck_assert_int_eq(s.by_length[2], 2);
    ck_assert_int_eq(s.by_length[3], 1);
    ck_assert_int_eq(s.by_type[0], 3);
    ck_assert_int_eq(s.by_type[1], 2);
    mlce_statistics_free(&s);
    mlce_dataset_close(dataset);
    remove_folder(folder);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, markup_in_a_value_is_text);
    tcase_add_test(cases, what_xml_forbids_is_replaced);
    tcase_add_test(cases, what_is_not_utf8_is_replaced_byte_by_byte);
    tcase_add_test(cases, values_of_every_kind_are_written);
    tcase_add_test(cases, a_long_name_is_cut_between_characters);
    tcase_add_test(cases, a_chart_of_anything_finite_has_finite_coordinates);
    tcase_add_test(cases, the_heaviest_are_picked_and_stay_in_order);
    tcase_add_test(cases, numbers_and_times_read_well);
    tcase_add_test(cases, a_wide_grid_is_laid_on_its_side);
    tcase_add_test(cases, nesting_crossing_and_lengths_are_counted);
}

int main(void) {
    return run_suite("report_page", add);
}
