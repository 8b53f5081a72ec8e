/* test_embed_hash.c - hashed character n-grams. */
#include <math.h>
#include <stdio.h>

#include "unit.h"

#include "data/embed_hash.h"

enum { DIM = 256 };

static double cosine(const char *left, const char *right) {
    float a[DIM], b[DIM];
    mlce_embed_hash(left, DIM, a);
    mlce_embed_hash(right, DIM, b);
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < DIM; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static const char *const tokens[] = {"",
                                     "a",
                                     ".",
                                     "Brenholm",
                                     "São",
                                     "\xF0\x9F",
                                     "2019",
                                     "COVID-19",
                                     "\xE6\x9D\xB1\xE4\xBA\xAC",
                                     "supercalifragilisticexpialidocious"};

START_TEST(every_row_has_the_norm_of_root_dim) {
    static const int dims[] = {8, 128, 777, 65536};
    static float row[65536];
    for (int d = 0; d < 4; d++) {
        mlce_embed_hash(tokens[_i], dims[d], row);
        double squares = 0;
        for (int i = 0; i < dims[d]; i++) squares += (double)row[i] * (double)row[i];
        ck_assert_double_eq_tol(squares / dims[d], 1, 1e-5);
    }
}
END_TEST

/* The bits are part of the format: a model trained on them meets them again elsewhere. */
START_TEST(the_bits_are_the_same_everywhere) {
    float row[DIM];
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t t = 0; t < sizeof tokens / sizeof tokens[0]; t++) {
        mlce_embed_hash(tokens[t], DIM, row);
        for (int i = 0; i < DIM; i++) {
            uint32_t bits;
            memcpy(&bits, &row[i], sizeof bits);
            hash = (hash ^ (bits == 0x80000000u ? 0 : bits)) * 0x100000001B3u;
        }
    }
    ck_assert_msg(hash == 0x68772E5AC2761B20u, "the embeddings of hash:256 changed: 0x%llX",
                  (unsigned long long)hash);
}
END_TEST

START_TEST(words_with_an_ending_in_common_lie_close) {
    ck_assert_double_gt(cosine("Brenholm", "Kudaholm"), cosine("Brenholm", "Kudaville") + 0.2);
    ck_assert_double_gt(cosine("walked", "talked"), cosine("walked", "rivers") + 0.2);
}
END_TEST

START_TEST(letter_case_changes_the_shape_but_not_the_word) {
    double same_word = cosine("march", "March");
    ck_assert_double_gt(same_word, 0.3);
    ck_assert_double_lt(same_word, 0.9);
    ck_assert_double_gt(cosine("\xC3\x89mile", "\xC3\xA9mile"), 0.3); /* É and é */
    ck_assert_double_gt(cosine("Xur", "Bom"), cosine("Xur", "bom") + 0.2);
}
END_TEST

START_TEST(numbers_lie_close_to_numbers) {
    ck_assert_double_gt(cosine("1987", "2014"), cosine("1987", "tree") + 0.2);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_one_replacement_each) {
    ck_assert_double_eq_tol(cosine("a\xFF", "a\xEF\xBF\xBD"), 1, 1e-6);
    ck_assert_double_lt(cosine("a\xFF", "a\xFF\xFF"), 0.999);
    ck_assert_double_lt(cosine("\xE6\x9D", "\xE6\x9D\xB1"), 0.999); /* cut in a character */
}
END_TEST

START_TEST(a_token_of_any_length_is_read) {
    size_t length = 1 << 20;
    char *token = malloc(length + 1);
    ck_assert_ptr_nonnull(token);
    for (size_t i = 0; i < length; i++) token[i] = (char)('a' + i * i % 23);
    token[length] = '\0';
    float row[DIM];
    mlce_embed_hash(token, DIM, row);
    for (int i = 0; i < DIM; i++) ck_assert(isfinite(row[i]));
    free(token);
}
END_TEST

START_TEST(names_of_embeddings_are_parsed) {
    int dim = 0;
    assert_ok(mlce_embed_hash_parse("hash:8", &dim));
    ck_assert_int_eq(dim, 8);
    assert_ok(mlce_embed_hash_parse("hash:65536", &dim));
    ck_assert_int_eq(dim, 65536);
}
END_TEST

START_TEST(wrong_names_of_embeddings_are_refused) {
    static const char *const wrong[] = {
        "",         "hash",     "hash:",   "hash:7",     "hash:-64",
        "hash: 64", "hash:64k", "Hash:64", "hash:65537", "hash:99999999999999999999",
        "hash:+64", "hash:0x40"};
    int dim = -1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_fails(mlce_embed_hash_parse(wrong[i], &dim), MLCE_E_ARGUMENT, "from 8 to 65536");
        ck_assert_int_eq(dim, -1);
    }
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, every_row_has_the_norm_of_root_dim, 0,
                        sizeof tokens / sizeof tokens[0]);
    tcase_add_test(cases, the_bits_are_the_same_everywhere);
    tcase_add_test(cases, words_with_an_ending_in_common_lie_close);
    tcase_add_test(cases, letter_case_changes_the_shape_but_not_the_word);
    tcase_add_test(cases, numbers_lie_close_to_numbers);
    tcase_add_test(cases, bytes_that_are_not_utf8_are_one_replacement_each);
    tcase_add_test(cases, a_token_of_any_length_is_read);
    tcase_add_test(cases, names_of_embeddings_are_parsed);
    tcase_add_test(cases, wrong_names_of_embeddings_are_refused);
}

int main(void) {
    return run_suite("embed_hash", add);
}
