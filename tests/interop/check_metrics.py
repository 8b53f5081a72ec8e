#!/usr/bin/env python3
"""check_metrics.py METRICS.jsonl EVAL.json: the reloaded model has exactly the dev figures that
training wrote down for its best checkpoint."""
import json
import sys


def main(metrics_path, report_path):
    lines = [json.loads(line) for line in open(metrics_path, encoding="utf-8")]
    best = [line for line in lines if line["best"]]
    assert best, f"{metrics_path}: no line is the best"
    report = json.load(open(report_path, encoding="utf-8"))
    for average in ("micro", "macro"):
        for figure, value in best[-1]["dev"][average].items():
            got = report[average][figure]
            assert got == value, f"{average} {figure} is {got!r}, in training it was {value!r}"
    assert best[-1]["dev"]["micro"]["f1"] == max(line["dev"]["micro"]["f1"] for line in lines)
    print(f"dev figures of step {best[-1]['step']} come back to the last digit")


if __name__ == "__main__":
    main(*sys.argv[1:])
