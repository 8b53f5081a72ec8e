"""Whether two runs took the same course:  check_course.py RUN OTHER TOLERANCE

Compares the lines of metrics.jsonl, but for times: losses to a relative tolerance, steps and F1.
"""

import json
import math
import sys


def read(run):
    with open(f"{run}/metrics.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main(run, other, tolerance):
    a, b = read(run), read(other)
    assert len(a) == len(b) > 3, (len(a), len(b))
    worst = 0
    for x, y in zip(a, b):
        assert (x["step"], x["best"]) == (y["step"], y["best"]), (x, y)
        assert math.isclose(x["dev"]["micro"]["f1"], y["dev"]["micro"]["f1"], abs_tol=0.01), (x, y)
        for p, q in ((x["train_loss"], y["train_loss"]), (x["dev"]["loss"], y["dev"]["loss"])):
            worst = max(worst, abs(p - q) / abs(p))
    assert worst <= tolerance, f"losses differ by {worst:.3g}"
    print(f"{len(a)} evaluations, losses differ by {worst:.3g} at most")


main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
