/* Reading columns, and tags of all schemes. */
#include "convert.h"

#define SOME "Ada\tB-PER\nLovelace\tI-PER\nin\tO\nBonn\tB-LOC\n\n"
#define READ "Ada|Lovelace|in|Bonn :0-2/PER :3-4/LOC\n"

START_TEST(columns_are_read_whatever_separates_them) {
    assert_reads_as(SOME, NULL, READ);
    assert_reads_as("Ada  X   B-PER\nLovelace Y I-PER \n in Z O\nBonn\tU B-LOC", NULL, READ);
    assert_reads_as("\xEF\xBB\xBF\r\nAda\tB-PER\r\nLovelace\tI-PER\r\nin\tO\t\r\nBonn\tB-LOC\r\n",
                    NULL, READ);
    assert_reads_as("New York\tB-LOC\n\n \t\n\nx\tO\n", NULL, "New York :0-1/LOC\nx\n");
    assert_reads_as("one\ncolumn\n", NULL, "one|column (no spans)\n");
}
END_TEST

START_TEST(every_scheme_is_understood_without_its_name) {
    assert_reads_as("a\tI-X\nb\tB-X\nc\tI-X\nd\tI-Y\ne\tO\n", NULL,
                    "a|b|c|d|e :0-1/X :1-3/X :3-4/Y\n");
    assert_reads_as("a\tS-X\nb\tB-X\nc\tI-X\nd\tE-X\ne\tS-X\n", NULL,
                    "a|b|c|d|e :0-1/X :1-4/X :4-5/X\n");
    assert_reads_as("a\tU-X\nb\tB-X\nc\tL-X\nd\tB-X\ne\tB-X\n", NULL,
                    "a|b|c|d|e :0-1/X :1-3/X :3-4/X :4-5/X\n");
}
END_TEST

START_TEST(a_named_scheme_is_insisted_on) {
    const mlce_source_options iob2 = {.scheme = MLCE_SCHEME_IOB2},
                              bioes = {.scheme = MLCE_SCHEME_BIOES},
                              bilou = {.scheme = MLCE_SCHEME_BILOU};
    assert_reads_as(SOME, &iob2, READ);
    assert_refused("a\tO\nb\tI-X\n", &iob2, "in:2: the tag I-X goes on with no span");
    assert_refused("a\tB-Y\nb\tI-X\n", &iob2, "in:2: the tag I-X goes on with no span");
    assert_refused("a\tS-X\n", &iob2, "in:1: the tag S-X does not exist in the scheme iob2");
    assert_refused("a\tB-X\nb\tO\n", &bioes, "in:2: the span before, B-X, has no end");
    assert_refused("a\tB-X\n", &bioes, "in:1: the span before, B-X, has no end");
    assert_refused("a\tU-X\n", &bioes, "does not exist in the scheme bioes");
    assert_reads_as("a\tB-X\nb\tL-X\nc\tU-X\n", &bilou, "a|b|c :0-2/X :2-3/X\n");
}
END_TEST

START_TEST(nested_columns_are_read) {
    const char *nested = "a\tB-X\tO\nb\tI-X\tB-Y\n";
    const mlce_source_options both = {.tag_columns = {2, 3}, .tag_column_count = 2};
    assert_reads_as(nested, &both, "a|b :0-2/X :1-2/Y\n");
    assert_reads_as(nested, NULL, "a|b :1-2/Y\n");
    assert_reads_as("# global.columns = FORM NER NER\na\tB-X\tO\nb\tI-X\tB-Y\n", NULL,
                    "a|b :0-2/X :1-2/Y\n");
    /* GermEval 2014 names nothing, but numbers its tokens. */
    assert_reads_as("#\thttp://a\t[2009]\t\n1\tx\tB-X\tB-Y\n2\ty\tI-X\tO\n\n1\tz\tO\tO\n", NULL,
                    "x|y :0-2/X :0-1/Y\nz\n");
    assert_reads_as("x\tB-A\tB-A\n",
                    &(mlce_source_options){.tag_columns = {2, 3}, .tag_column_count = 2},
                    "x :0-1/A\n");
}
END_TEST

START_TEST(comments_documents_and_ids_are_told_from_tokens) {
    assert_reads_as("# a comment\n# id first\n#\tO\n#x\tB-T\n\n# sent_id = s 2\ny\tO\n", NULL,
                    "first> #|#x :1-2/T\ns 2> y\n");
    mlce_source *source;
    const mlce_record *record;
    const char *text = "-DOCSTART- -X- O O\n\na b c O\n\nb b c O\n-DOCSTART- -X- O O\n\nc b c O\n";
    const int64_t documents[] = {0, 0, 1};
    assert_ok(mlce_source_open_stream(file_of(text, strlen(text)), "in", NULL, &source));
    for (int i = 0; i < 3; i++) {
        assert_ok(mlce_source_next(source, &record));
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->document, documents[i]);
    }
    mlce_source_close(source);
}
END_TEST

START_TEST(bad_columns_are_refused_by_line) {
    const mlce_source_options far = {.token_column = 9};
    assert_refused("a\tO\nb\tB_PER\n", NULL, "in:2: 'B_PER' (column 2) is no tag");
    assert_refused("a\tO\nb\tB-\n", NULL, "in:2: 'B-' (column 2) is no tag");
    assert_refused("a\tx\tO\nb\tO\n", NULL, "in:2: has 2 columns where the first row has 3");
    assert_refused("a\tO\n\tO\n", NULL, "in:2: the token (column 1) is empty");
    assert_refused("a\tO\nb\xFF\tO\n", NULL, "in:2: byte 2 (0xFF) is not UTF-8");
    assert_refused("a\tO\n", &far, "in: the rows have 2 columns, but column 9 is to be read");
    assert_refused("a\tO\nb\tO\n#c\tB_X\n", NULL, "in:3: 'B_X' (column 2) is no tag");
    assert_refused_bytes("a\tO\nb\0c\tO\n", 10, NULL, "in:2: byte 2 is NUL");
    assert_refused("", NULL, "in:1: the file is empty");
    assert_refused("token,tag\nAda,B-PER\nbyrne,I-PER\n", NULL,
                   "in: commas do not separate columns");
    assert_refused("Sentence #,Word,Tag\nSentence: 1,Ada,B-PER\n", NULL,
                   "in: commas do not separate");
    assert_reads_as(", O\n, O\nb O\n", NULL, ",|,|b\n");
    assert_reads_as(",\tO\n,\tO\n", NULL, ",|,\n");
}
END_TEST

START_TEST(many_tag_columns_and_long_sequences_grow) {
    enum { LENGTH = 1000 };
    static char text[LENGTH * 32];
    mlce_source *source;
    const mlce_record *record;
    for (int i = 0; i < LENGTH; i++)
        sprintf(text + strlen(text), "t%d\tB-A\t%s\tI-C\n", i, i % 2 ? "I-B" : "B-B");
    const mlce_source_options three = {.tag_columns = {2, 3, 4}, .tag_column_count = 3};
    assert_ok(mlce_source_open_stream(file_of(text, strlen(text)), "in", &three, &source));
    assert_ok(mlce_source_next(source, &record));
    ck_assert_int_eq(record->length, LENGTH);
    ck_assert_int_eq(record->span_count, LENGTH + LENGTH / 2 + 1);
    ck_assert_str_eq(record->tokens[LENGTH - 1], "t999");
    mlce_source_close(source);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, columns_are_read_whatever_separates_them);
    tcase_add_test(cases, every_scheme_is_understood_without_its_name);
    tcase_add_test(cases, a_named_scheme_is_insisted_on);
    tcase_add_test(cases, nested_columns_are_read);
    tcase_add_test(cases, comments_documents_and_ids_are_told_from_tokens);
    tcase_add_test(cases, bad_columns_are_refused_by_line);
    tcase_add_test(cases, many_tag_columns_and_long_sequences_grow);
}

int main(void) {
    return run_suite("convert_columns", add);
}
