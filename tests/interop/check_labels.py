#!/usr/bin/env python3
"""check_labels.py make FOLDER
check_labels.py compare [DATASET.h5 ALL.jsonl PREDICTIONS.jsonl EVAL.json]...

make: writes data with items without labels, labels that never occur, and whole-numbered features.
compare: of ALL, which has every score, PREDICTIONS has what is over 0, and what mlce-eval reports is
what scikit-learn does."""
import json
import sys
import warnings
from pathlib import Path

import numpy

import files

LABELS = 12


def make(folder):
    """A label is on where its own feature is over 0, with some noise."""
    random = numpy.random.default_rng(1)
    for split, count in (("train", 300), ("dev", 150)):
        features = random.integers(-2, 3, size=(count, LABELS + 3)).astype(numpy.float32)
        on = (features[:, :LABELS] > 1) ^ (random.random((count, LABELS)) < 0.03)
        on[:, [4, 9]] = False  # never occur
        on[: count // 10] = False
        rows = [random.permutation(numpy.flatnonzero(row)) for row in on]
        files.write_items(
            Path(folder) / f"{split}.h5",
            types=[f"name {i}" for i in range(LABELS)],
            features=features,
            labels=numpy.concatenate(rows).astype(numpy.int16),
            offsets=numpy.cumsum([0] + [len(row) for row in rows]),
            text=[f"item no. {i}" for i in range(count)],
        )


def matrix(types, rows, value):
    """[items, labels] of value(row, label)."""
    return numpy.array([[value(row, (0, 1, name)) for name in types] for row in rows])


def precision_at(k, gold, scores):
    best = numpy.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(numpy.mean(numpy.take_along_axis(gold, best, 1).sum(1) / k))


def figures(gold, predicted, scores):
    """What scikit-learn says, in the form that mlce-eval gives."""
    from sklearn import metrics

    def average(kind, **arguments):
        p, r, f, _ = metrics.precision_recall_fscore_support(
            gold, predicted, average=kind, zero_division=0, **arguments
        )
        return {"precision": p, "recall": r, "f1": f, "support": int(gold.sum())}

    occur = numpy.flatnonzero((gold | predicted).any(0))
    macro = average("macro", labels=occur)
    nan = metrics.f1_score(gold, predicted, average="macro", zero_division=numpy.nan)
    assert abs(nan - macro["f1"]) < 1e-12, (nan, macro)
    assert metrics.f1_score(gold, predicted, average="samples", zero_division=0) == (
        average("samples")["f1"]
    )
    return {
        "micro": average("micro"),
        "macro": macro,
        "samples": average("samples"),
        "exact_match": metrics.accuracy_score(gold, predicted),
        "hamming_loss": metrics.hamming_loss(gold, predicted),
        "ranking_average_precision": metrics.label_ranking_average_precision_score(gold, scores),
        "precision_at": {str(k): precision_at(k, gold, scores) for k in (1, 3, 5)},
    }


def compare_figures(where, got, want):
    if isinstance(want, dict):
        for name, value in want.items():
            compare_figures(f"{where} {name}", got[name], value)
    else:
        assert abs(got - want) < 1e-12, f"{where} is {got!r}, expected {want!r}"


def compare(dataset_path, all_path, predictions_path, report_path):
    dataset = files.Dataset(dataset_path)
    types = dataset.types
    everything = files.read_predictions(all_path, types, len(dataset))
    assert all(len(row) == len(types) for row in everything), "a score is missing"
    predictions = files.read_predictions(predictions_path, types, len(dataset))
    over = [{span: s for span, s in row.items() if s > 0} for row in everything]
    assert predictions == over, "what is predicted is not what scores over 0"
    gold = matrix(types, dataset.gold, lambda row, span: int(span in row))
    predicted = matrix(types, predictions, lambda row, span: int(span in row))
    scores = matrix(types, everything, lambda row, span: row[span])
    with open(report_path) as file:
        report = json.load(file)
    warnings.simplefilter("error")
    want = figures(gold, predicted, scores)
    compare_figures("", report, want)
    ties = sum(len(set(row)) < len(row) for row in scores.tolist())
    print(
        f"micro {want['micro']['f1']:.4f}, samples {want['samples']['f1']:.4f}, ranking "
        f"{want['ranking_average_precision']:.4f}, as scikit-learn has it; {ties} items with ties"
    )


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        files.each(compare, 4, sys.argv[2:])
