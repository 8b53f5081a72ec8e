/* Input that would take time that grows with its square: each test ends soon, or dies. */
#include "convert.h"
#include "convert/characters.h"
#include "convert/sink.h"

static mlce_arena *arena;
static const char *folder;

static void set_up(void) {
    alarm(20);
    arena = mlce_arena_new();
    folder = make_folder();
}

static void tear_down(void) {
    alarm(0);
    mlce_arena_free(arena);
    remove_folder(folder);
}

START_TEST(columns_of_spans_that_all_overlap_are_given_up) {
    enum { SPANS = 500000 };
    mlce_mark *marks = mlce_arena_alloc(arena, SPANS, sizeof *marks);
    for (int i = 0; i < SPANS; i++) marks[i] = (mlce_mark){.end = SPANS - i, .type = "A"};
    mlce_record record = {.length = SPANS, .spans = marks, .span_count = SPANS};
    int *columns, count;
    assert_ok(mlce_assign_columns(arena, &record, &columns, &count));
    ck_assert_int_eq(count, MLCE_MOST_TAG_COLUMNS + 1);
    record.span_count = MLCE_MOST_TAG_COLUMNS;
    assert_ok(mlce_assign_columns(arena, &record, &columns, &count));
    ck_assert_int_eq(count, MLCE_MOST_TAG_COLUMNS);
    ck_assert_int_eq(columns[count - 1], count - 1);
}
END_TEST

/* Aligns copies of a mark over a text that is one token behind `blanks` spaces. */
static void align(int blanks, mlce_mark mark, int copies, mlce_record *record) {
    char *text = mlce_arena_alloc(arena, (size_t)blanks + 2, 1);
    memset(text, ' ', (size_t)blanks);
    memcpy(text + blanks, "x", 2);
    mlce_mark *marks = mlce_arena_alloc(arena, (size_t)copies, sizeof *marks);
    for (int i = 0; i < copies; i++) marks[i] = mark;
    static const char *const tokens[] = {"x"};
    static int32_t chars[1][2];
    chars[0][0] = blanks;
    chars[0][1] = blanks + 1;
    record->text = text;
    record->tokens = tokens;
    record->chars = (const int32_t(*)[2])chars;
    record->length = 1;
    record->spans = marks;
    record->span_count = copies;
    mlce_characters characters;
    mlce_source_options options = {0};
    mlce_source_counts counts = {0};
    assert_ok(mlce_characters_find(arena, text, &characters));
    assert_ok(mlce_align_spans(arena, &characters, record, &options, &counts));
    ck_assert_int_eq(record->span_count, copies);
    ck_assert_int_eq(record->spans[copies - 1].end, 1);
}

START_TEST(spans_over_many_spaces_are_held_against_their_text) {
    mlce_record record = {.in_characters = true};
    align(2000000, (mlce_mark){.end = 2000001, .type = "A", .text = " x"}, 20000, &record);
}
END_TEST

START_TEST(units_of_utf16_are_found_far_into_a_text) {
    mlce_record record = {.in_characters = true, .in_utf16 = true};
    align(2000000, (mlce_mark){.start = 1999999, .end = 2000001, .type = "A"}, 20000, &record);
}
END_TEST

START_TEST(documents_of_one_name_are_numbered) {
    mlce_survey survey = {.records = 1};
    mlce_sink *sink;
    static const char *const tokens[] = {"b"};
    mlce_record record = {.document = -1, .id = "a", .length = 1, .tokens = tokens};
    assert_ok(mlce_sink_open(MLCE_FORMAT_BRAT, path_in(folder, "many"), &survey,
                             &(mlce_sink_options){0}, &sink));
    for (int i = 0; i < 20000; i++) assert_ok(mlce_sink_add(sink, &record));
    record.id = "a-2"; /* is taken */
    assert_ok(mlce_sink_add(sink, &record));
    ck_assert_int_eq(access(path_in(folder, "many.part/a-20000.txt"), F_OK), 0);
    ck_assert_int_ne(access(path_in(folder, "many.part/a-20001.txt"), F_OK), 0);
    ck_assert_int_eq(access(path_in(folder, "many.part/a-2-2.txt"), F_OK), 0);
    mlce_sink_abandon(sink);
}
END_TEST

/* ---- Names that a plain FNV-1a would put into one slot ---- */

enum { LOW = (1 << 20) - 1, LETTERS = 90 };

static uint32_t hash_on(uint32_t hash, const char *text) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x1B3u & LOW;
    return hash;
}

/* endings[h], of four characters, leads from the hash h to 0. */
static char (*make_endings(void))[5] {
    char(*endings)[5] = mlce_arena_alloc(arena, LOW + 1, sizeof *endings);
    uint32_t inverse = 1; /* of 0x1B3, by Newton's method */
    for (int i = 0; i < 5; i++) inverse *= 2 - 0x1B3u * inverse;
    memset(endings, 0, (LOW + 1) * sizeof *endings);
    for (int i = 0; i < LETTERS * LETTERS * LETTERS * LETTERS; i += 7) {
        char ending[5] = {0};
        uint32_t hash = 0;
        for (int k = 4, rest = i; k-- > 0; rest /= LETTERS) {
            ending[k] = (char)('!' + rest % LETTERS);
            hash = (hash * inverse ^ (unsigned char)ending[k]) & LOW;
        }
        memcpy(endings[hash], ending, sizeof ending);
    }
    return endings;
}

START_TEST(names_cannot_be_chosen_to_collide) {
    mlce_names names = {0};
    char(*endings)[5] = make_endings(), name[32];
    int number, made = 0;
    for (int i = 0; made < 200000; i++) {
        snprintf(name, sizeof name, "%d", i);
        const char *ending = endings[hash_on(0xCBF29CE484222325u & LOW, name)];
        if (!*ending) continue;
        strcat(name, ending);
        assert_ok(mlce_names_add(&names, name, &number));
        ck_assert_int_eq(number, made++);
    }
    ck_assert_uint_eq(hash_on(0xCBF29CE484222325u & LOW, name), 0);
    mlce_names_free(&names);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, columns_of_spans_that_all_overlap_are_given_up);
    tcase_add_test(cases, spans_over_many_spaces_are_held_against_their_text);
    tcase_add_test(cases, units_of_utf16_are_found_far_into_a_text);
    tcase_add_test(cases, documents_of_one_name_are_numbered);
    tcase_add_test(cases, names_cannot_be_chosen_to_collide);
}

int main(void) {
    return run_suite("convert_large", add);
}
