/* threads.c - several threads predict with one model, a sequence a call, as a server would.
 *
 *   cc threads.c $(pkg-config --cflags --libs mlce) -pthread -o threads
 *   ./threads runs/ner demo-data/dev.h5
 *
 * Prints a line a span: sequence, start, end, type, score. C and C++. */
#include <mlce/mlce.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4 };

/* All sequences, end to end. */
typedef struct texts {
    int sequences;
    int *offsets;
    float *embeddings;
} texts;

/* A thread's part: the sequences number, number + THREADS, ... */
typedef struct worker {
    pthread_t thread;
    int number;
    const mlce_model *model;
    const texts *input;
    int failed;
    char message[2048];
} worker;

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static void print_spans(const mlce_model *model, int sequence, const mlce_prediction *found) {
    pthread_mutex_lock(&printing);
    for (size_t n = 0; n < found->count; n++) {
        mlce_span span = found->spans[n].span;
        printf("%d %d %d %s %g\n", sequence, span.start, span.end,
               mlce_model_type_names(model)[span.type], (double)found->spans[n].score);
    }
    pthread_mutex_unlock(&printing);
}

static void *work(void *context) {
    worker *w = (worker *)context;
    const texts *t = w->input;
    size_t width = (size_t)mlce_model_width(w->model);
    mlce_predictor *predictor = NULL;
    /* Each thread is one of many that keep the cores busy: it needs no helpers. */
    w->failed = mlce_threads_set(1) || mlce_predictor_new(w->model, &predictor);
    for (int s = w->number; s < t->sequences && !w->failed; s += THREADS) {
        const int offsets[] = {0, t->offsets[s + 1] - t->offsets[s]};
        const mlce_prediction *found;
        w->failed = mlce_predictor_run(predictor, 1, offsets,
                                       t->embeddings + (size_t)t->offsets[s] * width, NULL, &found);
        if (!w->failed) print_spans(w->model, s, found);
    }
    /* The message is this thread's own: the main thread would not see it. */
    if (w->failed) snprintf(w->message, sizeof w->message, "%s", mlce_last_error());
    mlce_predictor_free(predictor);
    return NULL;
}

/* Where a program would make its embeddings, this one reads those of a dataset. */
static int read_texts(const char *path, const mlce_model *model, texts *t) {
    mlce_dataset *dataset = NULL;
    int failed = mlce_dataset_open(path, NULL, &dataset) || mlce_model_accepts(model, dataset);
    if (!failed) {
        size_t width = (size_t)mlce_dataset_width(dataset);
        t->sequences = (int)mlce_dataset_sequences(dataset);
        t->offsets = (int *)calloc((size_t)t->sequences + 1, sizeof *t->offsets);
        t->embeddings = (float *)calloc((size_t)mlce_dataset_tokens(dataset) * width + 1,
                                        sizeof *t->embeddings);
        if (!t->offsets || !t->embeddings) failed = mlce_fail(MLCE_E_MEMORY, "out of memory");
        for (int s = 0; s < t->sequences && !failed; s++) {
            t->offsets[s + 1] = t->offsets[s] + mlce_dataset_length(dataset, s);
            failed = mlce_dataset_read(dataset, s, t->embeddings + (size_t)t->offsets[s] * width);
        }
    }
    mlce_dataset_close(dataset);
    return failed;
}

static int predict(const mlce_model *model, const texts *t) {
    worker workers[THREADS];
    int failed = 0, started = 0;
    for (; started < THREADS; started++) {
        worker *w = &workers[started];
        w->number = started;
        w->model = model;
        w->input = t;
        w->failed = 0;
        if (pthread_create(&w->thread, NULL, work, w)) {
            failed = mlce_fail(MLCE_E_MEMORY, "cannot start a thread");
            break;
        }
    }
    for (int n = 0; n < started; n++) {
        pthread_join(workers[n].thread, NULL);
        if (workers[n].failed) failed = mlce_fail(MLCE_E_DATA, "%s", workers[n].message);
    }
    return failed;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s RUN DATA\n", argv[0]);
        return 2;
    }
    mlce_model *model = NULL;
    texts t = {0, NULL, NULL};
    int failed = mlce_threads_set(0) || mlce_model_load(argv[1], &model) ||
                 read_texts(argv[2], model, &t) || predict(model, &t);
    if (failed) fprintf(stderr, "%s\n", mlce_last_error());
    free(t.offsets);
    free(t.embeddings);
    mlce_model_free(model);
    return failed ? 1 : 0;
}
