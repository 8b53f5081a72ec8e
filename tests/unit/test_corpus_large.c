/* Spans and types in numbers whose square would take minutes: each test ends soon, or dies. */
#include "corpus.h"
#include "corpus/check.h"
#include "corpus/stratify.h"
#include "report/statistics.h"

enum { MANY_TOKENS = 1000, MANY_SPANS = 300000 };

static void set_up_timed(void) {
    alarm(20);
    set_up();
}

static void tear_down_timed(void) {
    alarm(0);
    tear_down();
}

/* Two sequences of the same tokens and spans, of which all overlap. */
static const char *write_twins(void) {
    const char *made = path_of("twins.h5");
    mlce_dataset_writer *writer;
    static float rows[MANY_TOKENS * FEATURES];
    static const char *tokens[MANY_TOKENS];
    static mlce_span spans[MANY_SPANS];
    int count = 0;
    for (int i = 0; i < MANY_TOKENS; i++) tokens[i] = "a";
    for (int start = 0; start < MANY_TOKENS && count < MANY_SPANS; start++)
        for (int end = start + 1; end <= MANY_TOKENS && count < MANY_SPANS; end++)
            spans[count++] = (mlce_span){start, end, 0};
    mlce_sequence sequence = {.length = MANY_TOKENS,
                              .embeddings = rows,
                              .token_text = tokens,
                              .id = "s",
                              .spans = spans,
                              .span_count = MANY_SPANS};
    assert_ok(mlce_dataset_writer_open(made, &spec_of_samples, &writer));
    for (int i = 0; i < 2; i++) assert_ok(mlce_dataset_writer_add(writer, &sequence));
    assert_ok(mlce_dataset_writer_close(writer));
    return made;
}

START_TEST(twins_with_many_spans_are_compared) {
    mlce_corpus corpus;
    mlce_findings f = {0};
    assert_ok(mlce_corpus_open(write_twins(), &corpus));
    assert_ok(mlce_check_train(&corpus, &(mlce_check_options){0}, &f));
    bool repeated = false;
    for (size_t i = 0; i < f.count; i++) {
        ck_assert_str_ne(f.items[i].code, "annotated-twice");
        repeated = repeated || !strcmp(f.items[i].code, "repeated");
    }
    ck_assert(repeated);
    mlce_findings_free(&f);
    mlce_corpus_close(&corpus);
}
END_TEST

START_TEST(many_spans_are_counted_as_they_lie) {
    mlce_dataset *dataset = open_dataset(write_twins());
    mlce_statistics s;
    assert_ok(mlce_statistics_of(dataset, &s));
    ck_assert_int_eq(s.most, MANY_SPANS);
    ck_assert_int_eq(s.nested, 2 * (MANY_SPANS - 1));
    ck_assert_int_gt(s.depth, MANY_SPANS / 2);
    mlce_statistics_free(&s);
    mlce_dataset_close(dataset);
}
END_TEST

START_TEST(many_types_are_dealt_out) {
    enum { MANY_TYPES = 200000 };
    int64_t *sizes = calloc(MANY_TYPES, sizeof *sizes),
            *offsets = calloc(MANY_TYPES + 1, sizeof *offsets);
    mlce_stratum *strata = calloc(MANY_TYPES, sizeof *strata);
    int *part = calloc(MANY_TYPES, sizeof *part), in_first = 0;
    for (int u = 0; u < MANY_TYPES; u++) {
        sizes[u] = 1;
        offsets[u + 1] = u + 1;
        strata[u] = (mlce_stratum){u, 1};
    }
    const mlce_units units = {MANY_TYPES, sizes, offsets, strata, MANY_TYPES};
    assert_ok(mlce_stratify(&units, (const double[]){0.8, 0.2}, 2, 1, part));
    for (int u = 0; u < MANY_TYPES; u++) in_first += part[u] == 0;
    ck_assert_int_gt(in_first, MANY_TYPES / 2);
    free(sizes);
    free(offsets);
    free(strata);
    free(part);
}
END_TEST

/* ---- Few spans, held against what pairs of them tell ---- */

static bool crosses(mlce_span a, mlce_span b) {
    return a.start < b.start && b.start < a.end && a.end < b.end;
}

/* Random spans, none twice; of two with one range the second is nested in the first. */
static int draw_spans(mlce_span *spans, int most) {
    int count = 0;
    for (int start = 0; start < LONGEST; start++)
        for (int end = LONGEST; end > start; end--)
            for (int type = 0; type < 2; type++)
                if (count < most && rand() % 4 == 0) spans[count++] = (mlce_span){start, end, type};
    return count;
}

START_TEST(statistics_are_those_of_pairs_of_spans) {
    enum { MOST = LONGEST };
    for (int trial = 0; trial < 100; trial++) {
        sample one = {.words = {"a", "b", "c", "d", "e", "f", "g", "h"}};
        const mlce_span *spans = one.spans;
        int nested = 0, crossing = 0, depth = 0;
        srand((unsigned)trial);
        one.span_count = draw_spans(one.spans, MOST);
        for (int i = 0; i < one.span_count; i++) {
            bool inside = false, over = false;
            int open = 0;
            for (int k = 0; k < one.span_count; k++) {
                inside = inside || (k < i && spans[k].end >= spans[i].end);
                over = over || crosses(spans[i], spans[k]) || crosses(spans[k], spans[i]);
                open += spans[k].start <= spans[i].start && spans[i].start < spans[k].end;
            }
            nested += inside;
            crossing += over;
            if (open > depth) depth = open;
        }
        mlce_dataset *dataset = open_dataset(write_samples("few.h5", &spec_of_samples, &one, 1));
        mlce_statistics s;
        assert_ok(mlce_statistics_of(dataset, &s));
        ck_assert_int_eq(s.nested, nested);
        ck_assert_int_eq(s.crossing, crossing);
        ck_assert_int_eq(s.depth, depth);
        mlce_statistics_free(&s);
        mlce_dataset_close(dataset);
    }
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up_timed, tear_down_timed);
    tcase_add_test(cases, twins_with_many_spans_are_compared);
    tcase_add_test(cases, many_spans_are_counted_as_they_lie);
    tcase_add_test(cases, many_types_are_dealt_out);
    tcase_add_test(cases, statistics_are_those_of_pairs_of_spans);
}

int main(void) {
    return run_suite("corpus_large", add);
}
