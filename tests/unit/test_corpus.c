/* What mlce-data measures, and what it finds to say of it. */
#include <math.h>

#include "corpus.h"
#include "corpus/check.h"
#include "corpus/stratify.h"

/* ---- Summary ---- */

START_TEST(spans_are_counted_as_they_lie) {
    const sample samples[] = {
        /* 0-4 holds 1-2 and 1-3, of which the first is nested in the second too; 3-5 crosses 0-4 */
        {{"a", "b", "c", "d", "e"}, {{0, 4, 0}, {1, 2, 1}, {1, 3, 1}, {3, 5, 0}}, 4, 0},
        {{"a", "b"}, {{0, 1, 0}, {0, 1, 1}}, 2, 0},
        {{"a", " "}, {{0}}, 0, 0},
        {{NULL}, {{0}}, 0, 0},
    };
    mlce_dataset *d = open_dataset(write_samples("lie.h5", &spec_of_samples, samples, 4));
    mlce_summary s;
    assert_ok(mlce_summarise(d, &s));
    ck_assert_int_eq(s.nested, 2);
    ck_assert_int_eq(s.crossing, 1);
    ck_assert_int_eq(s.crossing_first, 0);
    ck_assert_int_eq(s.shared, 2);
    ck_assert_int_eq(s.bare, 2);
    ck_assert_int_eq(s.empty, 1);
    ck_assert_int_eq(s.blank, 1);
    ck_assert_int_eq(s.first_blank, 2);
    ck_assert_int_eq(s.type_spans[0], 3);
    ck_assert_int_eq(s.type_spans[2], 0);
    ck_assert_int_eq(s.type_sequences[1], 2);
    ck_assert_int_eq(mlce_quantile(s.lengths, s.sequences, 1), 5);
    ck_assert_int_eq(mlce_count_up_to(s.widths, s.spans, 2), 5);
    mlce_summary_free(&s);
    mlce_dataset_close(d);
}
END_TEST

/* ---- Values ---- */

/* A file of rows alone, NaN included, as another program might write it. */
static const char *write_rows(const char *name, const float *rows, hsize_t count, hsize_t width) {
    const char *made = path_of(name);
    hid_t file = H5Fcreate(made, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t text = text_type(10, H5T_STR_NULLPAD, H5T_CSET_ASCII);
    const int64_t offsets[] = {0, 2, (int64_t)count}, version = 1;
    put_attribute(file, "format", text, "mlce-spans");
    put_attribute(file, "version", H5T_NATIVE_INT64, &version);
    put(file, "/tokens/embeddings", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2,
        (const hsize_t[]){count, width}, H5P_DEFAULT, rows);
    put_integers(file, "/sequences/offsets", 0, 3, 0, offsets);
    put_strings(file, "/types", 0, 3, kinds);
    H5Tclose(text);
    H5Fclose(file);
    return made;
}

START_TEST(columns_have_their_mean_and_deviation) {
    const float rows[] = {1, 5, 1e-3f, 3, 5, -1e-3f, 5, 5, 1e-3f, 7, 5, -1e-3f};
    mlce_corpus corpus;
    assert_ok(mlce_corpus_open(write_rows("columns.h5", rows, 4, 3), &corpus));
    const mlce_values *v = &corpus.values;
    ck_assert_double_eq_tol(v->columns[0].mean, 4, 1e-12);
    ck_assert_double_eq_tol(v->columns[0].deviation, sqrt(5), 1e-12);
    ck_assert_double_eq(v->columns[0].min, 1);
    ck_assert_double_eq(v->columns[0].max, 7);
    ck_assert_double_eq_tol(v->rms, sqrt((21 + 25 + 1e-6) / 3), 1e-6);
    ck_assert_int_eq(v->constant, 1);
    ck_assert_int_eq(v->some_constant, 1);
    ck_assert_int_eq(v->huge, 1); /* 2.2 beside a median of 0.001 */
    ck_assert_int_eq(v->some_huge, 0);
    mlce_corpus_close(&corpus);
}
END_TEST

START_TEST(rows_that_are_not_finite_are_counted_and_left_out) {
    const float rows[] = {1, 2, NAN, 2, 3, 4, 0, 0, 1, INFINITY};
    mlce_corpus corpus;
    assert_ok(mlce_corpus_open(write_rows("nan.h5", rows, 5, 2), &corpus));
    ck_assert_int_eq(corpus.values.not_finite, 2);
    ck_assert_int_eq(corpus.values.bad_sequence, 0);
    ck_assert_int_eq(corpus.values.rows, 3);
    ck_assert_int_eq(corpus.values.zeros, 1);
    ck_assert_int_eq(corpus.values.zeros_sequence, 1);
    ck_assert_double_eq_tol(corpus.values.columns[1].mean, 2, 1e-12);
    mlce_corpus_close(&corpus);
}
END_TEST

/* ---- Twins ---- */

START_TEST(prints_know_where_tokens_end) {
    const sample samples[] = {{{"ab", "c"}, {{0}}, 0, 0},
                              {{"a", "bc"}, {{0}}, 0, 0},
                              {{"ab", "c"}, {{0}}, 0, 0},
                              {{NULL}, {{0}}, 0, 0},
                              {{NULL}, {{0}}, 0, 0}};
    mlce_dataset *d = open_dataset(write_samples("prints.h5", &spec_of_samples, samples, 5));
    ck_assert_int_eq(mlce_twins_basis(d), MLCE_BY_TOKENS);
    for (int basis = MLCE_BY_TOKENS; basis <= MLCE_BY_EMBEDDINGS; basis += 2) {
        mlce_print prints[5];
        mlce_twin_index index;
        assert_ok(mlce_twins_print(d, (mlce_twin_basis)basis, prints));
        assert_ok(mlce_twins_index(prints, 5, &index));
        ck_assert_int_eq(mlce_twins_find(&index, prints[2]), 0);
        ck_assert_int_eq(mlce_twins_find(&index, prints[1]), 1);
        ck_assert_int_eq(mlce_twins_find(&index, prints[3]), -1); /* nothing is no twin */
        mlce_twins_free(&index);
    }
    mlce_dataset_close(d);
}
END_TEST

/* ---- Stratification ---- */

enum { UNITS = 1000, LABELS = 12 };

typedef struct made_units {
    int64_t sizes[UNITS], offsets[UNITS + 1];
    mlce_stratum strata[UNITS * LABELS];
    int64_t totals[LABELS];
} made_units;

/* Label t stands in every unit whose number t + 2 divides; units of 1 to 3 sequences. */
static mlce_units make_units(made_units *m) {
    memset(m, 0, sizeof *m);
    int64_t n = 0;
    for (int u = 0; u < UNITS; u++) {
        m->sizes[u] = 1 + u % 3;
        for (int t = 0; t < LABELS; t++) {
            if (u % (t * t + 2)) continue;
            m->strata[n++] = (mlce_stratum){t, 1 + u % 2};
            m->totals[t] += 1 + u % 2;
        }
        m->offsets[u + 1] = n;
    }
    return (mlce_units){UNITS, m->sizes, m->offsets, m->strata, LABELS};
}

START_TEST(every_part_gets_its_share_of_every_type) {
    static made_units made;
    const double shares[] = {0.8, 0.1, 0.1};
    int part[UNITS];
    mlce_units units = make_units(&made);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        int64_t counts[3][LABELS] = {{0}}, sizes[3] = {0}, all = 0;
        assert_ok(mlce_stratify(&units, shares, 3, seed, part));
        for (int u = 0; u < UNITS; u++) {
            ck_assert_int_ge(part[u], 0);
            ck_assert_int_lt(part[u], 3);
            sizes[part[u]] += made.sizes[u];
            all += made.sizes[u];
            for (int64_t i = made.offsets[u]; i < made.offsets[u + 1]; i++)
                counts[part[u]][made.strata[i].type] += made.strata[i].spans;
        }
        for (int p = 0; p < 3; p++) {
            ck_assert_double_eq_tol((double)sizes[p], shares[p] * (double)all, 0.02 * (double)all);
            for (int t = 0; t < LABELS; t++)
                ck_assert_double_eq_tol((double)counts[p][t], shares[p] * (double)made.totals[t],
                                        3 + 0.02 * (double)made.totals[t]);
        }
    }
}
END_TEST

START_TEST(a_seed_gives_one_split_and_another_seed_another) {
    static made_units made;
    const double shares[] = {0.5, 0.5};
    int first[UNITS], again[UNITS], apart[UNITS];
    mlce_units units = make_units(&made);
    assert_ok(mlce_stratify(&units, shares, 2, 7, first));
    assert_ok(mlce_stratify(&units, shares, 2, 7, again));
    assert_ok(mlce_stratify(&units, shares, 2, 8, apart));
    ck_assert_mem_eq(first, again, sizeof first);
    ck_assert_mem_ne(first, apart, sizeof first);
}
END_TEST

/* ---- Check ---- */

static const mlce_finding *found(const mlce_findings *findings, const char *code) {
    for (size_t i = 0; i < findings->count; i++)
        if (!strcmp(findings->items[i].code, code)) return &findings->items[i];
    return NULL;
}

static void assert_found(const mlce_findings *findings, const char *code, mlce_finding_level level,
                         const char *text) {
    const mlce_finding *finding = found(findings, code);
    ck_assert_msg(finding != NULL, "no finding %s", code);
    ck_assert_int_eq(finding->level, level);
    ck_assert_msg(strstr(finding->message, text) != NULL, "'%s' is not in: %s", text,
                  finding->message);
}

START_TEST(a_pair_is_checked_for_what_misleads) {
    static const char *const more[] = {"place", "person", "ghost"};
    const sample train[] = {{{"a", "b"}, {{0, 2, 0}}, 1, 0},
                            {{"c", "d"}, {{0, 1, 0}}, 1, 0},
                            {{"c", "d"}, {{0, 1, 1}}, 1, 0}};
    const sample dev[] = {{{"a", "b"}, {{0, 2, 1}}, 1, 0},
                          {{"x", "y", "z"}, {{0, 3, 2}}, 1, 0},
                          {{"q"}, {{0}}, 0, 0}};
    mlce_dataset_spec changed = spec_of_samples;
    changed.types = more;
    changed.embedding = "otherwise";
    mlce_corpus a, b;
    mlce_findings f = {0};
    assert_ok(mlce_corpus_open(write_samples("train.h5", &spec_of_samples, train, 3), &a));
    assert_ok(mlce_corpus_open(write_samples("dev.h5", &changed, dev, 3), &b));
    mlce_check_corpus(&a, &f);
    assert_ok(mlce_check_train(&a, &(mlce_check_options){.few = 2}, &f));
    assert_ok(mlce_check_pair(&a, &b, &f));
    assert_found(&f, "few-examples", MLCE_FINDING_WARNING, "only 1 span of 'place'");
    assert_found(&f, "absent-type", MLCE_FINDING_WARNING, "'thing'");
    assert_found(&f, "annotated-twice", MLCE_FINDING_WARNING, "sequence 2 repeats 1");
    assert_found(&f, "other-embedding", MLCE_FINDING_WARNING, "'otherwise'");
    assert_found(&f, "unknown-types", MLCE_FINDING_ERROR, "'ghost'");
    assert_found(&f, "unmeasured-types", MLCE_FINDING_WARNING, "'place'");
    assert_found(&f, "same-sequences", MLCE_FINDING_WARNING, "0 is 0 there");
    assert_found(&f, "longer-sequences", MLCE_FINDING_WARNING, "up to 3 tokens");
    assert_found(&f, "wider-spans", MLCE_FINDING_NOTE, "up to 3 tokens");
    assert_found(&f, "no-bare-sequences", MLCE_FINDING_WARNING, "1 (33.3%)");
    ck_assert_uint_eq(f.counts[MLCE_FINDING_ERROR], 1);
    /* the first sequence has the same span in both, under the same name */
    const mlce_finding *last = &f.items[f.count - 1];
    ck_assert_str_ne(last->code, "annotated-twice");
    mlce_findings_free(&f);
    mlce_corpus_close(&a);
    mlce_corpus_close(&b);
}
END_TEST

START_TEST(good_data_has_no_findings) {
    const sample samples[] = {{{"a", "b"}, {{0, 2, 0}, {0, 1, 1}}, 2, 0},
                              {{"c", "d"}, {{0, 1, 2}}, 1, 0}};
    const sample others[] = {{{"e", "b"}, {{0, 2, 0}}, 1, 0}};
    mlce_corpus a, b;
    mlce_findings f = {0};
    assert_ok(mlce_corpus_open(write_samples("t.h5", &spec_of_samples, samples, 2), &a));
    assert_ok(mlce_corpus_open(write_samples("o.h5", &spec_of_samples, others, 1), &b));
    mlce_check_corpus(&a, &f);
    assert_ok(mlce_check_train(&a, &(mlce_check_options){.few = 1}, &f));
    ck_assert_msg(f.count == 0, "%s", f.count ? f.items[0].message : "");
    assert_ok(mlce_check_pair(&a, &b, &f));
    ck_assert_ptr_null(found(&f, "same-sequences"));
    ck_assert_ptr_null(found(&f, "longer-sequences"));
    ck_assert_uint_eq(f.counts[MLCE_FINDING_ERROR], 0);
    mlce_findings_free(&f);
    mlce_corpus_close(&a);
    mlce_corpus_close(&b);
}
END_TEST

START_TEST(rows_of_nan_are_an_error) {
    const float rows[] = {1, 2, NAN, 2, 3, 4};
    mlce_corpus corpus;
    mlce_findings f = {0};
    assert_ok(mlce_corpus_open(write_rows("bad.h5", rows, 3, 2), &corpus));
    mlce_check_corpus(&corpus, &f);
    assert_found(&f, "not-finite", MLCE_FINDING_ERROR, "1 row of embeddings holds NaN");
    assert_found(&f, "no-gold", MLCE_FINDING_WARNING, "/spans");
    mlce_findings_free(&f);
    mlce_corpus_close(&corpus);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, spans_are_counted_as_they_lie);
    tcase_add_test(cases, columns_have_their_mean_and_deviation);
    tcase_add_test(cases, rows_that_are_not_finite_are_counted_and_left_out);
    tcase_add_test(cases, prints_know_where_tokens_end);
    tcase_add_test(cases, every_part_gets_its_share_of_every_type);
    tcase_add_test(cases, a_seed_gives_one_split_and_another_seed_another);
    tcase_add_test(cases, a_pair_is_checked_for_what_misleads);
    tcase_add_test(cases, good_data_has_no_findings);
    tcase_add_test(cases, rows_of_nan_are_an_error);
}

int main(void) {
    return run_suite("corpus", add);
}
