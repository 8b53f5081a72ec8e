/* metrics_log.c - metrics.jsonl: a line an evaluation, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "mlce/memory.h"
#include "train/run_folder.h"

static const char NAME[] = "metrics.jsonl";

static json_t *score_json(mlce_score score) {
    return json_pack("{s:f, s:f, s:f, s:I}", "precision", score.precision, "recall", score.recall,
                     "f1", score.f1, "support", (json_int_t)score.support);
}

static char *evaluation_json(const mlce_train_evaluation *e) {
    json_t *line = json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:b}", "epoch", (json_int_t)e->epoch,
                             "step", (json_int_t)e->step, "train_loss", e->train_loss,
                             "tokens_per_second", e->tokens_per_second, "waiting", e->waiting,
                             "seconds", e->seconds, "best", (int)e->best);
    if (line && e->has_dev)
        mlce_json_set(&line, "dev",
                      json_pack("{s:f, s:o, s:o}", "loss", e->dev_loss, "micro",
                                score_json(e->micro), "macro", score_json(e->macro)));
    char *text = mlce_json_text(line, JSON_COMPACT | JSON_REAL_PRECISION(17), "a line");
    size_t length = text ? strlen(text) : 0;
    char *ended = text ? mlce_calloc(length + 2, 1) : NULL;
    if (ended) snprintf(ended, length + 2, "%s\n", text);
    free(text);
    return ended;
}

static int write_all(int file, const char *text) {
    for (size_t left = strlen(text); left;) {
        ssize_t done = write(file, text, left);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        text += done;
        left -= (size_t)done;
    }
    return 0;
}

/* Appends to the end of the file, or leaves it as it was. */
static int append(const char *path, const char *text) {
    struct stat before;
    int file = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return -1;
    int failed = fstat(file, &before);
    if (!failed && (write_all(file, text) || fsync(file))) {
        int error = errno;
        if (ftruncate(file, before.st_size) == 0) fsync(file);
        errno = error;
        failed = -1;
    }
    int error = errno;
    if (close(file) && !failed) return -1;
    errno = error;
    return failed || before.st_size ? failed : mlce_file_sync_parent(path);
}

mlce_status mlce_run_folder_log(const char *path, const mlce_train_evaluation *evaluation) {
    char *name = mlce_run_folder_file(path, NAME);
    char *line = evaluation_json(evaluation);
    mlce_status status = MLCE_OK;
    if (!name || !line)
        status = mlce_fail(MLCE_E_MEMORY, "out of memory");
    else if (append(name, line))
        status = mlce_fail(MLCE_E_IO, "%s: cannot write: %s", name, strerror(errno));
    free(line);
    free(name);
    return status;
}

/* The whole file as text on the heap; "" where there is none. */
static mlce_status read_text(const char *path, char **text) {
    size_t used = 0, capacity = 0;
    mlce_status status = MLCE_OK;
    *text = NULL;
    FILE *file;
    if ((status = mlce_file_open(path, true, &file))) return status;
    do {
        status = mlce_grow((void **)text, &capacity, used + 4096, 1);
        if (!status && file) used += fread(*text + used, 1, capacity - used - 1, file);
        if (!status) (*text)[used] = '\0';
    } while (!status && file && !feof(file) && !ferror(file));
    if (!status && file && ferror(file))
        status = mlce_fail(MLCE_E_IO, "%s: cannot read: %s", path, strerror(errno));
    if (file) fclose(file);
    return status;
}

/* What the line says of `seconds`, 0 where it says nothing. */
static mlce_status read_seconds(const char *line, size_t length, double *seconds) {
    json_error_t error;
    json_t *object;
    mlce_status status = mlce_json_parse(line, length, 0, &object, &error);
    *seconds = json_number_value(json_object_get(object, "seconds"));
    json_decref(object);
    return status == MLCE_E_DATA ? MLCE_OK : status;
}

/* Where the first `lines` whole lines end; *last gets where the last of them begins. */
static char *end_of_lines(char *text, int64_t lines, int64_t *found, char **last) {
    char *end = *last = text;
    for (*found = 0; *found < lines; ++*found) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): never without text */
        char *newline = strchr(end, '\n');
        if (!newline) break;
        *last = end;
        end = newline + 1;
    }
    return end;
}

mlce_status mlce_run_folder_trim_log(const char *path, int64_t lines, double *seconds) {
    char *name = mlce_run_folder_file(path, NAME), *text = NULL, *last;
    int64_t found = 0;
    *seconds = 0;
    mlce_status status = name ? read_text(name, &text) : MLCE_E_MEMORY;
    char *end = status ? NULL : end_of_lines(text, lines, &found, &last);
    if (end && found) status = read_seconds(last, (size_t)(end - last), seconds);
    if (!status && found < lines)
        mlce_log(MLCE_LOG_WARNING, "%s: has %lld lines, the run made %lld: the rest is lost", name,
                 (long long)found, (long long)lines);
    if (!status && end && (*end || mlce_file_is_link(name))) {
        *end = '\0';
        status = mlce_file_write_text(name, MLCE_LINKS_REPLACED, text);
    }
    free(text);
    free(name);
    return status;
}
