/* The configuration: tables, values, names, conditions and the help text, over the real tables of
   the program. */
#include <locale.h>
#include <stdio.h>
#include <sys/wait.h>

#include "config.h"
#include "core/config_store.h"

/* ---- The tables ---- */

static void check_key(const mlce_config_key *key) {
    ck_assert_msg(strchr(key->name, '.') != NULL, "%s has no section", key->name);
    ck_assert_msg(strlen(key->name) < 48, "%s is too long a name", key->name);
    ck_assert_msg(key->doc && *key->doc && !strchr(key->doc, '\n'), "%s: one line of documentation",
                  key->name);
    ck_assert_msg(key->fallback && key->unit, "%s: default or unit is NULL", key->name);
    ck_assert_msg((key->kind == MLCE_KEY_CHOICE) == (key->choices != NULL),
                  "%s: choices and kind do not fit", key->name);
    ck_assert_msg(key->min <= key->max, "%s: falling limits", key->name);
    const char *star = strchr(key->name, '*');
    ck_assert_msg(!star || (star[-1] == '.' && star[1] == '.' && strrchr(key->name, '.') > star),
                  "%s: the * must be a part of the section", key->name);
    ck_assert_msg(!star || !strchr(star + 1, '*'), "%s: two *", key->name);
}

/* "model.head=a|b", or with !=, asks for a declared key, and for values that it can have. */
static void check_condition(const mlce_config_key *key) {
    if (!key->only || strcmp(key->only, MLCE_ONLY_SWEEP) == 0) return;
    char text[256], name[MLCE_CONFIG_NAME_SIZE];
    ck_assert_uint_lt(strlen(key->only), sizeof text);
    strcpy(text, key->only);
    char *values = strchr(text, '=');
    ck_assert_msg(values != NULL, "%s: a condition without '='", key->name);
    values[values[-1] == '!' ? -1 : 0] = 0;
    values++;
    ck_assert_msg(!strchr(text, '*') || strchr(key->name, '*'), "%s: which *?", key->name);
    mlce_config_full_name(text, 1, name, sizeof name);
    int section;
    const mlce_config_key *asked = mlce_config_declared(name, &section);
    ck_assert_msg(asked != NULL, "%s: its condition asks for %s", key->name, name);
    for (char *value = strtok(values, "|"); value; value = strtok(NULL, "|")) {
        mlce_config_value parsed;
        assert_ok(mlce_config_parse(asked, name, value, &parsed));
        ck_assert_str_eq(parsed.text, value);
        free(parsed.text);
    }
}

START_TEST(every_declared_key_is_sound) {
    const mlce_config_key *key, *other;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++) {
        check_key(key);
        check_condition(key);
        for (size_t k = 0; k < i && (other = mlce_config_key_at(k)); k++)
            ck_assert_msg(strcmp(key->name, other->name) != 0, "%s is declared twice", key->name);
        mlce_config_value value;
        assert_ok(mlce_config_parse(key, key->name, key->fallback, &value));
        free(value.text);
    }
}
END_TEST

START_TEST(every_key_has_its_default_from_the_start) {
    mlce_config *config = new_config();
    ck_assert_double_eq(mlce_config_float(config, "optim.lr"), 0.001);
    ck_assert_int_eq(mlce_config_int(config, "train.epochs"), 10);
    ck_assert_int_eq(mlce_config_bool(config, "model.rope"), true);
    ck_assert_str_eq(mlce_config_string(config, "optim.name"), "adam");
    ck_assert_str_eq(mlce_config_string(config, "data.train"), "");
    ck_assert(!mlce_config_is_set(config, "optim.lr"));
    ck_assert(!mlce_config_is_set(config, "encoder.1.size"));
    ck_assert_int_eq(mlce_config_sections(config, "encoder"), 0);
    assert_ok(mlce_config_check(config));
    mlce_config_free(config);
}
END_TEST

/* ---- Values ---- */

START_TEST(set_values_are_read_back) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_set(config, "optim.lr", "3e-4"));
    assert_ok(mlce_config_set(config, "train.epochs", "1000000"));
    assert_ok(mlce_config_set(config, "model.rope", "FALSE"));
    assert_ok(mlce_config_assign(config, "data.train=a=b.h5"));
    assert_ok(mlce_config_assign(config, "train.output="));
    ck_assert_double_eq(mlce_config_float(config, "optim.lr"), 3e-4);
    ck_assert_str_eq(mlce_config_string(config, "optim.lr"), "3e-4");
    ck_assert_int_eq(mlce_config_int(config, "train.epochs"), 1000000);
    ck_assert_int_eq(mlce_config_bool(config, "model.rope"), false);
    ck_assert_str_eq(mlce_config_string(config, "model.rope"), "no");
    ck_assert_str_eq(mlce_config_string(config, "data.train"), "a=b.h5");
    ck_assert_str_eq(mlce_config_string(config, "train.output"), "");
    ck_assert(mlce_config_is_set(config, "optim.lr"));
    mlce_config_free(config);
}
END_TEST

static const struct {
    const char *assignment, *message;
} wrong_values[] = {
    {"optim.lr=1e-3x", "optim.lr = '1e-3x' is not a number"},
    {"optim.lr=", "optim.lr = '' is not a number"},
    {"optim.lr= 1", "is not a number"},
    {"optim.lr=1 ", "is not a number"},
    {"optim.lr=0x10", "is not a number"},
    {"optim.lr=nan", "is not a number"},
    {"optim.lr=inf", "is not a number"},
    {"optim.lr=0,001", "is not a number"},
    {"optim.lr=-", "is not a number"},
    {"optim.lr=1e999", "must be from 0 to 1,000,000"},
    {"optim.lr=-1e999", "must be from 0 to 1,000,000"},
    {"optim.lr=-1e-9", "optim.lr = -1e-9: must be from 0 to 1,000,000"},
    {"optim.lr=1e-999", "nearer to 0 than a double can be"},
    {"optim.epsilon=0", "optim.epsilon = 0: must be from 1e-30 to 1"},
    {"train.epochs=0", "train.epochs = 0: must be from 1 to 1,000,000"},
    {"train.epochs=1000001", "must be from 1 to 1,000,000"},
    {"train.epochs=99999999999999999999", "must be from 1 to 1,000,000"},
    {"train.epochs=1.5", "train.epochs = '1.5' is not a whole number"},
    {"train.epochs=1e3", "is not a whole number"},
    {"train.epochs=", "is not a whole number"},
    {"model.rope=perhaps", "model.rope = 'perhaps': must be yes or no"},
    {"optim.name=adagrad", "optim.name = 'adagrad': must be adam or adamw"},
    {"optim.name=", "must be adam or adamw"},
    {"optim.name=adam|adamw", "must be adam or adamw"},
    {"optim.schedule=Cosine", "must be constant, linear or cosine"},
    {"train.output=\xff", "the value of train.output is not UTF-8"},
    {"optim.lr", "'optim.lr' sets no key: write KEY=VALUE, as in optim.lr=3e-4"},
    {"=1", "sets no key"},
    {"", "sets no key"},
    {"optim.lr=\x1b[31m", "optim.lr = '?[31m' is not a number"},
};

START_TEST(wrong_values_are_refused_and_change_nothing) {
    mlce_config *config = new_config(), *defaults = new_config();
    assert_fails(mlce_config_assign(config, wrong_values[_i].assignment), MLCE_E_CONFIG,
                 wrong_values[_i].message);
    assert_same(config, defaults);
    mlce_config_free(config);
    mlce_config_free(defaults);
}
END_TEST

START_TEST(a_long_wrong_value_is_shown_short) {
    mlce_config *config = new_config();
    char value[4001];
    for (size_t i = 0; i < 4000; i += 2) memcpy(value + i, "ß", 2);
    value[4000] = 0;
    assert_fails(mlce_config_set(config, "optim.lr", value), MLCE_E_CONFIG, "...' is not a number");
    ck_assert_uint_lt(strlen(mlce_last_error()), 200);
    size_t length = strlen(mlce_last_error());
    ck_assert_uint_eq(mlce_config_utf8_prefix(mlce_last_error(), length), length);
    assert_ok(mlce_config_set(config, "train.output", value));
    mlce_config_free(config);
}
END_TEST

START_TEST(numbers_have_a_point_in_every_locale) {
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    bool found = false;
    for (size_t i = 0; i < sizeof commas / sizeof commas[0] && !found; i++)
        found = setlocale(LC_ALL, commas[i]) != NULL;
    if (!found) printf("skipped: no locale with a decimal comma is installed\n");
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "optim.lr=0.25"));
    ck_assert_double_eq(mlce_config_float(config, "optim.lr"), 0.25);
    assert_fails(mlce_config_assign(config, "optim.lr=0,25"), MLCE_E_CONFIG, "is not a number");
    assert_fails(mlce_config_assign(config, "model.dropout=1"), MLCE_E_CONFIG, "from 0 to 0.99");
    mlce_config_free(config);
    setlocale(LC_ALL, "C");
}
END_TEST

/* ---- Names ---- */

static const struct {
    const char *name, *message;
} unknown_names[] = {
    {"optim.lrr", "unknown key 'optim.lrr': did you mean 'optim.lr'?"},
    {"optim.rl", "did you mean 'optim.lr'?"},
    {"modle.orpe", "did you mean 'model.rope'?"}, /* a swap of neighbours is one slip */
    {"Optim.LR", "did you mean 'optim.lr'?"},
    {"optim.weight-decay", "did you mean 'optim.weight_decay'?"},
    {"train.lr", "did you mean 'optim.lr'?"},
    {"lr", "did you mean 'optim.lr'?"},
    {"train.batchsize", "did you mean 'train.batch_size'?"},
    {"encoder.2.sise", "did you mean 'encoder.2.size'?"},
    {"encoder.0.size", "did you mean 'encoder.1.size'?"},
    {"encoder.01.size", "did you mean 'encoder.1.size'?"},
    {"encoder.*.size", "did you mean 'encoder.1.size'?"},
    {"encoder.1000.depth", "unknown key"},
    {"encoder.99999999999999999999.depth", "unknown key"},
    {"encoder.1.", "unknown key"},
    {"", "unknown key ''"},
    {".", "unknown key"},
    {"completely.different", "unknown key 'completely.different': --help-config lists all keys"},
};

START_TEST(an_unknown_key_is_refused_with_the_nearest_name) {
    mlce_config *config = new_config();
    assert_fails(mlce_config_set(config, unknown_names[_i].name, "1"), MLCE_E_CONFIG,
                 unknown_names[_i].message);
    ck_assert_int_eq(mlce_config_sections(config, "encoder"), 0);
    mlce_config_free(config);
}
END_TEST

/* Runs `ask` in a child; whether that ended by abort(). */
static bool aborts(void (*ask)(const mlce_config *config)) {
    mlce_config *config = new_config();
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr)) ask(config);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    mlce_config_free(config);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void ask_undeclared(const mlce_config *config) {
    mlce_config_string(config, "optim.nothing");
}

static void ask_wrong_kind(const mlce_config *config) {
    mlce_config_int(config, "optim.lr");
}

static void ask_right(const mlce_config *config) {
    mlce_config_float(config, "optim.lr");
}

START_TEST(asking_for_what_is_not_declared_aborts) {
    ck_assert(aborts(ask_undeclared));
    ck_assert(aborts(ask_wrong_kind));
    ck_assert(!aborts(ask_right));
}
END_TEST

/* ---- Sections and conditions ---- */

START_TEST(a_numbered_section_has_all_its_keys) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "encoder.2.size=32"));
    assert_fails(mlce_config_check(config), MLCE_E_CONFIG,
                 "there is a section [encoder.2] but no [encoder.1]");
    assert_ok(mlce_config_assign(config, "encoder.1.type=mlp"));
    assert_ok(mlce_config_check(config));
    ck_assert_int_eq(mlce_config_sections(config, "encoder"), 2);
    ck_assert_int_eq(mlce_config_int(config, "encoder.1.size"), 256);
    ck_assert_int_eq(mlce_config_int(config, "encoder.2.size"), 32);
    ck_assert_str_eq(mlce_config_string(config, "encoder.2.type"), "mlp");
    ck_assert(mlce_config_is_set(config, "encoder.2.size"));
    ck_assert(!mlce_config_is_set(config, "encoder.2.type"));
    mlce_config_free(config);
}
END_TEST

START_TEST(a_key_without_effect_is_refused) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "model.type_terms=qk"));
    assert_ok(mlce_config_check(config));
    assert_ok(mlce_config_assign(config, "model.head=global_pointer"));
    assert_fails(mlce_config_check(config), MLCE_E_CONFIG,
                 "model.type_terms has no effect with model.head = global_pointer: remove it");
    mlce_config_free(config);
}
END_TEST

START_TEST(a_default_without_effect_is_not_written) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "model.head=global_pointer"));
    assert_ok(mlce_config_check(config));
    char *ini = mlce_config_to_ini(config), *json = mlce_config_to_json(config);
    ck_assert_ptr_null(strstr(ini, "type_terms"));
    ck_assert_ptr_null(strstr(json, "type_terms"));
    ck_assert_ptr_nonnull(strstr(json, "\"optim.lr\": \"0.001\""));
    free(ini);
    free(json);
    mlce_config_free(config);
}
END_TEST

START_TEST(conditions_may_name_several_values) {
    ck_assert(mlce_config_one_of("bilstm|gru", "bilstm"));
    ck_assert(mlce_config_one_of("bilstm|gru", "gru"));
    ck_assert(!mlce_config_one_of("bilstm|gru", "lstm"));
    ck_assert(!mlce_config_one_of("bilstm|gru", "bilstm|gru"));
    ck_assert(!mlce_config_one_of("bilstm|gru", ""));
    ck_assert(!mlce_config_one_of("bilstm|gru", "gr"));
    /* every condition of the tables holds for each value it names, and for none other */
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++) {
        if (!key->only || strcmp(key->only, MLCE_ONLY_SWEEP) == 0) continue;
        int section;
        char name[MLCE_CONFIG_NAME_SIZE], asked[MLCE_CONFIG_NAME_SIZE], choices[256], only[256];
        mlce_config_full_name(key->name, 1, name, sizeof name);
        snprintf(only, sizeof only, "%s", key->only);
        only[strcspn(only, "!=")] = 0;
        mlce_config_full_name(only, 1, asked, sizeof asked);
        const mlce_config_key *condition = mlce_config_declared(asked, &section);
        if (condition->kind != MLCE_KEY_CHOICE || condition->only) continue;
        snprintf(choices, sizeof choices, "%s", condition->choices);
        for (char *value = strtok(choices, "|"); value; value = strtok(NULL, "|")) {
            mlce_config *config = new_config();
            assert_ok(mlce_config_set(config, asked, value));
            assert_ok(mlce_config_set(config, name, key->fallback));
            ck_assert_int_eq(mlce_config_check(config) == MLCE_OK,
                             mlce_config_one_of(strchr(key->only, '=') + 1, value));
            mlce_config_free(config);
        }
    }
}
END_TEST

START_TEST(a_condition_may_exclude_a_value) {
    mlce_config *config = new_config();
    char *help = mlce_config_help();
    ck_assert_ptr_nonnull(strstr(help, "only with features.shape other than 0]"));
    free(help);
    assert_ok(mlce_config_assign(config, "features.ngram_max=5"));
    assert_fails(mlce_config_check(config), MLCE_E_CONFIG,
                 "features.ngram_max has no effect with features.shape = 0");
    assert_ok(mlce_config_assign(config, "features.shape=64"));
    assert_ok(mlce_config_check(config));
    mlce_config_free(config);
}
END_TEST

START_TEST(a_copy_is_the_same_and_its_own) {
    mlce_config *config = new_config();
    assert_ok(mlce_config_assign(config, "optim.lr=0.5"));
    assert_ok(mlce_config_assign(config, "encoder.1.size=8"));
    mlce_config *copy = mlce_config_copy(config);
    assert_same(config, copy);
    ck_assert(mlce_config_is_set(copy, "optim.lr"));
    ck_assert(!mlce_config_is_set(copy, "encoder.1.type"));
    assert_ok(mlce_config_assign(copy, "optim.lr=0.25"));
    ck_assert_double_eq(mlce_config_float(config, "optim.lr"), 0.5);
    mlce_config_free(copy);
    mlce_config_free(config);
}
END_TEST

/* ---- Help ---- */

START_TEST(the_help_text_names_every_key_within_100_columns) {
    char *help = mlce_config_help();
    ck_assert_ptr_nonnull(help);
    for (const char *line = help; *line; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        ck_assert_msg(length <= 100, "%.*s", (int)length, line);
        ck_assert_msg(length == 0 || line[length - 1] != ' ', "%.*s|", (int)length, line);
    }
    const mlce_config_key *key;
    for (size_t i = 0; (key = mlce_config_key_at(i)); i++) {
        char section[80], start[80];
        snprintf(section, sizeof section, "\n[%.*s", (int)strcspn(key->name, "*.") + 1, key->name);
        section[strlen(section) - 1] = 0; /* "[optim" or "[encoder" */
        snprintf(start, sizeof start, "\n  %s ", strrchr(key->name, '.') + 1);
        const char *at = strstr(help, section);
        ck_assert_msg(at && strstr(at, start), "%s is not in the help text", key->name);
    }
    ck_assert_ptr_nonnull(strstr(help, "\n[encoder.1], [encoder.2], ...\n"));
    ck_assert_ptr_nonnull(strstr(help, "[adam or adamw]"));
    ck_assert_ptr_nonnull(strstr(help, "[epochs; 1 to 1,000,000]"));
    free(help);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_test(cases, every_declared_key_is_sound);
    tcase_add_test(cases, every_key_has_its_default_from_the_start);
    tcase_add_test(cases, set_values_are_read_back);
    tcase_add_loop_test(cases, wrong_values_are_refused_and_change_nothing, 0, COUNT(wrong_values));
    tcase_add_test(cases, a_long_wrong_value_is_shown_short);
    tcase_add_test(cases, numbers_have_a_point_in_every_locale);
    tcase_add_loop_test(cases, an_unknown_key_is_refused_with_the_nearest_name, 0,
                        COUNT(unknown_names));
    tcase_add_test(cases, asking_for_what_is_not_declared_aborts);
    tcase_add_test(cases, a_numbered_section_has_all_its_keys);
    tcase_add_test(cases, a_key_without_effect_is_refused);
    tcase_add_test(cases, a_default_without_effect_is_not_written);
    tcase_add_test(cases, conditions_may_name_several_values);
    tcase_add_test(cases, a_condition_may_exclude_a_value);
    tcase_add_test(cases, a_copy_is_the_same_and_its_own);
    tcase_add_test(cases, the_help_text_names_every_key_within_100_columns);
}

int main(void) {
    return run_suite("config", add);
}
