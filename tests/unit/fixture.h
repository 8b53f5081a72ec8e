/* fixture.h - reads the JSON files of tests/fixtures and compares with the matrices in them.
 *
 * A test loops over the cases of a file; fixture_case is the name of the current one, which every
 * message begins with. See tests/fixtures/matrices.py for how a matrix is written.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "mlce/span.h"
#include "unit.h"

static const char *fixture_case = "";

static inline json_t *fixture_load(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", FIXTURES, name);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: line %d: %s", path, error.line, error.text);
    ck_assert_msg(json_array_size(json_object_get(root, "cases")) > 0, "%s: no cases", path);
    return root;
}

/* The member `key` of an object, which must be there. */
static inline json_t *fixture_get(const json_t *object, const char *key) {
    json_t *member = json_object_get(object, key);
    ck_assert_msg(member != NULL, "%s: '%s' is missing", fixture_case, key);
    return member;
}

static inline int fixture_int(const json_t *object, const char *key) {
    return (int)json_integer_value(fixture_get(object, key));
}

static inline double fixture_real(const json_t *object, const char *key) {
    return json_number_value(fixture_get(object, key));
}

/* Names the current case. */
static inline void fixture_begin(const json_t *test) {
    fixture_case = "?";
    fixture_case = json_string_value(fixture_get(test, "name"));
}

/* The numbers of an input matrix; freed by the caller. */
static inline float *fixture_values(const json_t *matrix) {
    size_t count = (size_t)fixture_int(matrix, "rows") * (size_t)fixture_int(matrix, "cols");
    float *values = calloc(count + 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    const json_t *pattern = json_object_get(matrix, "pattern");
    if (pattern) {
        long long a = json_integer_value(json_array_get(pattern, 0));
        long long b = json_integer_value(json_array_get(pattern, 1));
        for (size_t i = 0; i < count; i++)
            values[i] = (float)((double)((long long)i * a % b) / (double)b * 2 - 1);
        return values;
    }
    const json_t *list = fixture_get(matrix, "values");
    ck_assert_uint_eq(json_array_size(list), count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)json_number_value(json_array_get(list, i));
    return values;
}

/* A list of integers; freed by the caller. */
static inline int *fixture_ints(const json_t *list) {
    size_t count = json_array_size(list);
    int *values = calloc(count + 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < count; i++) values[i] = (int)json_integer_value(json_array_get(list, i));
    return values;
}

/* A list of [start, end, type]; freed by the caller. */
static inline mlce_span *fixture_spans(const json_t *list) {
    size_t count = json_array_size(list);
    mlce_span *spans = calloc(count + 1, sizeof *spans);
    ck_assert_ptr_nonnull(spans);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        spans[i].start = (int32_t)json_integer_value(json_array_get(item, 0));
        spans[i].end = (int32_t)json_integer_value(json_array_get(item, 1));
        spans[i].type = (int32_t)json_integer_value(json_array_get(item, 2));
    }
    return spans;
}

/* Every number that the fixture holds of the matrix agrees to `relative` of the largest of them;
   `what` names the matrix. */
static inline void fixture_compare(const char *what, const json_t *matrix, const float *got,
                                   double relative) {
    ck_assert_msg(got != NULL, "%s: %s was not computed", fixture_case, what);
    size_t count = (size_t)fixture_int(matrix, "rows") * (size_t)fixture_int(matrix, "cols");
    const json_t *list = fixture_get(matrix, "values");
    const json_t *stride_json = json_object_get(matrix, "stride");
    size_t stride = stride_json ? (size_t)json_integer_value(stride_json) : 1;
    ck_assert_uint_eq(json_array_size(list), (count + stride - 1) / stride);
    double largest = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        largest = fmax(largest, fabs(json_number_value(json_array_get(list, i))));
    for (size_t i = 0; i < json_array_size(list); i++) {
        double expected = json_number_value(json_array_get(list, i));
        double difference = fabs((double)got[i * stride] - expected);
        ck_assert_msg(difference <= relative * largest + 1e-9, /* false for NaN too */
                      "%s: %s[%zu] is %.9g, expected %.9g (largest %.3g)", fixture_case, what,
                      i * stride, (double)got[i * stride], expected, largest);
    }
}

static inline void fixture_compare_loss(const json_t *test, double loss) {
    double expected = fixture_real(test, "loss");
    ck_assert_msg(fabs(loss - expected) <= 1e-5 * fabs(expected), "%s: loss is %.9g, expected %.9g",
                  fixture_case, loss, expected);
}

/* The spans over a threshold of 0 are those of the fixture, with the same scores, in the same
   order. A case with scores too near to 0 has none to compare with. Returns whether it had. */
static inline bool fixture_compare_spans(const json_t *test, const mlce_span_scores *scores) {
    const json_t *expected = json_object_get(test, "spans");
    if (!expected) return false;
    mlce_span_list list = {0};
    ck_assert_msg(mlce_span_decode(scores, &(mlce_decision){0}, &list) == MLCE_OK, "%s: %s",
                  fixture_case, mlce_last_error());
    ck_assert_uint_eq(list.sequences, (size_t)scores->sequences);
    ck_assert_msg(list.count == json_array_size(expected), "%s: %zu spans, expected %zu",
                  fixture_case, list.count, json_array_size(expected));
    size_t s = 0;
    for (size_t i = 0; i < list.count; i++) {
        while (i >= list.offsets[s + 1]) s++;
        const json_t *want = json_array_get(expected, i);
        int number[4];
        for (size_t n = 0; n < 4; n++) number[n] = (int)json_integer_value(json_array_get(want, n));
        mlce_span span = list.items[i].span;
        ck_assert_msg((int)s == number[0] && span.start == number[1] && span.end == number[2] &&
                          span.type == number[3],
                      "%s: span %zu is (%d, %d, %d) in sequence %zu, expected (%d, %d, %d) in %d",
                      fixture_case, i, span.start, span.end, span.type, s, number[1], number[2],
                      number[3], number[0]);
        double score = json_number_value(json_array_get(want, 4));
        ck_assert_msg(fabs((double)list.items[i].score - score) <= 1e-5 * (1 + fabs(score)),
                      "%s: span %zu scores %.9g, expected %.9g", fixture_case, i,
                      (double)list.items[i].score, score);
    }
    mlce_span_list_free(&list);
    return true;
}

/* Whether `y` is the case's output, and the gradients of sum(y * output_weights) are those of its
   inputs in[0 .. count-1]. */
static inline void fixture_compare_op(mlce_graph *g, const json_t *test, mlce_node *y,
                                      mlce_node *const *in, size_t count) {
    ck_assert_msg(y != NULL, "%s: %s", fixture_case, mlce_last_error());
    const json_t *output = fixture_get(test, "output"), *inputs = fixture_get(test, "inputs");
    ck_assert_msg(y->rows == fixture_int(output, "rows") && y->cols == fixture_int(output, "cols"),
                  "%s: output is [%d, %d]", fixture_case, y->rows, y->cols);
    fixture_compare("output", output, y->value, 1e-5);
    float *weights = fixture_values(fixture_get(test, "output_weights"));
    mlce_node *loss = mlce_sum(g, mlce_multiply(g, y, mlce_constant(g, y->rows, y->cols, weights)));
    ck_assert_msg(mlce_backward(g, loss) == MLCE_OK, "%s: %s", fixture_case, mlce_last_error());
    for (size_t i = 0; i < count; i++) {
        const json_t *input = json_array_get(inputs, i);
        char what[64];
        snprintf(what, sizeof what, "gradient of %s",
                 json_string_value(fixture_get(input, "name")));
        fixture_compare(what, fixture_get(input, "gradient"), in[i]->grad, 1e-4);
    }
    free(weights);
}

#endif
