"""Trains with every loss on every data set and writes results.md, results.json and f1.svg.

On each data set each loss goes through the same steps:

  1. One learning rate for all, three seeds.
  2. A rate of its own: with the first seed, the rates beside the common one, and on in the better
     direction for as long as F1 on dev rises. Three seeds with the best; the common rate stays
     where its mean is higher.
  3. For these last runs, F1 on dev at the decision threshold that is best there.

focal's best of a grid first takes alpha and gamma from GRID by F1 on dev, at the common rate and
with the first seed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import made_sets
import plot

RATES = ["1e-4", "3e-4", "1e-3", "3e-3", "1e-2", "3e-2", "1e-1", "3e-1", "1"]
USUAL = (0.25, 2)
GRID = [(alpha, gamma) for alpha in (0.25, 0.5, 0.9) for gamma in (1, 2)]

# labels: (classes, items in train, noise); spans: data sets
MODES = {
    "full": dict(labels=[(100, 8000, 2), (1000, 8000, 0.5), (10000, 4000, 0.5)], epochs=12,
                 spans=["wnut17", "germeval2014"], seeds=(1, 2, 3), grid=GRID, climb=True),
    "quick": dict(labels=[(100, 4000, 2), (1000, 4000, 0.5), (10000, 1000, 0.5)], epochs=6,
                  spans=["wnut17"], seeds=(1,), grid=[(0.5, 1), (0.9, 2)], climb=False),
    "tiny": dict(labels=[(20, 200, 0.5)], epochs=2, spans=["demo"], seeds=(1, 2), grid=[(0.9, 1)],
                 climb=True),
}
# (title, config, train, dev)
SPANS = {"wnut17": ("WNUT 2017, spans", "scripts/compare_losses/wnut17.ini", "train.h5", "dev.h5"),
         "germeval2014": ("GermEval 2014, spans", "scripts/compare_losses/germeval2014.ini", "a.h5", "b.h5"),
         "demo": ("Demo corpus, spans", "configs/ner.ini", "train.h5", "dev.h5")}


class Failed(Exception):
    pass


class DataSet:
    def __init__(self, name, title, config, paths, rate, losses):
        self.name, self.title, self.config, self.paths = name, title, config, paths
        self.rate = rate  # common to all losses
        self.losses = losses  # {label: arguments, or None for focal's best of the grid}


def focal(alpha, gamma):
    return ["loss.name=focal", f"loss.alpha={alpha:g}", f"loss.gamma={gamma:g}"]


def binary(weight):
    return ["loss.name=binary_ce", f"loss.positive_weight={weight:g}"]


def weighted(weights):
    return {f"binary_ce, weight {text}": binary(weight) for text, weight in weights}


FIXED = [("1", 1), ("10", 10), ("100", 100)]
FOCAL = {"focal (0.25, 2)": focal(*USUAL), "focal, best of grid": None}


def label_set(folder, classes, items, noise):
    paths, positives = made_sets.make(folder, classes, items, noise)
    losses = {"multilabel_ce": ["loss.name=multilabel_ce"],
              **weighted(FIXED + [("n/k", round(classes / positives, 1))]), **FOCAL}
    return DataSet(f"labels-{classes}", f"{classes:,} labels", "configs/labels.ini", paths, "3e-2",
                   losses)


def span_set(name, folder):
    title, config, *files = SPANS[name]
    paths = [os.path.join(folder, name, file) for file in files]
    losses = {loss: [f"loss.name={loss}"] for loss in ("multilabel_ce", "threshold_ce", "topk_ce")}
    return DataSet(name, title, config, paths, "1e-3",
                   {**losses, **weighted(FIXED), **FOCAL})


def tool(*arguments):
    environment = dict(os.environ, OMP_WAIT_POLICY=os.environ.get("OMP_WAIT_POLICY", "passive"))
    command = [os.path.join(os.environ["MLCE_BIN"], arguments[0]), *arguments[1:]]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}: build the programs, or set MLCE_BIN")
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


class Run:
    """One training run, in a folder of its own; trained only if that holds no such run yet."""

    def __init__(self, output, data, loss, rate, seed, epochs):
        self.data, self.epochs = data, epochs
        slug = "-".join(part.split("=")[1] for part in loss)
        self.folder = os.path.join(output, "runs", data.name, slug, f"lr-{rate}-seed-{seed}")
        self.arguments = [data.config, f"data.train={data.paths[0]}", f"data.dev={data.paths[1]}",
                          "data.test=", *loss, f"optim.lr={rate}", f"train.seed={seed}",
                          f"train.epochs={epochs}", "train.threads=1"]
        if data.name.startswith("labels"):
            self.arguments.append("train.batch_size=64")
        done = os.path.join(self.folder, "arguments.txt")
        if not os.path.exists(done) or read(done) != "\n".join(self.arguments):
            self.train(done)
        self.curve = self.read_curve()
        self.f1 = max(self.curve)

    def read_curve(self):
        lines = read(os.path.join(self.folder, "metrics.jsonl")).splitlines()
        return [json.loads(line)["dev"]["micro"]["f1"] for line in lines]

    def train(self, done):
        if os.path.exists(done):
            os.remove(done)
        os.makedirs(os.path.dirname(self.folder), exist_ok=True)
        tool("mlce-train", *self.arguments, f"train.output={self.folder}", "--force")
        if len(self.read_curve()) != self.epochs:
            raise Failed(f"{self.folder}: stopped before its last epoch")
        os.remove(os.path.join(self.folder, "last.h5"))
        write(done, "\n".join(self.arguments))

    def f1_at_best_threshold(self):
        if "loss.name=topk_ce" in self.arguments:
            return None  # predicts the best scores, whatever they are
        stored = os.path.join(self.folder, "thresholds.json")
        if not os.path.exists(stored) or os.path.getmtime(stored) < os.path.getmtime(
                os.path.join(self.folder, "arguments.txt")):
            write(stored, tool("mlce-eval", self.folder, self.data.paths[1], "--find-threshold",
                               "--json", "--threads", "1"))
        return json.loads(read(stored))["best"]["f"]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    part = f"{path}.{threading.get_ident()}.part"  # two losses may share a run
    with open(part, "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(part, path)


def mean_and_deviation(values):
    if None in values:
        return None
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


class Comparison:
    def __init__(self, output, mode, jobs):
        self.output, self.mode = output, mode
        self.jobs = threading.Semaphore(jobs)
        self.runs = {}  # by what they are of; two rows of a table may share one
        self.lock = threading.Lock()
        self.failure = None  # the first one, which ends all

    def run(self, data, loss, rate, seed):
        key = (data.name, *loss, rate, seed)
        with self.lock:
            mine = key not in self.runs
            future = self.runs.setdefault(key, Future())
        if mine:
            try:
                with self.jobs:
                    if self.failure:
                        raise self.failure
                    run = Run(self.output, data, loss, rate, seed, self.mode["epochs"])
                print(f"{data.name:13} {' '.join(part.split('=')[1] for part in loss):17} "
                      f"lr {rate:5} seed {seed}  F1 {run.f1:.3f}\n", end="", flush=True)
                future.set_result(run)
            except Exception as failure:
                self.failure = self.failure or failure
                future.set_exception(failure)
        return future.result()

    def run_all(self, data, settings):
        """settings: (loss, rate, seed) -> runs"""
        with ThreadPoolExecutor(len(settings)) as pool:
            return list(pool.map(lambda setting: self.run(data, *setting), settings))

    def best_of_grid(self, data):
        first = self.mode["seeds"][0]
        grid = list(dict.fromkeys([USUAL, *self.mode["grid"]]))  # each once
        runs = self.run_all(data, [(focal(*point), data.rate, first) for point in grid])
        return max(zip(grid, runs), key=lambda pair: pair[1].f1)[0]

    def best_rate(self, data, loss):
        first = self.mode["seeds"][0]
        common = RATES.index(data.rate)
        f1 = {}

        def try_rates(*indices):
            new = [i for i in indices if 0 <= i < len(RATES) and i not in f1]
            if new:
                runs = self.run_all(data, [(loss, RATES[i], first) for i in new])
                f1.update((i, run.f1) for i, run in zip(new, runs))
            return max(f1, key=f1.get)

        best, before = try_rates(common, common - 1, common + 1), common
        while self.mode["climb"] and best != before:
            best, before = try_rates(best - 1, best + 1), best
        return RATES[best]

    def compare(self, data, label):
        """One row of the table."""
        loss, note = data.losses[label], ""
        if loss is None:
            alpha, gamma = self.best_of_grid(data)
            loss, note = focal(alpha, gamma), f"({alpha:g}, {gamma:g})"
        if label.endswith("n/k"):
            note = loss[1].split("=")[1]
        rate = self.best_rate(data, loss)
        runs = {r: self.run_all(data, [(loss, r, seed) for seed in self.mode["seeds"]])
                for r in (data.rate, rate)}
        same = runs[data.rate]
        rate = max(runs, key=lambda r: statistics.fmean(run.f1 for run in runs[r]))
        own = runs[rate]
        with self.jobs:
            thresholded = [run.f1_at_best_threshold() for run in own]
        return dict(loss=label, note=note, rate=rate,
                    same=mean_and_deviation([run.f1 for run in same]),
                    own=mean_and_deviation([run.f1 for run in own]),
                    threshold=mean_and_deviation(thresholded),
                    curve=[mean_and_deviation(points) for points in zip(*(r.curve for r in own))])


def cell(rows, column, row):
    if row[column] is None:
        return "none"
    mean, deviation = row[column]
    text = f"{mean:.3f}"
    if text == f"{max(other[column][0] for other in rows if other[column]):.3f}":
        text = f"**{text}**"
    return f"{text} ± {deviation:.3f}"


def table(data, rows):
    lines = [f"### {data.title}", "",
             f"| loss | F1, lr {data.rate} | F1, lr of its own | that lr | F1, best threshold |",
             "| --- | --- | --- | --- | --- |"]
    for row in rows:
        name = f"{row['loss']}: {row['note']}" if row["note"] else row["loss"]
        f1 = [cell(rows, column, row) for column in ("same", "own", "threshold")]
        lines.append(f"| {name} | {f1[0]} | {f1[1]} | {row['rate']} | {f1[2]} |")
    return "\n".join(lines)


def report(mode, sets, results, missing):
    seeds = len(mode["seeds"])
    text = ["# The losses compared", "",
            f"Micro F1 on dev of the best of {mode['epochs']} epochs: mean and standard deviation "
            f"of {seeds} seed{'s' if seeds > 1 else ''}. First with one learning rate (lr) for all "
            "losses; then with the rate that suits each best on dev; then these runs once more at "
            "the threshold that suits each best on dev, instead of the loss's own. The best of a "
            "column is bold. f1.svg shows F1 by epoch, each loss with the rate of its own.", ""]
    text += [f"Left out: {line}\n" for line in missing]
    text += [table(data, results[data.name]) + "\n" for data in sets]
    return "\n".join(text)


def find_sets(output, mode):
    samples, made = os.environ["MLCE_SAMPLE_DATA"], f"{output}/data"
    spans, missing = [], []
    for name in mode["spans"]:
        if name == "demo":
            tool("mlce-data", "demo", f"{made}/demo", "--sequences", "60", "--force")
        data = span_set(name, made if name == "demo" else samples)
        absent = [path for path in data.paths if not os.path.exists(path)]
        if absent:
            missing.append(f"{data.title}: no {absent[0]} (MLCE_SAMPLE_DATA)")
        else:
            spans.append(data)
    for line in missing:
        print(f"skipped: {line}")
    return [label_set(made, *shape) for shape in mode["labels"]] + spans, missing


def compare_all(comparison, sets):
    """{data set: rows}"""
    with ThreadPoolExecutor(sum(len(data.losses) for data in sets)) as pool:
        futures = {(data.name, label): pool.submit(comparison.compare, data, label)
                   for data in sets for label in data.losses}
        try:
            return {data.name: [futures[data.name, label].result() for label in data.losses]
                    for data in sets}
        except BaseException:
            comparison.failure = comparison.failure or Failed("stopped")
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def options():
    parser = argparse.ArgumentParser(prog="scripts/compare-losses")
    size = parser.add_mutually_exclusive_group()
    for name in ("quick", "tiny"):
        size.add_argument(f"--{name}", dest="mode", action="store_const", const=name)
    parser.add_argument("--output", "-o", metavar="FOLDER")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count(), metavar="N",
                        help="runs at a time, one thread each (default: one a core)")
    chosen = parser.parse_args()
    chosen.mode = chosen.mode or "full"
    if not chosen.output:
        chosen.output = "build/compare-losses"
        if chosen.mode != "full":
            chosen.output += f"-{chosen.mode}"
    if chosen.jobs < 1:
        parser.error("--jobs is at least 1")
    return chosen


def main():
    chosen = options()
    mode = MODES[chosen.mode]
    try:
        sets, missing = find_sets(chosen.output, mode)
        results = compare_all(Comparison(chosen.output, mode, chosen.jobs), sets)
    except Failed as failure:
        sys.exit(f"compare-losses: error: {failure}")
    except KeyboardInterrupt:
        sys.exit("\ncompare-losses: stopped; the same command goes on from here")
    text = report(mode, sets, results, missing)
    write(f"{chosen.output}/results.md", text)
    write(f"{chosen.output}/results.json", json.dumps(results, indent=1))
    panels = [(data.title, results[data.name]) for data in sets]
    write(f"{chosen.output}/f1.svg", plot.draw(panels))
    print(f"\n{text}\nwritten: {chosen.output}/results.md, results.json, f1.svg")


if __name__ == "__main__":
    main()
