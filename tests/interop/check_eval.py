#!/usr/bin/env python3
"""check_eval.py recount DATASET.h5 PREDICTIONS.jsonl EVAL.json
check_eval.py flat DATASET.h5 PREDICTIONS.jsonl PART.h5
check_eval.py seqeval PART.h5 PREDICTIONS.jsonl EVAL.json

recount: what mlce-eval reports is what a plain count of the predictions gives, to the last digit.
flat: writes a dataset of the sequences whose gold and predicted spans do not overlap: what tags can
express. seqeval: on such a dataset mlce-eval reports what seqeval does, to the last digit."""
import json
import sys

import files

FIGURES = ("precision", "recall", "f1", "support")


def score(correct, predicted, gold):
    precision = correct / predicted if predicted else 0.0
    recall = correct / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
    return dict(zip(FIGURES, (precision, recall, f1, gold)))


def compare(name, got, want):
    for figure in FIGURES:
        assert got[figure] == want[figure], (
            f"{name} {figure} is {got[figure]!r}, expected {want[figure]!r}"
        )


def compare_all(report, micro, macro, types):
    """`types` are those that stand in gold or prediction; all others have 0 throughout."""
    assert micro["f1"] > 0, "no predicted span is right: too little to compare"
    compare("micro", report["micro"], micro)
    compare("macro", report["macro"], macro)
    for name, got in report["types"].items():
        compare(name, got, types.get(name, score(0, 0, 0)))
    assert set(types) <= set(report["types"]), "a type is missing"


def count(dataset, predictions):
    """{type: (correct, predicted, gold)}, those with spans on either side."""
    counts = {}
    for gold, predicted in zip(dataset.gold, predictions):
        for span in gold | set(predicted):
            c = counts.setdefault(span[2], [0, 0, 0])
            c[0] += span in gold and span in predicted
            c[1] += span in predicted
            c[2] += span in gold
    return counts


def recount(dataset, predictions, report_path):
    counts = count(dataset, predictions)
    types = {name: score(*c) for name, c in counts.items()}
    micro = score(*map(sum, zip(*counts.values())))
    macro = {}
    for figure in FIGURES[:3]:
        total = 0.0
        for name in dataset.types:  # in this order: the last digit of a sum depends on it
            total += types[name][figure] if name in types else 0.0
        macro[figure] = total / len(types)
    macro["support"] = micro["support"]
    compare_all(json.load(open(report_path)), micro, macro, types)
    print(f"micro F1 {micro['f1']:.4f} over {micro['support']} spans, as counted")


def is_flat(spans):
    ordered = sorted(spans)
    return all(a[1] <= b[0] for a, b in zip(ordered, ordered[1:]))


def flat(dataset, predictions, part_path):
    keep = [
        s
        for s in range(len(dataset))
        if is_flat(dataset.gold[s]) and is_flat(predictions[s]) and dataset.length(s)
    ]
    dataset.write_part(part_path, keep)
    print(f"{len(keep)} of {len(dataset)} sequences are flat")


def tags(length, spans):
    out = ["O"] * length
    for start, end, name in spans:
        out[start:end] = [f"B-{name}"] + [f"I-{name}"] * (end - start - 1)
    return out


def seqeval(dataset, predictions, report_path):
    from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

    lengths = [dataset.length(s) for s in range(len(dataset))]
    gold = [tags(*pair) for pair in zip(lengths, dataset.gold)]
    predicted = [tags(*pair) for pair in zip(lengths, predictions)]

    def figures(average):
        values = precision_recall_fscore_support(gold, predicted, average=average, zero_division=0)
        return dict(zip(FIGURES, values))

    each = figures(None)
    names = sorted(count(dataset, predictions))
    types = {n: {f: each[f][i] for f in FIGURES} for i, n in enumerate(names)}
    micro, macro = figures("micro"), figures("macro")
    compare_all(json.load(open(report_path)), micro, macro, types)
    print(f"micro F1 {micro['f1']:.4f}, macro F1 {macro['f1']:.4f}, as seqeval has it")


def main(what, dataset_path, predictions_path, last):
    dataset = files.Dataset(dataset_path)
    predictions = files.read_predictions(predictions_path, dataset.types, len(dataset))
    {"recount": recount, "flat": flat, "seqeval": seqeval}[what](dataset, predictions, last)


if __name__ == "__main__":
    main(*sys.argv[1:])
