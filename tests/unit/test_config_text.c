/* The configuration as INI and as JSON: what is refused, and that what is written reads back. */
#include <glob.h>
#include <stdio.h>

#include "config.h"
#include "mlce/random.h"

static void write_bytes(const char *path, const char *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

/* Reads an INI text from the file `path`, which is left there. */
static mlce_status read_ini(mlce_config *config, const char *path, const char *text) {
    write_bytes(path, text, strlen(text));
    return mlce_config_read(config, path);
}

/* ---- INI ---- */

START_TEST(an_ini_file_sets_its_keys) {
    char path[128], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    mlce_config *config = new_config();
    assert_ok(read_ini(config, path,
                       "\xef\xbb\xbf; a byte order mark is fine\n"
                       "[optim] ; so is a comment here\r\n"
                       "lr = 3e-4 ; and here\n"
                       "  name: adamw  \n" /* an indented key is no continuation */
                       "\n"
                       "[data]\n"
                       "train = ../a b;c.h5\n"
                       "dev =\n"
                       "[encoder.1]\n"
                       "[optim] # the same again\n"
                       "\twarmup=0.1"));
    ck_assert_double_eq(mlce_config_float(config, "optim.lr"), 3e-4);
    ck_assert_str_eq(mlce_config_string(config, "optim.name"), "adamw");
    ck_assert_double_eq(mlce_config_float(config, "optim.warmup"), 0.1);
    ck_assert_str_eq(mlce_config_string(config, "data.train"), "../a b;c.h5");
    ck_assert(mlce_config_is_set(config, "data.dev"));
    ck_assert_int_eq(mlce_config_sections(config, "encoder"), 1);
    assert_ok(mlce_config_check(config));
    mlce_config_free(config);
    remove_folder(folder);
}
END_TEST

#define TEN(text)  text text text text text text text text text text
#define BYTES_190  TEN("1234567890123456789")
#define BOTH(a, b) a b

static const struct {
    const char *text, *message;
} wrong_files[] = {
    {"[optim]\nlr = 1e-3x\n", "a.ini:2: optim.lr = '1e-3x' is not a number"},
    {"[optim]\nlr = 1e-3 # high\n", "a comment begins with ' ;'"},
    {"[optim]\n\n# c\nlrr = 1\n", "a.ini:4: unknown key 'optim.lrr': did you mean 'optim.lr'?"},
    {"[train]\nlr = 1\n", "a.ini:2: unknown key 'train.lr': did you mean 'optim.lr'?"},
    {"[optimizer]\n", "a.ini:1: unknown section [optimizer]: did you mean [optim]?"},
    {"[otpim]\n", "did you mean [optim]?"},
    {"[encoder]\nsize = 3\n", "unknown section [encoder]: did you mean [encoder.1]?"},
    {"[encoder.0]\n", "did you mean [encoder.1]?"},
    {"[wonderful]\n", "unknown section [wonderful]: there are [data], "},
    {"[]\n", "unknown section []"},
    {"\nlr = 1\n", "a.ini:2: 'lr = 1' stands before the first section"},
    {"[optim]\nlr = 1\n[data]\n[optim]\nlr = 2\n",
     "a.ini:5: optim.lr stands twice, first on line 2: remove one"},
    {"[optim]\nlr\n", "a.ini:2: 'lr' is not a section, a key or a comment"},
    {"[optim]\nlr ; = 1\n", "is not a section, a key or a comment"},
    {"[optim]\n= 1\n", "is not a section, a key or a comment"},
    {"[optim]\n  and more\n", "a.ini:2: 'and more' is not a section"},
    {"[optim\nlr = 1\n", "a.ini:1: a section has no closing bracket"},
    {"[optim ;]\n", "a.ini:1: a section has no closing bracket"},
    {"[optim] lr = 1\n", "a.ini:1: text behind the section's closing bracket"},
    {"[optim]]\n", "text behind the section's closing bracket"},
    {"[optim]\rlr = 1\r", "text behind the section's closing bracket"},
    {"[train]\noutput = caf\xe9\n", "a.ini:2: not UTF-8"},
    {"; caf\xe9\n", "a.ini:1: not UTF-8"},
    {"\xff\xfe[\n", "a.ini:1: not UTF-8"},
    {BOTH("[train]\n", BYTES_190 "1234567890 = 1\n"), "a.ini:2: unknown key '1234"},
    {BOTH("[train]\n", BYTES_190 "1234567890\n"), "is not a section, a key or a comment"},
    {BOTH("[train]\noutput = ", BYTES_190 "1\noutput = 2\n"), "a.ini:3: train.output stands twice"},
    {BOTH("[train]\nseed = ", BYTES_190 "1\n"), "a.ini:2: train.seed = 1234"},
    {BOTH("[", BYTES_190 "]\n"), "a.ini:1: unknown section [1234"},
};

START_TEST(what_is_not_right_in_a_file_is_refused_with_its_line) {
    char path[128], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    mlce_config *config = new_config(), *defaults = new_config();
    assert_fails(read_ini(config, path, wrong_files[_i].text), MLCE_E_CONFIG,
                 wrong_files[_i].message);
    ck_assert_msg(strncmp(mlce_last_error(), path, strlen(path)) == 0, "%s", mlce_last_error());
    assert_same(config, defaults);
    ck_assert(!mlce_config_is_set(config, "optim.lr"));
    mlce_config_free(config);
    mlce_config_free(defaults);
    remove_folder(folder);
}
END_TEST

/* inih itself has room for 199 bytes. */
START_TEST(a_line_of_any_length_is_read) {
    static const char *const values[] = {BYTES_190, BYTES_190 "1",
                                         BYTES_190 BYTES_190 " = " BYTES_190, BYTES_190 BYTES_190};
    static const char *const behind[] = {"", "    ", " ; " BYTES_190, "\t;"};
    char path[128], text[2048], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    for (int v = 0; v < COUNT(values); v++)
        for (int b = 0; b < COUNT(behind); b++) {
            mlce_config *config = new_config();
            snprintf(text, sizeof text,
                     "# " BYTES_190 BYTES_190 "\n[train] ; " BYTES_190
                     "\n    output = %s%s\nseed = 3",
                     values[v], behind[b]);
            assert_ok(read_ini(config, path, text));
            ck_assert_str_eq(mlce_config_string(config, "train.output"), values[v]);
            ck_assert_int_eq(mlce_config_int(config, "train.seed"), 3);
            mlce_config_free(config);
        }
    mlce_config *config = new_config();
    assert_ok(read_ini(config, path, "[train]\noutput = ; " BYTES_190 BYTES_190));
    ck_assert_str_eq(mlce_config_string(config, "train.output"), "");
    mlce_config_free(config);
    remove_folder(folder);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_refused) {
    char path[128], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    mlce_config *config = new_config();
    assert_fails(mlce_config_read(config, path), MLCE_E_IO, "a.ini: cannot open: No such file");
    write_bytes(path, "[optim]\n\0lr = 1\n", 16);
    assert_fails(mlce_config_read(config, path), MLCE_E_CONFIG, "a.ini:2: a NUL byte");
    char *large = calloc(1, (1 << 20) + 1);
    memset(large, '\n', (1 << 20) + 1);
    write_bytes(path, large, 1 << 20);
    assert_ok(mlce_config_read(config, path));
    write_bytes(path, large, (1 << 20) + 1);
    assert_fails(mlce_config_read(config, path), MLCE_E_CONFIG, "a.ini: larger than 1 MiB");
    free(large);
    assert_fails(mlce_config_read(config, folder), MLCE_E_IO, "cannot read: Is a directory");
    remove_folder(folder);
    mlce_config_free(config);
}
END_TEST

START_TEST(every_file_in_configs_is_a_configuration) {
    glob_t found;
    ck_assert_int_eq(glob(FIXTURES "/../../configs/*.ini", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        mlce_config *config = new_config();
        assert_ok(mlce_config_read(config, found.gl_pathv[i]));
        assert_ok(mlce_config_check(config));
        ck_assert_str_ne(mlce_config_string(config, "data.train"), "");
        mlce_config_free(config);
    }
    globfree(&found);
}
END_TEST

START_TEST(a_later_file_or_assignment_wins) {
    char path[128], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "optim.lr=1"));
    const char *output = mlce_config_string(config, "train.output");
    assert_ok(read_ini(config, path, "[optim]\nlr = 2\n"));
    assert_ok(read_ini(config, path, "[optim]\nlr = 3\n"));
    ck_assert_double_eq(mlce_config_float(config, "optim.lr"), 3);
    ck_assert_ptr_eq(mlce_config_string(config, "train.output"), output); /* still valid */
    mlce_config_free(config);
    remove_folder(folder);
}
END_TEST

static void set_some(mlce_config *config) {
    assert_ok(mlce_config_assign(config, "optim.lr=1.2500000000000002e-4"));
    assert_ok(mlce_config_assign(config, "model.rope=0"));
    assert_ok(mlce_config_assign(config, "data.train=größe, b#c;d: =e.h5"));
    assert_ok(mlce_config_assign(config, "data.dev="));
    assert_ok(mlce_config_assign(config, "data.test=#no comment"));
    assert_ok(mlce_config_assign(config, "train.output=" BYTES_190 BYTES_190));
    assert_ok(mlce_config_assign(config, "encoder.2.size=7"));
    assert_ok(mlce_config_assign(config, "encoder.1.dropout=0.25"));
}

START_TEST(an_ini_text_reads_back_as_the_same_configuration) {
    char path[128], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    mlce_config *config = new_config(), *again = new_config();
    set_some(config);
    char *ini = mlce_config_to_ini(config);
    assert_ok(read_ini(again, path, ini));
    assert_same(config, again);
    assert_ok(mlce_config_check(again));
    ck_assert_ptr_nonnull(strstr(ini, "# learning rate at the top of the schedule\nlr = 1.25"));
    ck_assert_ptr_nonnull(strstr(ini, "\n\n[encoder.2]\n"));
    for (const char *line = ini; *line; line = strchr(line, '\n') + 1)
        ck_assert(strcspn(line, "\n") <= 100 || strncmp(line, "output = ", 9) == 0);
    free(ini);
    mlce_config_free(config);
    mlce_config_free(again);
    remove_folder(folder);
}
END_TEST

static const char *const no_ini_values[] = {" a", "a ", "a ;b", ";a", "a\nlr = 3", "a\r", "\t"};

START_TEST(a_value_that_ini_cannot_hold_becomes_a_comment_and_json_keeps_it) {
    char path[128], *folder = make_folder();
    snprintf(path, sizeof path, "%s/a.ini", folder);
    mlce_config *config = new_config(), *again = new_config(), *exact = new_config();
    assert_ok(mlce_config_set(config, "train.output", no_ini_values[_i]));
    char *ini = mlce_config_to_ini(config), *json = mlce_config_to_json(config);
    assert_ok(read_ini(again, path, ini));
    ck_assert_str_eq(mlce_config_string(again, "train.output"), "runs/run");
    ck_assert_ptr_nonnull(strstr(ini, "\n# train.output="));
    assert_ok(mlce_config_from_json(exact, json));
    ck_assert_str_eq(mlce_config_string(exact, "train.output"), no_ini_values[_i]);
    assert_same(config, exact);
    free(ini);
    free(json);
    mlce_config_free(config);
    mlce_config_free(again);
    mlce_config_free(exact);
    remove_folder(folder);
}
END_TEST

/* ---- JSON ---- */

START_TEST(json_reads_back_as_the_same_configuration) {
    mlce_config *config = new_config(), *again = new_config();
    set_some(config);
    char *json = mlce_config_to_json(config);
    assert_ok(mlce_config_from_json(again, json));
    assert_same(config, again);
    assert_ok(mlce_config_check(again));
    free(json);
    mlce_config_free(config);
    mlce_config_free(again);
}
END_TEST

static const struct {
    const char *text, *message;
} wrong_json[] = {
    {"", "configuration in JSON: line 1"},
    {"{", "configuration in JSON: line 1"},
    {"[]", "it must be one object"},
    {"{} {}", "configuration in JSON: line 1"},
    {"{\"optim.lr\": \"1\", \"optim.lrr\": \"1\"}",
     "configuration in JSON: unknown key 'optim.lrr': did you mean 'optim.lr'?"},
    {"{\"optim.lr\": 0.5}", "the value of 'optim.lr' must be a JSON string"},
    {"{\"optim.lr\": \"x\"}", "optim.lr = 'x' is not a number"},
    {"{\"optim.lr\": \"1\", \"optim.lr\": \"2\"}", "duplicate"},
    {"{\"train.output\": \"a\\u0000b\"}", "configuration in JSON: line 1"},
    {"{\"train.output\": \"\xff\"}", "configuration in JSON: line 1"},
};

START_TEST(wrong_json_is_refused_and_changes_nothing) {
    mlce_config *config = new_config(), *defaults = new_config();
    assert_fails(mlce_config_from_json(config, wrong_json[_i].text), MLCE_E_CONFIG,
                 wrong_json[_i].message);
    assert_same(config, defaults);
    ck_assert(!mlce_config_is_set(config, "optim.lr"));
    mlce_config_free(config);
    mlce_config_free(defaults);
}
END_TEST

/* ---- Arbitrary bytes ---- */

/* A few changes at random places of `text`: a byte, a piece taken out, a piece doubled. Returns
   the new length, at most `room`. */
static size_t mutate(mlce_random *random, char *text, size_t length, size_t room) {
    static const char liked[] = "[]=:;#\n\r \t\".,{}\\0\xff\xc3\xef*";
    for (uint64_t n = 1 + mlce_random_below(random, 4); n > 0 && length > 0; n--) {
        size_t at = (size_t)mlce_random_below(random, length);
        size_t piece = 1 + (size_t)mlce_random_below(random, 20);
        if (piece > length - at) piece = length - at;
        switch (mlce_random_below(random, 4)) {
        case 0:
            text[at] = (char)mlce_random_below(random, 256);
            break;
        case 1:
            text[at] = liked[mlce_random_below(random, sizeof liked)];
            break;
        case 2:
            memmove(text + at, text + at + piece, length - at - piece);
            length -= piece;
            break;
        default:
            if (length + piece > room) break;
            memmove(text + at + piece, text + at, length - at);
            length += piece;
        }
    }
    return length;
}

enum { ROOM = 16384, ROUNDS = 1000 };

/* Whatever was read can be written, and reads back as the same. */
static void assert_round_trip(const mlce_config *config) {
    mlce_config *again = new_config();
    char *json = mlce_config_to_json(config);
    ck_assert_ptr_nonnull(json);
    assert_ok(mlce_config_from_json(again, json));
    assert_same(config, again);
    free(json);
    mlce_config_free(again);
}

START_TEST(damaged_ini_is_read_or_refused_with_file_and_line) {
    char path[128], prefix[140], *bytes = malloc(ROOM), *folder = make_folder();
    int read = 0, refused = 0;
    snprintf(path, sizeof path, "%s/a.ini", folder);
    snprintf(prefix, sizeof prefix, "%s:", path);
    mlce_config *sample = new_config(), *defaults = new_config();
    set_some(sample);
    char *ini = mlce_config_to_ini(sample);
    mlce_random random = mlce_random_new(7, MLCE_STREAM_DATA);
    for (int round = 0; round < ROUNDS; round++) {
        mlce_config *config = new_config();
        size_t length = strlen(ini);
        memcpy(bytes, ini, length);
        write_bytes(path, bytes, mutate(&random, bytes, length, ROOM));
        if (mlce_config_read(config, path) == MLCE_OK) {
            assert_round_trip(config);
            read++;
        } else {
            ck_assert_msg(strncmp(mlce_last_error(), prefix, strlen(prefix)) == 0, "%s",
                          mlce_last_error());
            assert_same(config, defaults);
            refused++;
        }
        mlce_config_free(config);
    }
    ck_assert_int_gt(read, ROUNDS / 20);
    ck_assert_int_gt(refused, ROUNDS / 20);
    free(ini);
    free(bytes);
    mlce_config_free(sample);
    mlce_config_free(defaults);
    remove_folder(folder);
}
END_TEST

START_TEST(damaged_json_is_read_or_refused) {
    char *bytes = malloc(ROOM + 1);
    int read = 0, refused = 0;
    mlce_config *sample = new_config(), *defaults = new_config();
    set_some(sample);
    char *json = mlce_config_to_json(sample);
    mlce_random random = mlce_random_new(8, MLCE_STREAM_DATA);
    for (int round = 0; round < ROUNDS; round++) {
        mlce_config *config = new_config();
        size_t length = strlen(json);
        memcpy(bytes, json, length);
        bytes[mutate(&random, bytes, length, ROOM)] = 0;
        if (mlce_config_from_json(config, bytes) == MLCE_OK) {
            assert_round_trip(config);
            read++;
        } else {
            ck_assert_ptr_nonnull(strstr(mlce_last_error(), "configuration in JSON: "));
            assert_same(config, defaults);
            refused++;
        }
        mlce_config_free(config);
    }
    ck_assert_int_gt(read, 0);
    ck_assert_int_gt(refused, ROUNDS / 20);
    free(json);
    free(bytes);
    mlce_config_free(sample);
    mlce_config_free(defaults);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, an_ini_file_sets_its_keys);
    tcase_add_loop_test(cases, what_is_not_right_in_a_file_is_refused_with_its_line, 0,
                        COUNT(wrong_files));
    tcase_add_test(cases, a_line_of_any_length_is_read);
    tcase_add_test(cases, files_that_cannot_be_read_are_refused);
    tcase_add_test(cases, every_file_in_configs_is_a_configuration);
    tcase_add_test(cases, a_later_file_or_assignment_wins);
    tcase_add_test(cases, an_ini_text_reads_back_as_the_same_configuration);
    tcase_add_loop_test(cases, a_value_that_ini_cannot_hold_becomes_a_comment_and_json_keeps_it, 0,
                        COUNT(no_ini_values));
    tcase_add_test(cases, json_reads_back_as_the_same_configuration);
    tcase_add_loop_test(cases, wrong_json_is_refused_and_changes_nothing, 0, COUNT(wrong_json));
    tcase_add_test(cases, damaged_ini_is_read_or_refused_with_file_and_line);
    tcase_add_test(cases, damaged_json_is_read_or_refused);
}

int main(void) {
    return run_suite("config_text", add);
}
