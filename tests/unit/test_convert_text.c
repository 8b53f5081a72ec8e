/* Text with offsets: tokens of it, spans over characters, JSON of several tools, brat. */
#include "convert.h"

static const mlce_source_options plain = {.format = MLCE_FORMAT_TEXT};

START_TEST(text_is_split_at_spaces_punctuation_and_characters_without_spaces) {
    static const char *const cases[][2] = {
        {"It's $5, ok_1.", "It|'|s|$|5|,|ok_1|."},
        {"caf\u00e9 cafe\u0301s", "caf\u00e9|cafe\u0301s"},
        {"\u6771\u4eac\u306b \u30d1\u30ea", "\u6771|\u4eac|\u306b|\u30d1|\u30ea"},
        {"\u0e01\u0e33\u0e25\u0e31\u0e07", "\u0e01\u0e33|\u0e25\u0e31|\u0e07"},
        {"\u200f\u05e9\u05dc\u05d5\u05dd\u200f, \u0645\u064e\u0631\u062d\u0628\u0627",
         "\u05e9\u05dc\u05d5\u05dd|,|\u0645\u064e\u0631\u062d\u0628\u0627"},
        {"a\U0001F468\u200D\U0001F469\u200D\U0001F467b\U0001F44D\U0001F3FD!",
         "a|\U0001F468\u200D\U0001F469\u200D\U0001F467|b|\U0001F44D\U0001F3FD|!"},
        {"\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", "\U0001F1E9\U0001F1EA|\U0001F1EB\U0001F1F7"},
        {"a\u00a0b\u3000c\u200bd", "a|b|c|d"},
        {"\u0928\u092e\u0938\u094d\u0924\u0947\u0964",
         "\u0928\u092e\u0938\u094d\u0924\u0947|\u0964"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s (no spans)\n", cases[i][1]);
        assert_reads_as(cases[i][0], &plain, expected);
    }
}
END_TEST

START_TEST(json_of_many_tools_is_understood) {
    mlce_names names = {0};
    int number;
    static const char *const tags[] = {"O", "B-PER", "I-PER"};
    for (int i = 0; i < 3; i++) assert_ok(mlce_names_add(&names, tags[i], &number));
    const mlce_source_options named = {.labels = &names};
    static const char *const cases[][2] = {
        {"{\"id\": 7, \"tokens\": [\"Ada\", \"L\"], \"ner_tags\": [1, 2]}", "7> Ada|L :0-2/PER\n"},
        {"{\"tokens\": [\"Ada\"], \"tags\": [\"B-X\"]}\r\n\r\n{\"tokens\": [], \"tags\": []}\n",
         "Ada :0-1/X\n\n"},
        {"{\"text\": \"In Bonn.\", \"label\": [[3, 7, \"LOC\"]]}", "In|Bonn|. :1-2/LOC\n"},
        {"{\"text\": \"In Bonn.\", \"entities\": [{\"id\": 1, \"label\": \"LOC\", "
         "\"start_offset\": 3, "
         "\"end_offset\": 7}], \"relations\": []}",
         "In|Bonn|. :1-2/LOC\n"},
        {"{\"text\": \"In Bonn.\", \"tokens\": [{\"text\": \"In\", \"start\": 0, \"end\": 2, "
         "\"id\": 0}, "
         "{\"text\": \"Bonn.\", \"start\": 3, \"end\": 8, \"id\": 1}], \"spans\": [{\"start\": 3, "
         "\"end\": 8, \"token_start\": 1, \"token_end\": 1, \"label\": \"LOC\"}]}\n"
         "{\"text\": \"x\", \"spans\": [], \"answer\": \"reject\"}\n",
         "In|Bonn. :1-2/LOC\n"},
        {"[{\"id\": 3, \"data\": {\"text\": \"In Bonn.\"}, \"annotations\": [{\"was_cancelled\": "
         "true, "
         "\"result\": []}, {\"result\": [{\"type\": \"labels\", \"value\": {\"start\": 3, \"end\": "
         "7, "
         "\"text\": \"Bonn\", \"labels\": [\"LOC\"]}}, {\"type\": \"relation\"}]}]},\n"
         " {\"text\": \"a b\", \"label\": [{\"start\": 2, \"end\": 3, \"labels\": [\"X\"]}]}]\n",
         "3> In|Bonn|. :1-2/LOC\na|b :1-2/X\n"},
        {"{\"sequence\": 0, \"tokens\": [\"In\", \"Bonn\"], \"spans\": [{\"start\": 1, \"end\": 2, "
         "\"type\": \"LOC\", \"score\": 4.5, \"text\": \"Bonn\"}]}",
         "In|Bonn :1-2/LOC\n"},
        {"{\"sequence\": 0, \"text\": \"In Bonn\", \"spans\": [{\"start\": 1, \"end\": 2, "
         "\"type\": "
         "\"LOC\", \"text\": \"Bonn\"}]}",
         "In|Bonn :1-2/LOC\n"},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_reads_as(cases[i][0], &named, cases[i][1]);
    mlce_names_free(&names);
}
END_TEST

START_TEST(items_have_labels_weights_and_features) {
    mlce_source *source;
    const mlce_record *record;
    const char *text =
        "{\"id\": \"a\", \"features\": [0.5, -2], \"labels\": [\"x\", {\"label\": \"w\", "
        "\"weight\": 0.25}]}\n{\"text\": \"b c\", \"label\": [\"x\"]}\n";
    assert_ok(mlce_source_open_stream(file_of(text, strlen(text)), "in", NULL, &source));
    assert_ok(mlce_source_next(source, &record));
    ck_assert(record->is_item && record->width == 2 && record->features[1] == -2);
    ck_assert_int_eq(record->span_count, 2);
    ck_assert_str_eq(record->spans[0].type, "w");
    ck_assert(record->spans[0].weight == 0.25f && record->spans[1].weight == 0);
    assert_ok(mlce_source_next(source, &record));
    ck_assert(record->is_item && !record->features && record->span_count == 1);
    mlce_source_close(source);
}
END_TEST

START_TEST(spans_that_cut_a_token_are_widened_dropped_or_refused) {
    const char *text =
        "{\"text\": \"In Bonn now\", \"label\": [[4, 6, \"A\"], [2, 8, \"B\"], [2, 3, \"C\"]]}";
    const mlce_source_options drop = {.cut = MLCE_CUT_DROP}, error = {.cut = MLCE_CUT_ERROR};
    assert_reads_as(text, NULL, "In|Bonn|now :1-2/A :1-2/B\n");
    assert_reads_as(text, &drop, "In|Bonn|now :1-2/B\n");
    assert_refused(text, &error, "in:1: span 0: start 4, end 6, type A: cuts the token 'Bonn'");
    mlce_source *source;
    char all[256];
    assert_ok(mlce_source_open_stream(file_of(text, strlen(text)), "in", NULL, &source));
    assert_ok(read_all(source, all, sizeof all));
    const mlce_source_counts *counts = mlce_source_counted(source);
    ck_assert_int_eq(counts->widened, 1);
    ck_assert_int_eq(counts->trimmed, 1);
    ck_assert_int_eq(counts->bare, 1);
    mlce_source_close(source);
}
END_TEST

START_TEST(offsets_count_code_points_or_utf16_where_that_fits) {
    const mlce_source_options utf16 = {.utf16 = true};
    assert_reads_as("{\"text\": \"\U0001F44D Bonn\", \"label\": [[2, 6, \"L\"]]}", NULL,
                    "\U0001F44D|Bonn :1-2/L\n");
    assert_reads_as("{\"text\": \"\U0001F44D Bonn\", \"label\": [[3, 7, \"L\"]]}", &utf16,
                    "\U0001F44D|Bonn :1-2/L\n");
    assert_reads_as(
        "{\"text\": \"\U0001F44D Bonn x\", \"spans\": [{\"start\": 3, \"end\": 7, \"label\": "
        "\"L\", \"text\": \"Bonn\"}]}",
        NULL, "\U0001F44D|Bonn|x :1-2/L\n");
    assert_refused("{\"text\": \"\U0001F44D Bonn\", \"label\": [[3, 7, \"L\"]]}", NULL,
                   "in:1: span 0: start 3, end 7, type L: runs past the text's 6 code points");
}
END_TEST

START_TEST(bad_json_is_refused_by_line) {
    assert_refused("{\"text\": \"a\", \"label\": []}\n{\"text\": }\n", NULL,
                   "in:2: is not JSON: column");
    assert_refused("{\"text\": \"a\"}\n\n[1]\n", NULL, "in:3: is no JSON object");
    assert_refused("{\"text\": \"ab\", \"label\": [[1, 9, \"X\"]]}", NULL,
                   "runs past the text's 2");
    assert_refused("{\"text\": \"ab\", \"label\": [[1, 1, \"X\"]]}", NULL, "is empty");
    assert_refused("{\"text\": \"ab\", \"label\": [[-1, 1, \"X\"]]}", NULL, "runs past");
    assert_refused("{\"text\": \"ab\", \"label\": [[0, 1]]}", NULL, "span 0: has no type");
    assert_refused("{\"text\": \"ab\", \"label\": [[0, 1.5, \"X\"]]}", NULL,
                   "must have whole numbers");
    assert_refused("{\"tokens\": [\"a\"], \"ner_tags\": [1]}", NULL,
                   "is a number: give the tags' names");
    assert_refused("{\"tokens\": [\"a\"], \"ner_tags\": [\"O\", \"O\"]}", NULL,
                   "has 2 tags for 1 tokens");
    assert_refused("{\"tokens\": [\"a\"], \"ner_tags\": [\"PER\"]}", NULL, "'PER' is none");
    assert_refused(
        "{\"tokens\": [\"a\"], \"spans\": [{\"start\": 0, \"end\": 2, \"type\": \"X\"}]}", NULL,
        "in:1: span 0: start 0, end 2, type X: is empty or runs past the sequence's 1 tokens");
    assert_refused("{\"tokens\": [\"a\"], \"label\": [[0, 1, \"X\"]]}", NULL, "but it has no text");
    assert_refused("{\"a\": 1}", NULL, "has neither 'tokens' nor 'text'");
    assert_refused("{\"sequence\": 0, \"spans\": []}", NULL, "predict from one with text");
    assert_refused("[{\"text\": \"a\"},\n {\"text\": ", NULL,
                   "in:2: the file ends within this object");
    assert_refused("[{\"text\": \"a\"}\n {\"text\": \"b\"}]", NULL, "in:2: expected , or ]");
    assert_refused("[{\"text\": \"a\"}] x", NULL, "there is more behind the array");
    assert_refused("{\"text\": \"\xFF\"}", NULL, "in:1: byte 11 (0xFF) is not UTF-8");
    assert_refused("[{\"text\": \"\xFF\"}]", NULL, "is not UTF-8");
    assert_refused("{\"features\": [], \"labels\": []}", NULL, "has 0 features");
    assert_refused("{\"features\": [1], \"labels\": [{\"label\": \"a\", \"weight\": 2}]}", NULL,
                   "label 0: the weight is 2");
}
END_TEST

static mlce_source *brat_of(const char *text, const char *annotations,
                            const mlce_source_options *options) {
    mlce_source *source;
    assert_ok(mlce_source_open_brat(file_of(text, strlen(text)),
                                    file_of(annotations, strlen(annotations)), "doc", options,
                                    &source));
    return source;
}

static void assert_brat_reads_as(const char *text, const char *annotations,
                                 const mlce_source_options *options, const char *expected) {
    char all[1024];
    mlce_source *source = brat_of(text, annotations, options);
    assert_ok(read_all(source, all, sizeof all));
    ck_assert_str_eq(all, expected);
    mlce_source_close(source);
}

START_TEST(brat_documents_are_read_line_by_line_and_lose_no_text) {
    const char *text =
                   "\n\xEF\xBB\xBF"
                   "Ada.\n\n In Bonn\nand Rom \n",
               *ann = "T1\tPER 2 5\tAda\nR1\tx Arg1:T1 Arg2:T2\nT2\tLOC 12 16\tBonn\n#1\tnote\n";
    const mlce_source_options whole = {.whole_documents = true},
                              drop = {.drop_discontinuous = true};
    assert_brat_reads_as(text, ann, NULL,
                         "doc#1> Ada|. :0-1/PER\ndoc#2> In|Bonn :1-2/LOC\ndoc#3> and|Rom\n");
    assert_brat_reads_as(text, ann, &whole, "doc> Ada|.|In|Bonn|and|Rom :0-1/PER :3-4/LOC\n");
    assert_brat_reads_as("a b\nc d\n", "T1\tX 2 5\tb c\n", NULL, "doc#1> a|b|c|d :1-3/X\n");
    assert_brat_reads_as("a b c\n", "T1\tX 0 1;4 5\ta c\n", NULL, "doc#1> a|b|c :0-3/X\n");
    assert_brat_reads_as("a b c\n", "T1\tX 0 1;4 5\ta c\n", &drop, "doc#1> a|b|c\n");
    assert_brat_reads_as("", "", NULL, "doc#1> \n");
    char joined[256] = "";
    const mlce_record *record;
    mlce_source *source = brat_of(text, ann, NULL);
    while (!mlce_source_next(source, &record) && record) strcat(joined, record->text);
    ck_assert_str_eq(joined, text);
    mlce_source_close(source);
}
END_TEST

START_TEST(bad_brat_is_refused_by_line) {
    static const char *const cases[][2] = {
        {"T1\tX 0 9\tabc\n", "doc.ann:1: T1: start 0, end 9: runs past the text's 6 code points"},
        {"\nT1\tX 0 1\tz\n", "doc.ann:2: start 0, end 1, type X: the text there is not 'z'"},
        {"T1\tX zero 1\ta\n", "doc.ann:1: T1: 'X zero 1' is not a type and its ends"},
        {"T1\n", "doc.ann:1: expected ID<tab>TYPE"},
        {"T1\tX 1 1\t\n", "is empty"},
        {"T1\tX 0 1;\ta\n", "is not a type and its ends"},
        {"T1\t\xFF 0 1;\ta\n", "doc.ann:1: byte 4 (0xFF) is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char all[256];
        mlce_source *source = brat_of("a b c\n", cases[i][0], NULL);
        assert_fails(read_all(source, all, sizeof all), MLCE_E_DATA, cases[i][1]);
        mlce_source_close(source);
    }
}
END_TEST

/* A dataset that has places of tokens, and no tokens: `length` times the first letter. */
static void write_places(const char *path, int length) {
    static const char *const type = "t";
    static const float embeddings[128];
    static int32_t chars[128][2];
    for (int i = 0; i < length; i++) chars[i][1] = 1;
    const mlce_dataset_spec spec = {.types = &type,
                                    .type_count = 1,
                                    .width = 1,
                                    .precision = MLCE_FLOAT32,
                                    .token_chars = true,
                                    .text = true};
    const mlce_sequence sequence = {.length = length,
                                    .embeddings = embeddings,
                                    .token_chars = (const int32_t(*)[2])chars,
                                    .text = "a"};
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    assert_ok(mlce_dataset_writer_add(writer, &sequence));
    assert_ok(mlce_dataset_writer_close(writer));
}

START_TEST(tokens_cut_out_of_a_text_may_share_it_but_not_to_any_extent) {
    char *folder = make_folder(), all[512];
    const char *path = path_in(folder, "a.h5");
    for (int length = 3; length <= 123; length += 120) {
        mlce_source *source;
        write_places(path, length);
        assert_ok(mlce_source_open(path, &(mlce_source_options){0}, &source));
        if (length == 3) {
            assert_ok(read_all(source, all, sizeof all));
            ck_assert_str_eq(all, "a|a|a (no spans)\n");
        } else {
            assert_fails(read_all(source, all, sizeof all), MLCE_E_DATA,
                         "more than 64 times as long as its text");
        }
        mlce_source_close(source);
    }
    remove_folder(folder);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, text_is_split_at_spaces_punctuation_and_characters_without_spaces);
    tcase_add_test(cases, json_of_many_tools_is_understood);
    tcase_add_test(cases, items_have_labels_weights_and_features);
    tcase_add_test(cases, spans_that_cut_a_token_are_widened_dropped_or_refused);
    tcase_add_test(cases, offsets_count_code_points_or_utf16_where_that_fits);
    tcase_add_test(cases, bad_json_is_refused_by_line);
    tcase_add_test(cases, brat_documents_are_read_line_by_line_and_lose_no_text);
    tcase_add_test(cases, bad_brat_is_refused_by_line);
    tcase_add_test(cases, tokens_cut_out_of_a_text_may_share_it_but_not_to_any_extent);
}

int main(void) {
    return run_suite("convert_text", add);
}
