/* test_ranks.c - several processes that train and predict together. */
#include <math.h>
#include <sys/resource.h>

#include "data/hdf5_walk.h"
#include "mlce/random.h"
#include "mlce/threads.h"
#include "mlce/train.h"
#include "parallel/reduce.h"

#include "forked_ranks.h"
#include "spoil.h"

enum { WIDTH = 12, SEQUENCES = 90, MOST_STEPS = 64 };

static const float HUGE_ONE = 1.2345678e30f;
static char folder[64];

static const char *in_folder(const char *name) {
    static char path[4][128];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* Noise; the ends of spans carry a mark of their type. Every ninth sequence is empty, and the
   numbers of one are huge (-1: of none). */
static void write_data(const char *name, uint64_t seed, int odd) {
    static const char *const types[] = {"red", "blue"};
    mlce_dataset_spec spec = {
        .types = types, .type_count = 2, .width = WIDTH, .precision = MLCE_FLOAT32, .spans = true};
    mlce_dataset_writer *writer;
    assert_ok(mlce_dataset_writer_open(in_folder(name), &spec, &writer));
    mlce_random random = mlce_random_new(seed, MLCE_STREAM_DATA);
    for (int s = 0; s < SEQUENCES; s++) {
        float rows[24 * WIDTH];
        int length = s % 9 == 5 ? 0 : 4 + (int)mlce_random_below(&random, 20);
        for (int i = 0; i < length * WIDTH; i++) rows[i] = mlce_random_float(&random) - 0.5f;
        mlce_span span = {.start = length / 4, .end = length / 2, .type = s % 2};
        if (length) rows[span.start * WIDTH + span.type] += 2;
        if (length) rows[(span.end - 1) * WIDTH + 2 + span.type] += 2;
        for (int i = 0; s == odd && i < length * WIDTH; i++) rows[i] *= 1e30f;
        if (s == odd) rows[0] = HUGE_ONE;
        mlce_sequence sequence = {
            .length = length, .embeddings = rows, .spans = &span, .span_count = length > 0};
        assert_ok(mlce_dataset_writer_add(writer, &sequence));
    }
    assert_ok(mlce_dataset_writer_close(writer));
}

static void set_up(void) {
    strcpy(folder, make_folder());
    write_data("train.h5", 1, -1);
    write_data("dev.h5", 2, -1);
}

static void tear_down(void) {
    remove_folder(folder);
}

/* ---- Runs ---- */

/* A run, in memory that all its ranks share: what rank 0 saw. */
typedef struct job {
    const char *const *keys; /* KEY=VALUE, ended by NULL */
    const char *output;
    bool resume;
    int stop_rank, stop_step; /* where a rank asks for the end; 0: nowhere */
    int steps;
    double loss[MOST_STEPS]; /* mean over the epoch so far, by step */
    int evaluations;
    mlce_train_evaluation last;
    mlce_status status[MOST_RANKS];
    char message[MOST_RANKS][256];
} job;

/* One rank of it. */
typedef struct watch {
    job *job;
    int rank, step;
} watch;

static void note_step(const mlce_train_progress *progress, void *context) {
    watch *w = context;
    w->step = (int)progress->step;
    if (w->rank || progress->step > MOST_STEPS) return;
    w->job->loss[progress->step - 1] = progress->loss;
    w->job->steps = (int)progress->step;
}

static void note_evaluation(const mlce_train_evaluation *e, void *context) {
    const watch *w = context;
    if (w->rank) return;
    w->job->evaluations++;
    w->job->last = *e;
}

static bool stop_here(void *context) {
    const watch *w = context;
    const job *j = w->job;
    return j->stop_step && w->rank == j->stop_rank && w->step >= j->stop_step;
}

static void train(const mlce_ranks *ranks, void *context) {
    job *j = context;
    watch w = {j, ranks ? ranks->rank : 0, 0};
    mlce_train_options options = {.resume = j->resume,
                                  .stop = stop_here,
                                  .progress = note_step,
                                  .evaluated = note_evaluation,
                                  .context = &w,
                                  .ranks = ranks};
    mlce_config *config = mlce_config_new();
    assert_ok(mlce_config_set(config, "data.train", in_folder("train.h5")));
    assert_ok(mlce_config_set(config, "data.dev", in_folder("dev.h5")));
    assert_ok(mlce_config_set(config, "train.output", in_folder(j->output)));
    assert_ok(mlce_config_assign(config, "train.threads=1"));
    assert_ok(mlce_config_assign(config, "train.batch_size=8"));
    assert_ok(mlce_config_assign(config, "model.head_size=8"));
    for (int n = 0; j->keys && j->keys[n]; n++) assert_ok(mlce_config_assign(config, j->keys[n]));
    j->status[w.rank] = mlce_train(config, &options, NULL);
    snprintf(j->message[w.rank], sizeof j->message[0], "%s", mlce_last_error());
    mlce_config_free(config);
}

static job *new_job(const char *const *keys, const char *output) {
    job *j = mmap(NULL, sizeof *j, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(j, MAP_FAILED);
    *j = (job){.keys = keys, .output = output};
    return j;
}

/* With ranks = 1 there are none: the process trains alone, in one of its own all the same. */
static void alone(const mlce_ranks *ranks, void *context) {
    (void)ranks;
    train(NULL, context);
}

static job *run_job(job *j, int ranks) {
    run_ranks(ranks, ranks == 1 ? alone : train, j);
    return j;
}

static void free_job(job *j) {
    munmap(j, sizeof *j);
}

static void check_same_course(const job *a, const job *b, double tolerance) {
    ck_assert_int_eq(a->steps, b->steps);
    for (int n = 0; n < a->steps; n++)
        ck_assert_msg(fabs(a->loss[n] - b->loss[n]) <= tolerance * fabs(a->loss[n]),
                      "step %d: loss %.9g and %.9g", n + 1, a->loss[n], b->loss[n]);
    ck_assert_int_eq(a->last.micro.support, b->last.micro.support);
    ck_assert_double_eq_tol(a->last.micro.f1, b->last.micro.f1, 1e-9);
    ck_assert_double_eq_tol(a->last.dev_loss, b->last.dev_loss, 10 * tolerance);
}

/* Five epochs of twelve steps, the last batch of each with two sequences: some ranks have none. */
#define COURSE "train.epochs=5", "optim.lr=0.002", "train.eval_steps=20"
static const char *const plain[] = {COURSE, NULL};
static const char *const rich[] = {COURSE,
                                   "model.dropout=0.2",
                                   "model.token_dropout=0.1",
                                   "encoder.1.type=bilstm",
                                   "encoder.1.size=6",
                                   "encoder.1.dropout=0.2",
                                   "optim.clip_norm=1",
                                   "optim.ema=0.9",
                                   "data.memory=0",
                                   NULL};
static const char *const variational[] = {COURSE,
                                          "model.dropout=0.3",
                                          "model.dropout_kind=variational",
                                          "encoder.1.type=cnn",
                                          "encoder.1.size=8",
                                          "encoder.1.dropout=0.2",
                                          "data.bucket=yes",
                                          "train.accumulate=3",
                                          NULL};
static const char *const threshold_ce[] = {
    COURSE, "loss.name=threshold_ce", "features.standardise=yes", "train.batch_tokens=90", NULL};
static const char *const *const courses[] = {plain, rich, variational, threshold_ce};

START_TEST(any_number_of_ranks_trains_as_one_process_does) {
    job *one = run_job(new_job(courses[_i], "one"), 1);
    ck_assert_msg(!one->status[0], "%s", one->message[0]);
    ck_assert_int_ge(one->steps, _i == 2 ? 20 : 50);
    for (int ranks = 2; ranks <= MOST_RANKS; ranks++) {
        char output[8];
        snprintf(output, sizeof output, "r%d", ranks);
        job *many = run_job(new_job(courses[_i], output), ranks);
        for (int r = 0; r < ranks; r++)
            ck_assert_msg(!many->status[r], "rank %d: %s", r, many->message[r]);
        check_same_course(one, many, 1e-6);
        free_job(many);
    }
    free_job(one);
}
END_TEST

static void read_file(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(text, 1, size, file);
    ck_assert_uint_lt(length, size);
    memset(text + length, 0, size - length);
    fclose(file);
}

START_TEST(the_same_number_of_ranks_gives_the_same_bits) {
    static char first[1 << 20], second[1 << 20];
    free_job(run_job(new_job(rich, "run"), 3));
    read_file(in_folder("run/best.h5"), first, sizeof first);
    remove_folder(in_folder("run"));
    free_job(run_job(new_job(rich, "run"), 3));
    read_file(in_folder("run/best.h5"), second, sizeof second);
    ck_assert_mem_eq(first, second, sizeof first);
}
END_TEST

/* Without dropout, which draws for every batch anew, three batches are one three times as large. */
START_TEST(accumulated_batches_are_one_large_batch) {
    static const char *const thrice[] = {COURSE, "train.accumulate=3", NULL};
    static const char *const large[] = {COURSE, "train.batch_size=24", NULL};
    job *a = run_job(new_job(thrice, "a"), 1), *b = run_job(new_job(large, "b"), 1);
    ck_assert_msg(!a->status[0], "%s", a->message[0]);
    ck_assert_int_eq(a->steps, 20); /* 12 batches an epoch: 4 steps */
    check_same_course(a, b, 1e-6);
    free_job(a);
    free_job(b);
}
END_TEST

/* ---- Ends ---- */

START_TEST(what_one_rank_fails_with_all_fail_with) {
    write_data("train.h5", 1, 70);
    job *j = run_job(new_job(plain, "run"), 3);
    for (int r = 0; r < 3; r++) {
        ck_assert_int_eq(j->status[r], MLCE_E_NUMERIC);
        ck_assert_str_eq(j->message[r], j->message[0]);
    }
    ck_assert_msg(strstr(j->message[0], "rank ") == j->message[0] &&
                      strstr(j->message[0], " of 3: step ") && strstr(j->message[0], "70"),
                  "%s", j->message[0]);
    ck_assert_int_eq(access(in_folder("run/nan.h5"), F_OK), 0);
    free_job(j);
}
END_TEST

START_TEST(data_that_one_rank_cannot_read_ends_all) {
    static const char *const keys[] = {COURSE, "data.memory=0", "data.check_rows=no", NULL};
    write_data("train.h5", 1, 70);
    spoil_number(in_folder("train.h5"), HUGE_ONE);
    job *j = run_job(new_job(keys, "run"), 3);
    for (int r = 0; r < 3; r++) {
        ck_assert_int_eq(j->status[r], MLCE_E_DATA);
        ck_assert_msg(strstr(j->message[r], "rank ") == j->message[r] &&
                          strstr(j->message[r], "train.h5"),
                      "%s", j->message[r]);
    }
    free_job(j);
}
END_TEST

START_TEST(a_step_that_one_rank_cannot_take_all_skip) {
    static const char *const keys[] = {COURSE, "train.on_nan=skip", NULL};
    write_data("train.h5", 1, 70);
    job *one = run_job(new_job(keys, "one"), 1), *many = run_job(new_job(keys, "many"), 3);
    ck_assert_msg(!many->status[2], "%s", many->message[2]);
    check_same_course(one, many, 1e-6);
    free_job(one);
    free_job(many);
}
END_TEST

static void fail_on_one(const mlce_ranks *ranks, void *context) {
    (void)context;
    mlce_status status = ranks->rank == 2 ? mlce_fail(MLCE_E_DATA, "row 7 is missing") : MLCE_OK;
    assert_fails(mlce_ranks_agree(ranks, status), MLCE_E_DATA, "rank 2 of 3: row 7 is missing");
    mlce_fail(MLCE_E_IO, "the same everywhere");
    assert_fails(mlce_ranks_agree(ranks, MLCE_E_IO), MLCE_E_IO, "the same everywhere");
    ck_assert_ptr_null(strstr(mlce_last_error(), "rank"));
    assert_ok(mlce_ranks_agree(ranks, MLCE_OK));
    assert_ok(mlce_ranks_agree(NULL, MLCE_OK));
}

START_TEST(a_failure_names_its_rank_unless_it_is_everyones) {
    run_ranks(3, fail_on_one, NULL);
}
END_TEST

START_TEST(a_rank_that_stops_stops_all_and_any_number_goes_on) {
    job *whole = run_job(new_job(rich, "whole"), 2);
    job *j = new_job(rich, "run");
    j->stop_rank = 1;
    j->stop_step = 25;
    run_job(j, 2);
    for (int r = 0; r < 2; r++) {
        ck_assert_int_eq(j->status[r], MLCE_E_STOPPED);
        ck_assert_msg(strstr(j->message[r], "saved in") != NULL, "%s", j->message[r]);
    }
    ck_assert_int_eq(j->steps, 26); /* asked while step 26 is shared out */
    j->stop_step = 0;
    j->resume = true;
    run_job(j, _i);
    ck_assert_msg(!j->status[0], "%s", j->message[0]);
    ck_assert_int_eq(j->steps, whole->steps);
    ck_assert_double_eq_tol(j->last.dev_loss, whole->last.dev_loss, _i == 2 ? 1e-15 : 1e-5);
    ck_assert_double_eq_tol(j->last.micro.f1, whole->last.micro.f1, 1e-9);
    free_job(j);
    free_job(whole);
}
END_TEST

static void train_another(const mlce_ranks *ranks, void *context) {
    static const char *const other[] = {COURSE, "optim.lr=0.003", NULL};
    job own = *(job *)context;
    if (ranks->rank == 1) own.keys = other;
    train(ranks, &own);
    ck_assert_int_eq(own.status[ranks->rank], MLCE_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(own.message[ranks->rank], "not the same configuration"));
}

START_TEST(ranks_that_train_something_else_are_refused) {
    job *j = new_job(plain, "run");
    run_ranks(3, train_another, j);
    ck_assert_int_ne(access(in_folder("run"), F_OK), 0);
    free_job(j);
}
END_TEST

static void train_without_a_fork(const mlce_ranks *ranks, void *context) {
    struct rusage children;
    train(ranks, context);
    ck_assert_int_eq(getrusage(RUSAGE_CHILDREN, &children), 0);
    ck_assert_int_eq(children.ru_maxrss, 0);
}

/* As the programs do: what is there is walked before MPI begins, after which no rank may fork. */
START_TEST(no_rank_forks_to_read_what_the_first_has_written) {
    static const char *const keys[] = {"train.epochs=2", NULL};
    mlce_walk_files(60);
    mlce_h5_walk_paths(in_folder("train.h5"));
    mlce_h5_walk_paths(in_folder("dev.h5"));
    job *j = new_job(keys, "run");
    run_ranks(2, train_without_a_fork, j);
    ck_assert_msg(!j->status[0], "%s", j->message[0]);
    mlce_walk_files(0);
    free_job(j);
}
END_TEST

/* ---- Predictions ---- */

typedef struct found {
    char text[1 << 16];
    size_t used;
    int stop_at; /* a sequence whose callback fails, on rank 1 */
    int rank;
} found;

static mlce_status note_prediction(const mlce_prediction *p, void *context) {
    found *f = context;
    if (f->stop_at && p->sequence == f->stop_at && f->rank == 1)
        return mlce_fail(MLCE_E_IO, "no room for sequence %d", f->stop_at);
    f->used +=
        (size_t)snprintf(f->text + f->used, sizeof f->text - f->used, "%d:", (int)p->sequence);
    for (size_t n = 0; n < p->count; n++)
        f->used += (size_t)snprintf(f->text + f->used, sizeof f->text - f->used, " %d %d %d %a",
                                    p->spans[n].span.start, p->spans[n].span.end,
                                    p->spans[n].span.type, (double)p->spans[n].score);
    ck_assert_uint_lt(f->used, sizeof f->text);
    return MLCE_OK;
}

static mlce_status predict(const mlce_ranks *ranks, found *f, double *loss) {
    mlce_model *model;
    mlce_dataset *dataset;
    mlce_threads_set(1);
    assert_ok(mlce_model_load(in_folder("run"), &model));
    assert_ok(mlce_dataset_open(in_folder("dev.h5"), NULL, &dataset));
    assert_ok(mlce_model_accepts(model, dataset));
    mlce_model_set_ranks(model, ranks);
    mlce_status status = mlce_predict(model, dataset, note_prediction, f, loss);
    mlce_dataset_close(dataset);
    mlce_model_free(model);
    return status;
}

/* context: what one process has found. */
static void compare_predictions(const mlce_ranks *ranks, void *context) {
    static found mine, one;
    double loss, loss_of_one;
    (void)context;
    assert_ok(predict(NULL, &one, &loss_of_one));
    assert_ok(predict(ranks, &mine, &loss));
    ck_assert_str_eq(mine.text, one.text);
    ck_assert_double_eq(loss, loss_of_one);
    mine = (found){.stop_at = 40, .rank = ranks->rank};
    assert_fails(predict(ranks, &mine, NULL), MLCE_E_IO, "rank 1 of");
}

START_TEST(all_ranks_get_the_predictions_of_one_process) {
    static const char *const keys[] = {"train.epochs=4", "optim.lr=0.02", NULL};
    job *j = run_job(new_job(keys, "run"), 1);
    ck_assert_msg(!j->status[0], "%s", j->message[0]);
    for (int ranks = 2; ranks <= MOST_RANKS; ranks++) run_ranks(ranks, compare_predictions, NULL);
    free_job(j);
}
END_TEST

/* ---- Buckets ---- */

typedef struct sent {
    int count;
    const float *start[8];
    size_t size[8];
} sent;

static mlce_status note_sum(void *context, float *numbers, size_t count) {
    sent *s = context;
    s->start[s->count] = numbers;
    s->size[s->count++] = count;
    return MLCE_OK;
}

START_TEST(buckets_are_sent_in_a_fixed_order_when_they_and_those_before_are_complete) {
    sent s = {0};
    mlce_ranks ranks = {.count = 2,
                        .context = &s,
                        .start_sum = note_sum,
                        .progress = forked_progress,
                        .wait = forked_wait};
    mlce_parameters *p = mlce_parameters_new();
    mlce_parameters_add(p, "fixed", 1, 8, MLCE_INIT_ONE, 0)->fixed = true;
    mlce_parameter *first = mlce_parameters_add(p, "first", 600, 1000, MLCE_INIT_ONE, 0);
    mlce_parameter *bias = mlce_parameters_add(p, "bias", 1, 3, MLCE_INIT_ONE, 0);
    mlce_parameter *last = mlce_parameters_add(p, "last", 400, 1000, MLCE_INIT_ONE, 0);
    assert_ok(mlce_parameters_allocate(p, 1));
    mlce_reducer *reducer;
    assert_ok(mlce_reducer_new(&ranks, p, &reducer));
    for (int repeat = 0; repeat < 2; repeat++) {
        s.count = 0;
        mlce_reducer_ready(first, reducer); /* last is not there yet */
        ck_assert_int_eq(s.count, 0);
        mlce_reducer_ready(last, reducer);
        ck_assert_int_eq(s.count, 1);
        ck_assert_ptr_eq(s.start[0], last->grad);
        ck_assert_uint_eq(s.size[0], 400000);
        bias->grad[1] = 5; /* of a step before: nothing came to it in this one */
        mlce_parameters_clear_grads(p);
        assert_ok(mlce_reducer_finish(reducer));
        ck_assert_int_eq(s.count, 2);
        ck_assert_ptr_eq(s.start[1], first->grad);
        ck_assert_float_eq(bias->grad[1], 0);
    }
    mlce_reducer_free(reducer);
    mlce_parameters_free(p);
}
END_TEST

static void add(TCase *cases) {
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, any_number_of_ranks_trains_as_one_process_does, 0, 4);
    tcase_add_test(cases, the_same_number_of_ranks_gives_the_same_bits);
    tcase_add_test(cases, accumulated_batches_are_one_large_batch);
    tcase_add_test(cases, what_one_rank_fails_with_all_fail_with);
    tcase_add_test(cases, data_that_one_rank_cannot_read_ends_all);
    tcase_add_test(cases, a_step_that_one_rank_cannot_take_all_skip);
    tcase_add_test(cases, a_failure_names_its_rank_unless_it_is_everyones);
    tcase_add_loop_test(cases, a_rank_that_stops_stops_all_and_any_number_goes_on, 1, 4);
    tcase_add_test(cases, ranks_that_train_something_else_are_refused);
    tcase_add_test(cases, no_rank_forks_to_read_what_the_first_has_written);
    tcase_add_test(cases, all_ranks_get_the_predictions_of_one_process);
    tcase_add_test(cases,
                   buckets_are_sent_in_a_fixed_order_when_they_and_those_before_are_complete);
}

int main(void) {
    return run_suite("ranks", add);
}
