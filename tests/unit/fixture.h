/* fixture.h - reads the JSON files of tests/fixtures and compares with the matrices in them.
 *
 * A test loops over the cases of a file:
 *
 *     fixture cases = fixture_open("ops.json");
 *     for (const json_t *test; (test = fixture_next(&cases));) run_case(test);
 *
 * fixture_case is the name of the current one, which every message begins with. See
 * tests/fixtures/matrices.py for how a matrix is written.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "mlce/config.h"
#include "mlce/graph.h"
#include "mlce/span.h"
#include "unit.h"

static const char *fixture_case = "";

typedef struct fixture {
    json_t *root;
    size_t next;
} fixture;

static inline fixture fixture_open(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", FIXTURES, name);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: line %d: %s", path, error.line, error.text);
    ck_assert_msg(json_array_size(json_object_get(root, "cases")) > 0, "%s: no cases", path);
    return (fixture){root, 0};
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

/* The next case, which becomes the current one; after the last, NULL, and the file is freed. */
static inline const json_t *fixture_next(fixture *cases) {
    const json_t *test = json_array_get(json_object_get(cases->root, "cases"), cases->next++);
    fixture_case = "?";
    if (test)
        fixture_case = json_string_value(fixture_get(test, "name"));
    else
        json_decref(cases->root);
    return test;
}

/* How many numbers a matrix has. */
static inline size_t fixture_size(const json_t *matrix) {
    return (size_t)fixture_int(matrix, "rows") * (size_t)fixture_int(matrix, "cols");
}

/* The numbers of an input matrix; freed by the caller. */
static inline float *fixture_values(const json_t *matrix) {
    size_t count = fixture_size(matrix);
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
    size_t count = fixture_size(matrix);
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

/* Whether `y` is the case's output; computes the gradients of sum(y * output_weights). */
static inline void fixture_compare_output(mlce_graph *g, const json_t *test, mlce_node *y) {
    ck_assert_msg(y != NULL, "%s: %s", fixture_case, mlce_last_error());
    const json_t *output = fixture_get(test, "output");
    ck_assert_msg(y->rows == fixture_int(output, "rows") && y->cols == fixture_int(output, "cols"),
                  "%s: output is [%d, %d]", fixture_case, y->rows, y->cols);
    fixture_compare("output", output, y->value, 1e-5);
    float *weights = fixture_values(fixture_get(test, "output_weights"));
    mlce_node *loss = mlce_sum(g, mlce_multiply(g, y, mlce_constant(g, y->rows, y->cols, weights)));
    ck_assert_msg(mlce_backward(g, loss) == MLCE_OK, "%s: %s", fixture_case, mlce_last_error());
    free(weights);
}

/* `grad` is the matrix's member "gradient"; `name` is that of the matrix. */
static inline void fixture_compare_gradient(const char *name, const json_t *matrix,
                                            const float *grad) {
    char what[96];
    snprintf(what, sizeof what, "gradient of %s", name);
    fixture_compare(what, fixture_get(matrix, "gradient"), grad, 1e-4);
}

/* The op of a case over its inputs. The offsets are those of its sequences, NULL if it has none. */
typedef mlce_node *fixture_op(mlce_graph *g, const json_t *test, mlce_node *const *in,
                              const int *offsets, int sequences);

/* The output and the gradients of each case of a file of ops are those of the fixture. */
static inline void fixture_compare_ops(const char *name, fixture_op *op) {
    enum { MOST_INPUTS = 17 };
    fixture cases = fixture_open(name);
    mlce_graph *g = mlce_graph_new();
    ck_assert_ptr_nonnull(g);
    for (const json_t *test; (test = fixture_next(&cases));) {
        mlce_graph_reset(g);
        const json_t *inputs = fixture_get(test, "inputs");
        size_t count = json_array_size(inputs);
        ck_assert_uint_le(count, MOST_INPUTS);
        mlce_node *in[MOST_INPUTS] = {NULL};
        float *values[MOST_INPUTS] = {NULL};
        for (size_t i = 0; i < count; i++) {
            const json_t *input = json_array_get(inputs, i);
            values[i] = fixture_values(input);
            in[i] =
                mlce_variable(g, fixture_int(input, "rows"), fixture_int(input, "cols"), values[i]);
        }
        const json_t *list = json_object_get(test, "offsets");
        if (!list) list = json_object_get(json_object_get(test, "options"), "offsets");
        int *offsets = list ? fixture_ints(list) : NULL;
        fixture_compare_output(g, test, op(g, test, in, offsets, (int)json_array_size(list) - 1));
        for (size_t i = 0; i < count; i++) {
            char what[32];
            snprintf(what, sizeof what, "input %zu", i);
            fixture_compare_gradient(what, json_array_get(inputs, i), in[i]->grad);
            free(values[i]);
        }
        free(offsets);
    }
    mlce_graph_free(g);
}

/* A configuration with the case's keys. */
static inline mlce_config *fixture_config(const json_t *test) {
    mlce_config *config = mlce_config_new();
    ck_assert_ptr_nonnull(config);
    const char *key;
    json_t *value;
    json_object_foreach(fixture_get(test, "config"), key, value)
        ck_assert_msg(mlce_config_set(config, key, json_string_value(value)) == MLCE_OK, "%s: %s",
                      fixture_case, mlce_last_error());
    return config;
}

/* The parameter of a name, which has the shape of the matrix. */
static inline mlce_parameter *fixture_parameter(mlce_parameters *parameters, const char *name,
                                                const json_t *matrix) {
    mlce_parameter *parameter = mlce_parameters_find(parameters, name);
    ck_assert_msg(parameter != NULL, "%s: no parameter '%s'", fixture_case, name);
    ck_assert_msg(parameter->rows == fixture_int(matrix, "rows") &&
                      parameter->cols == fixture_int(matrix, "cols"),
                  "%s: %s is [%d, %d]", fixture_case, name, parameter->rows, parameter->cols);
    return parameter;
}

/* Gives the parameters the values of the case's, which are as many. */
static inline void fixture_set_parameters(mlce_parameters *parameters, const json_t *test) {
    json_t *matrices = fixture_get(test, "parameters"), *matrix;
    const char *name;
    ck_assert_msg((size_t)mlce_parameters_count(parameters) == json_object_size(matrices),
                  "%s: %d parameters", fixture_case, mlce_parameters_count(parameters));
    json_object_foreach(matrices, name, matrix) {
        float *values = fixture_values(matrix);
        memcpy(fixture_parameter(parameters, name, matrix)->value, values,
               fixture_size(matrix) * sizeof *values);
        free(values);
    }
}

static inline void fixture_compare_parameter_gradients(mlce_parameters *parameters,
                                                       const json_t *test) {
    mlce_parameters_settle_grads(parameters);
    const char *name;
    json_t *matrix;
    json_object_foreach(fixture_get(test, "parameters"), name, matrix)
        fixture_compare_gradient(name, matrix, fixture_parameter(parameters, name, matrix)->grad);
}

#endif
