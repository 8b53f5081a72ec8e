/* Predicting embeddings in memory: as mlce_predict() does, and from several threads at once. */
#include <math.h>
#include <pthread.h>

#include "mlce/export.h"
#include "mlce/model.h"
#include "mlce/random.h"
#include "mlce/threads.h"
#include "unit.h"

enum { WIDTH = 48, SEQUENCES = 24, LONGEST = 150, THREADS = 4, CALLS = 100 };

static const char *const TYPES[] = {"PER", "LOC", "ORG"};

static mlce_model *make_model(const char *assignments) {
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", assignments);
    mlce_config *config = mlce_config_new();
    ck_assert_ptr_nonnull(config);
    for (char *one; (one = strsep(&rest, " "));)
        if (*one) assert_ok(mlce_config_assign(config, one));
    mlce_model *model;
    assert_ok(mlce_model_new(config, WIDTH, TYPES, 3, &model));
    assert_ok(mlce_model_set_embedding(model, "noise"));
    /* Random weights find spans everywhere: only the best are of interest. */
    for (int a = 0; a < 3 && mlce_model_task(model) == MLCE_TASK_SPANS; a++)
        mlce_model_thresholds(model)[a] = 0.3f + 0.1f * (float)a;
    mlce_config_free(config);
    return model;
}

static const char *const models[] = {
    "train.batch_size=8",
    "model.head=global_pointer model.max_width=9 train.batch_size=5",
    "encoder.1.type=mlp encoder.1.size=64 encoder.2.type=bilstm encoder.2.size=24",
    "encoder.1.type=gru encoder.1.size=40 encoder.2.type=cnn encoder.2.size=32",
    "encoder.1.type=transformer encoder.1.size=32 encoder.1.depth=2 train.batch_tokens=300",
    "encoder.1.type=mix encoder.1.input_layers=4 loss.name=topk_ce",
    "loss.name=threshold_ce",
    "model.head=multilabel_classifier encoder.1.type=mlp train.batch_size=7",
    "model.head=multilabel_classifier loss.name=softmax_ce",
    "features.shape=32 encoder.1.type=cnn encoder.1.size=32 train.batch_size=3",
};
enum { MODELS = sizeof models / sizeof models[0] };

typedef struct texts {
    int offsets[SEQUENCES + 1];
    float *embeddings;
    const char **tokens;
} texts;

/* Sequences of many lengths, one of them empty; of one token each for a labels model. */
static texts make_texts(uint64_t seed, bool items) {
    texts made = {.offsets = {0}};
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    for (int s = 0; s < SEQUENCES; s++) {
        int length = s == 2 ? 0 : 1 + (int)mlce_random_below(&random, LONGEST >> s % 5);
        made.offsets[s + 1] = made.offsets[s] + (items ? 1 : length);
    }
    size_t size = (size_t)made.offsets[SEQUENCES] * WIDTH;
    made.embeddings = malloc((size + 1) * sizeof *made.embeddings);
    for (size_t i = 0; i < size; i++) made.embeddings[i] = 4 * mlce_random_float(&random) - 2;
    static const char *const words[] = {"Berlin", "the", "U.S.", "42", "\u00fcber", "iPhone"};
    made.tokens = malloc((size / WIDTH + 1) * sizeof *made.tokens);
    for (size_t i = 0; i < size / WIDTH; i++) made.tokens[i] = words[mlce_random_below(&random, 6)];
    return made;
}

static void free_texts(texts *t) {
    free(t->embeddings);
    free((void *)t->tokens);
}

static mlce_status run(mlce_predictor *predictor, const texts *t,
                       const mlce_prediction **predictions) {
    return mlce_predictor_run(predictor, SEQUENCES, t->offsets, t->embeddings, t->tokens,
                              predictions);
}

static size_t count_spans(const mlce_prediction *predictions) {
    size_t count = 0;
    for (int s = 0; s < SEQUENCES; s++) count += predictions[s].count;
    return count;
}

static bool is_same(const mlce_prediction *a, const mlce_prediction *b) {
    if (a->sequence != b->sequence || a->count != b->count || !a->scores != !b->scores)
        return false;
    for (size_t n = 0; n < a->count; n++)
        if (memcmp(&a->spans[n], &b->spans[n], sizeof a->spans[n])) return false;
    return !a->scores || !memcmp(a->scores, b->scores, 3 * sizeof *a->scores);
}

/* ---- The same as from a file ---- */

typedef struct comparison {
    const mlce_prediction *predictions;
    int compared;
} comparison;

static mlce_status compare(const mlce_prediction *prediction, void *context) {
    comparison *c = context;
    ck_assert(is_same(prediction, &c->predictions[prediction->sequence]));
    c->compared++;
    return MLCE_OK;
}

static void write_dataset(const char *path, const texts *t, mlce_task task) {
    mlce_dataset_spec spec = {.task = task,
                              .types = TYPES,
                              .type_count = 3,
                              .width = WIDTH,
                              .precision = MLCE_FLOAT32,
                              .token_text = task == MLCE_TASK_SPANS};
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(path, &spec, &writer));
    for (int s = 0; s < SEQUENCES; s++) {
        mlce_sequence one = {.length = t->offsets[s + 1] - t->offsets[s],
                             .embeddings = t->embeddings + (size_t)t->offsets[s] * WIDTH,
                             .token_text = t->tokens + t->offsets[s]};
        assert_ok(mlce_dataset_writer_add(writer, &one));
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

START_TEST(arrays_give_the_bits_that_a_file_gives) {
    char *folder = make_folder(), path[128];
    snprintf(path, sizeof path, "%s/data.h5", folder);
    mlce_model *model = make_model(models[_i]);
    mlce_task task = mlce_model_task(model);
    texts t = make_texts(5, task == MLCE_TASK_LABELS);
    write_dataset(path, &t, task);
    mlce_predictor *predictor;
    assert_ok(mlce_predictor_new(model, &predictor));
    comparison c = {0};
    assert_ok(run(predictor, &t, &c.predictions));
    ck_assert_uint_gt(count_spans(c.predictions), 10);
    mlce_dataset *dataset;
    assert_ok(mlce_dataset_open(path, NULL, &dataset));
    if (_i != 5) { /* a file without layers is not for a model that mixes them */
        assert_ok(mlce_model_accepts(model, dataset));
        assert_ok(mlce_predict(model, dataset, compare, &c, NULL));
        ck_assert_int_eq(c.compared, SEQUENCES);
    }
    mlce_dataset_close(dataset);
    mlce_predictor_free(predictor);
    mlce_model_free(model);
    free_texts(&t);
    remove_folder(folder);
}
END_TEST

/* ---- Threads ---- */

typedef struct worker {
    pthread_t thread;
    const mlce_model *model;
    const texts *texts;               /* [THREADS] */
    const mlce_prediction **expected; /* [THREADS][SEQUENCES] */
    int number, threads, calls;
    char failure[256];
} worker;

static void *work(void *context) {
    worker *w = context;
    mlce_predictor *predictor = NULL;
    if (w->threads) mlce_threads_set(w->threads);
    mlce_status status = mlce_predictor_new(w->model, &predictor);
    for (int n = 0; n < w->calls && !status && !*w->failure; n++) {
        int which = (n + w->number) % THREADS;
        const texts *t = &w->texts[which];
        const mlce_prediction *got;
        status = run(predictor, t, &got);
        for (int s = 0; s < SEQUENCES && !status; s++)
            if (!is_same(&got[s], &w->expected[which][s]))
                snprintf(w->failure, sizeof w->failure, "call %d, sequence %d differs", n, s);
    }
    if (status) snprintf(w->failure, sizeof w->failure, "%s", mlce_last_error());
    mlce_predictor_free(predictor);
    return NULL;
}

/* THREADS threads with one model, each with so many OpenMP threads (0: what they get by default),
   against one thread. */
static void share(const char *assignments, int threads, int calls) {
    mlce_model *model = make_model(assignments);
    texts each[THREADS];
    mlce_predictor *alone[THREADS];
    const mlce_prediction *expected[THREADS];
    worker workers[THREADS];
    for (int t = 0; t < THREADS; t++) {
        each[t] = make_texts((uint64_t)t + 1, mlce_model_task(model) == MLCE_TASK_LABELS);
        assert_ok(mlce_predictor_new(model, &alone[t]));
        assert_ok(run(alone[t], &each[t], &expected[t]));
        ck_assert_uint_gt(count_spans(expected[t]), 10);
    }
    for (int t = 0; t < THREADS; t++) {
        workers[t] = (worker){.model = model,
                              .texts = each,
                              .expected = expected,
                              .number = t,
                              .threads = threads,
                              .calls = calls};
        ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) pthread_join(workers[t].thread, NULL);
    for (int t = 0; t < THREADS; t++) {
        ck_assert_msg(!*workers[t].failure, "thread %d: %s", t, workers[t].failure);
        mlce_predictor_free(alone[t]);
        free_texts(&each[t]);
    }
    mlce_model_free(model);
}

START_TEST(four_threads_that_share_a_model_get_the_bits_of_one) {
    share(models[_i], 1, _i == 0 ? CALLS : 10);
}
END_TEST

START_TEST(teams_of_several_threads_inside_several_threads_give_the_same_bits) {
    share(models[_i], 2, 5);
}
END_TEST

START_TEST(threads_that_set_no_number_give_the_same_bits) {
    share(models[0], 0, 10);
}
END_TEST

typedef struct loader {
    pthread_t thread;
    const char *path; /* of a model */
    int number;
    char failure[512];
} loader;

static void *fail_and_load(void *context) {
    loader *l = context;
    char missing[64];
    snprintf(missing, sizeof missing, "/nowhere/%d.h5", l->number);
    for (int n = 0; n < 20 && !*l->failure; n++) {
        mlce_model *model;
        if (!mlce_model_load(missing, &model) || !strstr(mlce_last_error(), missing))
            snprintf(l->failure, sizeof l->failure, "not its own: %s", mlce_last_error());
        else if (mlce_model_load(l->path, &model))
            snprintf(l->failure, sizeof l->failure, "%s", mlce_last_error());
        else
            mlce_model_free(model);
    }
    return NULL;
}

START_TEST(threads_load_models_at_once_and_have_messages_of_their_own) {
    char *folder = make_folder(), path[128];
    snprintf(path, sizeof path, "%s/model.h5", folder);
    mlce_model *model = make_model("");
    assert_ok(mlce_export(model, "hdf5", path));
    mlce_model_free(model);
    loader loaders[THREADS];
    for (int t = 0; t < THREADS; t++) {
        loaders[t] = (loader){.path = path, .number = t};
        ck_assert_int_eq(pthread_create(&loaders[t].thread, NULL, fail_and_load, &loaders[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) pthread_join(loaders[t].thread, NULL);
    for (int t = 0; t < THREADS; t++)
        ck_assert_msg(!*loaders[t].failure, "thread %d: %s", t, loaders[t].failure);
    remove_folder(folder);
}
END_TEST

START_TEST(the_number_of_threads_is_the_calling_threads_own) {
    assert_ok(mlce_threads_set(3));
    worker w = {.threads = 1};
    w.model = make_model("");
    ck_assert_int_eq(pthread_create(&w.thread, NULL, work, &w), 0);
    pthread_join(w.thread, NULL);
    ck_assert_str_eq(w.failure, "");
    ck_assert_int_eq(mlce_threads(), 3);
    mlce_model_free((mlce_model *)w.model);
}
END_TEST

/* ---- Refusals and corners ---- */

START_TEST(wrong_offsets_and_numbers_are_refused_by_name) {
    mlce_model *model = make_model("train.batch_size=2");
    mlce_predictor *p;
    assert_ok(mlce_predictor_new(model, &p));
    float x[4 * WIDTH] = {0};
    const mlce_prediction *got;
    const int late[] = {1, 2}, falling[] = {0, 3, 2}, right[] = {0, 1, 2, 4};
    assert_fails(mlce_predictor_run(p, -1, right, x, NULL, &got), MLCE_E_ARGUMENT, "-1 sequences");
    assert_fails(mlce_predictor_run(p, 1, late, x, NULL, &got), MLCE_E_ARGUMENT, "begin with 1");
    assert_fails(mlce_predictor_run(p, 2, falling, x, NULL, &got), MLCE_E_ARGUMENT,
                 "fall from 3 to 2");
    x[3 * WIDTH + 7] = NAN;
    assert_fails(mlce_predictor_run(p, 3, right, x, NULL, &got), MLCE_E_NUMERIC,
                 "sequence 2, token 1, feature 7");
    ck_assert_ptr_null(got);
    x[3 * WIDTH + 7] = 0;
    for (int i = 0; i < WIDTH; i++) x[WIDTH + i] = i % 2 ? 3e38f : -3e38f;
    mlce_status status = mlce_predictor_run(p, 3, right, x, NULL, &got);
    ck_assert(status == MLCE_OK || status == MLCE_E_NUMERIC);
    mlce_predictor_free(p);
    mlce_model_free(model);

    model = make_model("model.head=multilabel_classifier");
    assert_ok(mlce_predictor_new(model, &p));
    assert_fails(mlce_predictor_run(p, 3, right, x, NULL, &got), MLCE_E_ARGUMENT,
                 "item 2 has 2 rows");
    mlce_predictor_free(p);
    mlce_model_free(model);

    model = make_model("features.shape=8");
    assert_ok(mlce_predictor_new(model, &p));
    assert_fails(mlce_predictor_run(p, 3, right, x, NULL, &got), MLCE_E_ARGUMENT,
                 "needs the tokens");
    mlce_predictor_free(p);
    mlce_model_free(model);
    mlce_predictor_free(NULL);
}
END_TEST

START_TEST(nothing_gives_nothing_and_a_predictor_lives_on_after_a_failure) {
    mlce_model *model = make_model("");
    mlce_predictor *p;
    assert_ok(mlce_predictor_new(model, &p));
    texts t = make_texts(3, false);
    const mlce_prediction *got, *again;
    const int empty[] = {0, 0, 0}, falling[] = {0, 1, 0};
    assert_ok(mlce_predictor_run(p, 0, NULL, NULL, NULL, &got));
    assert_ok(mlce_predictor_run(p, 2, empty, t.embeddings, NULL, &got));
    ck_assert_uint_eq(got[0].count + got[1].count, 0);
    assert_fails(mlce_predictor_run(p, 2, falling, t.embeddings, NULL, &got), MLCE_E_ARGUMENT,
                 "fall");
    assert_ok(run(p, &t, &got));
    mlce_predictor *other;
    assert_ok(mlce_predictor_new(model, &other));
    assert_ok(run(other, &t, &again));
    for (int s = 0; s < SEQUENCES; s++) ck_assert(is_same(&got[s], &again[s]));
    /* NULL: each row a sequence */
    assert_ok(mlce_predictor_run(p, 3, NULL, t.embeddings, NULL, &got));
    for (int s = 0; s < 3; s++)
        for (size_t n = 0; n < got[s].count; n++) ck_assert_int_eq(got[s].spans[n].span.end, 1);
    mlce_predictor_free(other);
    mlce_predictor_free(p);
    mlce_model_free(model);
    free_texts(&t);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_loop_test(cases, arrays_give_the_bits_that_a_file_gives, 0, MODELS);
    tcase_add_loop_test(cases, four_threads_that_share_a_model_get_the_bits_of_one, 0, MODELS);
    tcase_add_loop_test(cases, teams_of_several_threads_inside_several_threads_give_the_same_bits,
                        0, MODELS);
    tcase_add_test(cases, threads_that_set_no_number_give_the_same_bits);
    tcase_add_test(cases, threads_load_models_at_once_and_have_messages_of_their_own);
    tcase_add_test(cases, the_number_of_threads_is_the_calling_threads_own);
    tcase_add_test(cases, wrong_offsets_and_numbers_are_refused_by_name);
    tcase_add_test(cases, nothing_gives_nothing_and_a_predictor_lives_on_after_a_failure);
}

int main(void) {
    return run_suite("predictor", add);
}
