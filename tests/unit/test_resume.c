/* test_resume.c - a run that is stopped after any of its steps and goes on leaves the same bytes.
 */
#include "core/crc.h"
#include "mlce/random.h"
#include "mlce/train.h"
#include "unit.h"

enum { WIDTH = 6, SEQUENCES = 30 };

static const char *const red_blue[] = {"red", "blue"}, *const blue_red[] = {"blue", "red"};
static const char *const *names = red_blue;
static char folder[64];
static bool accept_changes; /* where a run goes on */

/* The sequences `from` .. `to` - 1 of a seed's. */
static void write_some(const char *name, uint64_t seed, int from, int to) {
    char path[128];
    mlce_dataset_spec spec = {
        .types = names, .type_count = 2, .width = WIDTH, .precision = MLCE_FLOAT16, .spans = true};
    mlce_dataset_writer *writer;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    for (int s = 0; s < to; s++) {
        float rows[9 * WIDTH];
        int length = 3 + (int)mlce_random_below(&random, 7);
        for (int i = 0; i < length * WIDTH; i++) rows[i] = mlce_random_float(&random) - 0.5f;
        mlce_span span = {.start = (int)mlce_random_below(&random, (uint64_t)length)};
        span.end = span.start + 1;
        span.type = (int)mlce_random_below(&random, 2);
        rows[span.start * WIDTH + span.type] += 2;
        mlce_sequence sequence = {
            .length = length, .embeddings = rows, .spans = &span, .span_count = 1};
        if (s >= from) assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

static void write_data(const char *name, uint64_t seed) {
    write_some(name, seed, 0, SEQUENCES);
}

/* A folder with train.h5 and dev.h5, which is the current one. */
static void enter_folder(void) {
    accept_changes = false;
    strcpy(folder, make_folder());
    write_data("train.h5", 1);
    write_data("dev.h5", 2);
    ck_assert_int_eq(chdir(folder), 0);
}

static void leave_folder(void) {
    ck_assert_int_eq(chdir("/"), 0);
    remove_folder(folder);
}

typedef struct watch {
    int64_t step, stop_at;
} watch;

static int64_t planned; /* steps */

static void note_step(const mlce_train_progress *progress, void *context) {
    ((watch *)context)->step = progress->step;
    planned = progress->steps;
}

static bool stops(void *context) {
    const watch *w = context;
    return w->stop_at && w->step >= w->stop_at;
}

/* Trains in the current folder's "run". */
static mlce_status train(const char *const *settings, bool resume, int64_t stop_at,
                         mlce_train_result *result) {
    watch w = {.stop_at = stop_at};
    mlce_train_options options = {.resume = resume,
                                  .accept_changes = resume && accept_changes,
                                  .stop = stops,
                                  .progress = note_step,
                                  .context = &w};
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_assign(config, "data.train=train.h5"));
    assert_ok(mlce_config_assign(config, "data.dev=dev.h5"));
    assert_ok(mlce_config_assign(config, "train.output=run"));
    assert_ok(mlce_config_assign(config, "model.head_size=4"));
    assert_ok(mlce_config_assign(config, "model.dropout=0.2"));
    assert_ok(mlce_config_assign(config, "train.threads=1"));
    for (; *settings; settings++) assert_ok(mlce_config_assign(config, *settings));
    mlce_status status = mlce_train(config, &options, result);
    mlce_config_free(config);
    return status;
}

static uint32_t checksum_of(const char *path) {
    static char bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return mlce_crc32(0, bytes, size);
}

/* Stops after each step in turn, and goes on. */
static void check_every_step(const char *const *settings) {
    enter_folder();
    mlce_train_result whole;
    assert_ok(train(settings, false, 0, &whole));
    uint32_t best = checksum_of("run/best.h5"), last = checksum_of("run/last.h5");
    ck_assert_int_gt(whole.steps, 10);
    for (int64_t k = 1; k <= whole.steps; k++) {
        ck_assert_int_eq(system("rm -r run"), 0);
        ck_assert_int_eq(train(settings, false, k, NULL), MLCE_E_STOPPED);
        mlce_train_result result;
        assert_ok(train(settings, true, 0, &result));
        ck_assert_int_eq(result.steps, whole.steps);
        ck_assert_int_eq(result.best_epoch, whole.best_epoch);
        ck_assert_str_eq(result.dev_table, whole.dev_table);
        ck_assert_msg(checksum_of("run/best.h5") == best, "best.h5, stopped at %d", (int)k);
        ck_assert_msg(checksum_of("run/last.h5") == last, "last.h5, stopped at %d", (int)k);
        mlce_train_result_free(&result);
    }
    mlce_train_result_free(&whole);
    leave_folder();
}

START_TEST(stopped_at_any_step_streamed_by_tokens_with_averages_and_two_encoders) {
    static const char *const settings[] = {"data.memory=0",         "train.batch_size=0",
                                           "train.batch_tokens=40", "data.bucket=yes",
                                           "encoder.1.type=gru",    "encoder.1.size=4",
                                           "encoder.1.dropout=0.1", "encoder.2.type=mlp",
                                           "encoder.2.size=4",      "optim.ema=0.9",
                                           "optim.schedule=cosine", "train.epochs=4",
                                           "train.eval_steps=5",    NULL};
    check_every_step(settings);
}
END_TEST

START_TEST(stopped_at_any_step_resident_with_patience) {
    static const char *const settings[] = {"train.batch_size=8", "train.epochs=5",
                                           "train.patience=2", "optim.lr=0.02", NULL};
    check_every_step(settings);
}
END_TEST

START_TEST(what_would_give_another_order_is_refused) {
    static const char *const stays[] = {"data.memory=4096", "data.window=1", "train.epochs=3",
                                        NULL};
    static const char *const leaves[] = {"data.memory=0", "train.epochs=3", NULL};
    static const char *const wider[] = {"data.memory=0", "data.window=64", "train.epochs=3", NULL};
    static const char *const before[] = {"train.epochs=2", NULL};
    enter_folder();
    assert_ok(train(before, false, 0, NULL));
    assert_fails(train(leaves, true, 0, NULL), MLCE_E_CONFIG, "data.memory = 0, was 2048");
    assert_ok(train(stays, true, 0, NULL));
    ck_assert_int_eq(system("rm -r run"), 0);
    ck_assert_int_eq(train(leaves, false, 3, NULL), MLCE_E_STOPPED);
    assert_fails(train(wider, true, 0, NULL), MLCE_E_CONFIG, "data.window = 64, was 256");
    assert_fails(train(stays, true, 0, NULL), MLCE_E_CONFIG, "data.train is in memory now");
    assert_ok(train(leaves, true, 0, NULL));
    leave_folder();
}
END_TEST

/* The same sequences in other files come in the same order only where they are in memory. */
START_TEST(the_same_data_in_other_files_is_refused_where_it_is_streamed) {
    static const char *const resident[] = {"train.epochs=3", NULL};
    static const char *const streamed[] = {"data.memory=0", "train.epochs=3", NULL};
    static const char *const resident_parts[] = {"data.train=a.h5,b.h5", "train.epochs=3", NULL};
    static const char *const streamed_parts[] = {"data.train=a.h5,b.h5", "data.memory=0",
                                                 "train.epochs=3", NULL};
    enter_folder();
    write_some("a.h5", 1, 0, 11);
    write_some("b.h5", 1, 11, SEQUENCES);
    ck_assert_int_eq(train(resident, false, 2, NULL), MLCE_E_STOPPED);
    assert_ok(train(resident_parts, true, 0, NULL));
    ck_assert_int_eq(system("rm -r run"), 0);
    ck_assert_int_eq(train(streamed, false, 2, NULL), MLCE_E_STOPPED);
    assert_fails(train(streamed_parts, true, 0, NULL), MLCE_E_CONFIG,
                 "data.train lies in other files or chunks");
    assert_ok(train(streamed, true, 0, NULL));
    leave_folder();
}
END_TEST

START_TEST(batches_of_another_size_make_another_course_of_the_learning_rate) {
    static const char *const before[] = {"train.batch_size=10", "train.epochs=3", NULL};
    static const char *const now[] = {"train.batch_size=5", "train.epochs=3", NULL};
    enter_folder();
    ck_assert_int_eq(train(before, false, 4, NULL), MLCE_E_STOPPED);
    ck_assert_int_eq(planned, 9);
    accept_changes = true;
    assert_ok(train(now, true, 0, NULL));
    ck_assert_int_eq(planned, 18);
    leave_folder();
}
END_TEST

#define LEARNS "optim.lr=0.03", "model.dropout=0", "train.batch_size=2"
START_TEST(on_another_dev_the_best_is_looked_for_anew) {
    static const char *const before[] = {"data.dev=train.h5", LEARNS, "train.epochs=8", NULL};
    static const char *const finished[] = {LEARNS, "train.epochs=8", NULL};
    static const char *const longer[] = {LEARNS, "train.epochs=9", NULL};
    mlce_train_result result;
    enter_folder();
    assert_ok(train(before, false, 0, &result));
    ck_assert_double_gt(result.best_f1, 0.5);
    mlce_train_result_free(&result);
    names = blue_red; /* each span has the other type */
    write_data("dev.h5", 2);
    names = red_blue;
    accept_changes = true;
    assert_ok(train(finished, true, 0, &result));
    ck_assert(result.was_finished);
    ck_assert_double_eq(result.best_f1, result.dev_f1);
    mlce_train_result_free(&result);
    assert_ok(train(longer, true, 0, &result));
    ck_assert_int_eq(result.best_epoch, 9);
    ck_assert_double_eq(result.best_f1, result.dev_f1);
    ck_assert_double_lt(result.best_f1, 0.5);
    mlce_train_result_free(&result);
    leave_folder();
}
END_TEST

START_TEST(checksums_are_those_of_zlib) {
    ck_assert_uint_eq(mlce_crc32(0, "123456789", 9), 0xCBF43926u);
    ck_assert_uint_eq(mlce_crc32(mlce_crc32(0, "12345678901", 11), "234567890", 9),
                      mlce_crc32(0, "12345678901234567890", 20));
}
END_TEST

static void add_tests(TCase *cases) {
    tcase_add_test(cases, stopped_at_any_step_streamed_by_tokens_with_averages_and_two_encoders);
    tcase_add_test(cases, stopped_at_any_step_resident_with_patience);
    tcase_add_test(cases, what_would_give_another_order_is_refused);
    tcase_add_test(cases, the_same_data_in_other_files_is_refused_where_it_is_streamed);
    tcase_add_test(cases, batches_of_another_size_make_another_course_of_the_learning_rate);
    tcase_add_test(cases, on_another_dev_the_best_is_looked_for_anew);
    tcase_add_test(cases, checksums_are_those_of_zlib);
}

int main(void) {
    return run_suite("resume", add_tests);
}
