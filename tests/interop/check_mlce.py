#!/usr/bin/env python3
"""check_mlce.py structs HEADERS COMPILER                   the structs of scripts/mlce.py are C's
check_mlce.py predict RUN DATASET.h5 PREDICTIONS.jsonl   its predictions are mlce-predict's
check_mlce.py losses                                     its losses are NumPy's

scripts/ must be in PYTHONPATH."""
import ctypes
import gc
import pathlib
import subprocess
import sys
import tempfile
import threading

import h5py
import numpy

import files
import mlce


def refuses(what, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except (mlce.Error, ValueError) as error:
        assert what in str(error), f"'{what}' is not in: {error}"
        return error
    raise AssertionError(f"not refused: {what}")


# ---- Structs ----


def check_structs(headers, compiler):
    """A C program with the wrapper's sizes and offsets as static assertions."""
    lines = ["#include <mlce/mlce.h>", "#include <string.h>"]
    for struct in mlce.STRUCTS:
        name = struct.C_NAME
        lines.append(f'_Static_assert(sizeof({name}) == {ctypes.sizeof(struct)}, "{name}");')
        for field, kind in struct._fields_:
            at = getattr(struct, field).offset
            lines.append(f'_Static_assert(offsetof({name}, {field}) == {at}, "{name}.{field}");')
            lines.append(f"_Static_assert(sizeof((({name} *)0)->{field}) == {ctypes.sizeof(kind)}, "
                         f'"the size of {name}.{field}");')
    for prefix, names in (("", mlce.STATUSES), ("TASK_", mlce.TASKS), ("LOG_", mlce.LOG_LEVELS)):
        for value, name in enumerate(names):
            lines.append(f'_Static_assert(MLCE_{prefix}{name} == {value}, "{name}");')
    # Nothing comes behind the last that is known.
    lines.append(f'_Static_assert(MLCE_E_STOPPED == {len(mlce.STATUSES) - 1}, "statuses");')
    lines.append(f'int main(void) {{ return strcmp(MLCE_VERSION, "{mlce.VERSION}") != 0; }}')
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "structs.c")
        source.write_text("\n".join(lines) + "\n")
        program = pathlib.Path(folder, "structs")
        subprocess.run([compiler, "-std=c11", f"-I{headers}", source, "-o", program], check=True)
        assert subprocess.run([program]).returncode == 0, "mlce.py has another VERSION than status.h"
    print(f"{len(mlce.STRUCTS)} structs as in C")


# ---- Predictions ----


def as_records(found):
    return [{(0, 1, one.type) if isinstance(one, mlce.Label) else one[:3]: one.score for one in part}
            for part in found]


def check_same(found, expected):
    """The same spans in the same order; JSON has nine digits, which give the same float32."""
    for s, (one, other) in enumerate(zip(as_records(found), expected, strict=True)):
        assert list(one) == list(other), f"sequence {s}: {one} and {other}"
        for span, score in one.items():
            assert numpy.float32(score) == numpy.float32(other[span]), f"sequence {s}: {span}"


def check_threads(model, parts, expected):
    failures = []

    def work(number):
        try:
            mlce.set_threads(1)
            for n in range(25):
                s = (7 * n + number) % len(parts)
                one = model.predict(parts[s : s + 3])
                assert as_records(one) == expected[s], f"thread {number}, call {n}"
                wrong = refuses("[", model.predict, numpy.zeros((number + 1, model.width + 1)))
                assert str([number + 1, model.width + 1]) in str(wrong)
                missing = refuses(f"/nowhere/{number}", mlce.Model.load, f"/nowhere/{number}")
                assert missing.status == "E_IO", missing.status
        except BaseException as error:
            failures.append(error)
            raise

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures


def check_shape_model(model, dataset, expected, tokens):
    parts = [dataset.rows(s) for s in range(len(dataset))]
    words = [tokens[a:b] for a, b in zip(dataset.offsets, dataset.offsets[1:])]
    check_same(model.predict(parts, words), expected)
    assert model.predict(parts[3], words[3])
    refuses("needs the tokens", model.predict, parts)
    refuses("differ in number", model.predict, parts, words[1:])


def check_span_model(model, dataset, expected):
    parts = [dataset.rows(s) for s in range(len(dataset))]
    check_same(model.predict(parts), expected)
    assert model.predict([]) == [] and model.predict(parts[0][:0]) == []
    assert model.predict(parts[3]) == model.predict([parts[3]])[0]
    small = {s: as_records(model.predict(parts[s : s + 3])) for s in range(len(parts))}
    check_threads(model, parts, small)
    before = model.thresholds
    model.thresholds = 1e30
    assert not any(model.predict(parts))
    model.thresholds = before
    check_same(model.predict(parts), expected)
    refuses("nan", model.predict, numpy.full((2, model.width), numpy.nan))
    refuses("scores are of items", model.scores, parts[0])


def check_label_model(model, dataset, expected):
    features = dataset.embeddings
    found = model.predict(features)
    check_same(found, expected)
    scores = model.scores(features)
    assert scores.shape == (len(features), len(model.types))
    for n, labels in enumerate(found):
        over = {model.types[a] for a in numpy.flatnonzero(scores[n] > model.thresholds)}
        assert over == {label.type for label in labels}, n
    parts = [features[n : n + 1] for n in range(40)]
    assert [model.predict(part)[0] for part in parts[:3]]


def check_predict(run, dataset_path, predictions_path):
    model = mlce.Model.load(run)
    dataset = files.Dataset(dataset_path)
    assert sorted(model.types) == sorted(dataset.types)
    expected = files.read_predictions(predictions_path, model.types, len(dataset))
    if model.needs_tokens:
        with h5py.File(dataset_path) as file:
            check_shape_model(model, dataset, expected, file["tokens/text"].asstr()[:].tolist())
    else:
        (check_span_model if model.task == "spans" else check_label_model)(model, dataset, expected)
    del model
    gc.collect()
    print(f"{len(dataset)} sequences or items as by mlce-predict")


# ---- Losses ----


def multilabel(scores, targets):
    """log(1 + sum over N of e^s) + log(1 + sum over P of e^-s) of a row, and its gradient."""
    s = scores.astype(float)
    negative, positive = (numpy.exp(s) * (1 - targets)), (numpy.exp(-s) * targets)
    n, p = 1 + negative.sum(-1, keepdims=True), 1 + positive.sum(-1, keepdims=True)
    return (numpy.log(n) + numpy.log(p))[..., 0], negative / n - positive / p


def check_rows():
    random = numpy.random.default_rng(1)
    scores = random.normal(0, 3, (6, 50)).astype(numpy.float32)
    lists = [[], [49, 3], range(50), [7], [0, 1], numpy.array([5, 4, 6])]
    dense = numpy.zeros((6, 50))
    for row, classes in enumerate(lists):
        dense[row, list(classes)] = 1
    value, gradient = multilabel(scores, dense)
    for targets in (lists, dense):
        got = mlce.loss(scores, targets)
        assert got.threshold_gradient is None
        numpy.testing.assert_allclose(got.value, value, rtol=1e-5)
        numpy.testing.assert_allclose(got.gradient, gradient, rtol=1e-4, atol=1e-6)
    assert mlce.loss(scores, lists, gradient=False).gradient is None
    strided = numpy.asfortranarray(scores)
    numpy.testing.assert_array_equal(mlce.loss(strided, dense).value, got.value)
    # binary cross-entropy, soft targets in lists
    soft = [[2.0 ** -(1 + n % 3) for n in range(len(row))] for row in lists]
    for row, (classes, weights) in enumerate(zip(lists, soft)):
        dense[row, list(classes)] = weights
    got = mlce.loss(scores, lists, "binary_ce", weights=soft, positive_weight=3)
    s = scores.astype(float)
    plain = 3 * dense * numpy.log1p(numpy.exp(-s)) + (1 - dense) * numpy.log1p(numpy.exp(s))
    numpy.testing.assert_allclose(got.value, plain.sum(1), rtol=1e-5)
    other = mlce.loss(scores, dense, "binary_ce", positive_weight=3)
    numpy.testing.assert_allclose(got.value, other.value, rtol=1e-5)
    # a mask, thresholds
    mask = random.random((6, 50)) < 0.3
    got = mlce.loss(scores, lists, mask=mask)
    assert not got.gradient[mask].any() and got.gradient[~mask].any()
    level = random.normal(0, 1, 6).astype(numpy.float32)
    got = mlce.loss(scores, lists, "threshold_ce", thresholds=level)
    dense = (dense > 0) * 1.0
    value, gradient = multilabel(scores - level[:, None], dense)
    numpy.testing.assert_allclose(got.value, value, rtol=1e-5)
    numpy.testing.assert_allclose(got.threshold_gradient, -gradient.sum(1), rtol=1e-3, atol=1e-5)
    assert refuses("row 0", mlce.loss, scores, [[50]] + lists[1:]).status == "E_ARGUMENT"
    refuses("multilabel_ce", mlce.loss, scores, lists, "hinge")
    refuses("needs thresholds", mlce.loss, scores, lists, "threshold_ce")
    refuses("5 rows", mlce.loss, scores, lists[1:])
    refuses("[6, 49]", mlce.loss, scores, dense[:, 1:])
    scores[2, 1] = numpy.nan
    assert refuses("row 2", mlce.loss, scores, lists).status == "E_NUMERIC"


def plain_span_loss(qk, offsets, gold, heads, types, terms, level):
    """Every score in an array; mean over sequences and types."""
    total = 0.0
    size = qk.shape[1] // (2 * heads)
    for s, (a, b) in enumerate(zip(offsets, offsets[1:])):
        upper = numpy.triu_indices(b - a)
        for t in range(types):
            head = qk[a:b].reshape(b - a, heads, 2, size)[:, t if heads > 1 else 0].astype(float)
            scores = head[:, 0] @ head[:, 1].T / numpy.sqrt(size)
            if terms is not None:
                scores = scores + terms[a:b, t][:, None] + terms[a:b, types + t][None, :]
            if level is not None:
                scores = scores - level[t]
            targets = numpy.zeros_like(scores)
            for start, end, kind in gold[s]:
                targets[start, end - 1] += kind == t
            total += multilabel(scores[upper], targets[upper])[0] if b > a else 0
    return total / (len(offsets) - 1) / types


def check_spans():
    random = numpy.random.default_rng(2)
    offsets = [0, 4, 4, 11, 40]
    gold = [[(0, 2, 1), (1, 4, 0)], [], [(6, 7, 2)], [(0, 29, 2), (3, 5, 0), (3, 5, 1)]]
    for heads, has_terms in ((1, True), (3, False), (3, True)):
        qk = random.normal(0, 1, (40, heads * 2 * 8)).astype(numpy.float32)
        terms = random.normal(0, 1, (40, 6)).astype(numpy.float32) if has_terms else None
        level = random.normal(0, 1, 3).astype(numpy.float32)
        given = (offsets, gold, heads, 3, terms, level)
        got = mlce.span_loss(qk, offsets, gold, type_terms=terms, heads=heads, thresholds=level)
        expected = plain_span_loss(qk, *given)
        assert abs(got.value - expected) < 1e-5 * abs(expected), (got.value, expected)
        for array, gradient in ((qk, got.qk), (terms, got.type_terms), (level, got.thresholds)):
            for i in random.choice(0 if array is None else array.size, 0 if array is None else 3):
                before, step = array.flat[i], 1e-2
                array.flat[i] = before + step
                above, high = plain_span_loss(qk, *given), array.flat[i]
                array.flat[i] = before - step
                below, low = plain_span_loss(qk, *given), array.flat[i]
                array.flat[i] = before
                slope = (above - below) / float(high - low)
                assert abs(slope - gradient.flat[i]) < 1e-3, (slope, gradient.flat[i])
    soft = [[0.5] * len(part) for part in gold]
    once = mlce.span_loss(qk, offsets, gold, weights=soft, heads=3)
    assert once.value != mlce.span_loss(qk, offsets, gold, heads=3).value
    ones = [[1] * len(part) for part in gold]
    assert mlce.span_loss(qk, offsets, gold, weights=ones, heads=3).value == mlce.span_loss(
        qk, offsets, gold, heads=3).value
    value = mlce.span_loss(qk, offsets, gold, type_terms=terms, heads=3, thresholds=level, gradient=False)
    assert value.value == got.value and value.qk is None
    refuses("gold span 0", mlce.span_loss, qk, offsets, [[(0, 5, 0)], [], [], []], heads=3)
    refuses("3 sequences", mlce.span_loss, qk, offsets, gold[1:], heads=3)
    refuses("heads * 2 * d", mlce.span_loss, qk, offsets, gold, heads=5)
    refuses("from 0 to", mlce.span_loss, qk, offsets[:-1], gold, heads=3)


def check_losses():
    check_rows()
    check_spans()
    print("the losses are NumPy's")


def main(command, *arguments):
    {"structs": check_structs, "predict": check_predict, "losses": check_losses}[command](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
