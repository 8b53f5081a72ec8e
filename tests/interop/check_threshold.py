#!/usr/bin/env python3
"""check_threshold.py found [DATASET.h5 ALL.jsonl FOUND.json]...
check_threshold.py stored [ALL.jsonl PREDICTIONS.jsonl EVAL.json FOUND.json]...

found: ALL has every score; no threshold gives a higher F than those of mlce-eval --find-threshold, for
all types together and for each, and they give what it says. stored: PREDICTIONS has what scores over
the threshold that was stored, and mlce-eval reports its figures."""
import json
import sys

import numpy

import files


def figures(scores, right, gold, threshold, beta):
    over = scores > threshold
    correct, predicted = int((over & right).sum()), int(over.sum())
    below = predicted + beta**2 * gold
    f = (1 + beta**2) * correct / below if below else 0.0
    return f, correct, predicted


def compare(where, cut, scores, right, gold, beta):
    """`cut` does what it says. Returns its F."""
    f, correct, predicted = figures(scores, right, gold, numpy.float32(cut["threshold"]), beta)
    got = (cut["correct"], cut["predicted"], cut["support"])
    assert got == (correct, predicted, gold), f"{where}: {got}, expected {correct, predicted, gold}"
    assert abs(cut["f"] - f) < 1e-12, f"{where}: F {cut['f']!r}, expected {f!r}"
    assert abs(cut["recall"] - (correct / gold if gold else 0)) < 1e-12, where
    return f


def best_of(scores, right, gold, beta):
    """Every score is tried as the threshold, and none at all."""
    thresholds = [*numpy.unique(scores), -numpy.inf]
    return max(figures(scores, right, gold, t, beta)[0] for t in thresholds)


def found(dataset_path, all_path, found_path):
    dataset = files.Dataset(dataset_path)
    predictions = files.read_predictions(all_path, dataset.types, len(dataset))
    report = json.load(open(found_path))
    beta = report["beta"]
    rows = [(s, span[2], span in gold) for gold, row in zip(dataset.gold, predictions)
            for span, s in row.items()]
    scores = numpy.array([row[0] for row in rows], numpy.float32)
    kinds = numpy.array([row[1] for row in rows])
    right = numpy.array([row[2] for row in rows])
    total = sum(map(len, dataset.gold))
    f = compare("best", report["best"], scores, right, total, beta)
    best = best_of(scores, right, total, beta)
    assert abs(f - best) < 1e-12, f"F {f}, but {best} is possible"
    for cut in report["sweep"]:
        assert compare("sweep", cut, scores, right, total, beta) <= best
    thresholds = [cut["threshold"] for cut in report["sweep"]]
    assert thresholds == sorted(set(thresholds), reverse=True), thresholds
    assert report["best"] in report["sweep"]
    for name, cut in report["types"].items():
        mine = kinds == name
        gold = sum(span[2] == name for row in dataset.gold for span in row)
        f = compare(name, cut, scores[mine], right[mine], gold, beta)
        possible = best_of(scores[mine], right[mine], gold, beta)
        assert abs(f - possible) < 1e-12, f"{name}: F {f}, but {possible} is possible"
    for figure in ("correct", "predicted", "support"):
        total = sum(cut[figure] for cut in report["types"].values())
        assert report["each_type_its_own"][figure] == total, figure
    print(f"F{beta:g} {best:.4f} at {report['best']['threshold']:.4f} of {len(rows)} scores: the best")


def stored(all_path, predictions_path, report_path, found_path):
    report, found_report = json.load(open(report_path)), json.load(open(found_path))
    types = list(found_report["types"])
    count = sum(1 for _ in open(all_path))
    everything = files.read_predictions(all_path, types, count)
    predictions = files.read_predictions(predictions_path, types, count)
    of_type = {name: found_report["best"]["threshold"] for name in types}
    cut = found_report["best"]
    if found_report["stored"] == "per type":
        of_type = {name: one["threshold"] for name, one in found_report["types"].items()}
        cut = found_report["each_type_its_own"]
    over = [{span: s for span, s in row.items() if s > of_type[span[2]]} for row in everything]
    assert predictions == over, "what is predicted is not what scores over the stored thresholds"
    for figure in ("precision", "recall", "support"):
        got, want = report["micro"][figure], cut[figure]
        assert abs(got - want) < 1e-12, f"micro {figure} is {got!r}, expected {want!r}"
    print(f"stored ({found_report['stored']}): micro F1 {report['micro']['f1']:.4f}")


if __name__ == "__main__":
    if sys.argv[1] == "found":
        files.each(found, 3, sys.argv[2:])
    else:
        files.each(stored, 4, sys.argv[2:])
