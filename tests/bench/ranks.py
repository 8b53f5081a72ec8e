"""What scripts/bench --mpi runs: ranks of MPI against one process, on this machine, and a model of the
cost from what was measured."""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
DATA = pathlib.Path(os.environ.get("MLCE_SAMPLE_DATA", HERE.parent.parent.parent / "shared/data"))
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
ENVIRONMENT.pop("OMP_NUM_THREADS", None)
TOKENS = 62730  # of an epoch
SEQUENCES = 3394


def mpirun(ranks):
    return ["mpirun", "-n", str(ranks)] if ranks > 1 else []


def train(ranks, threads, batch, folder, epochs=2):
    """Tokens a second of an epoch or more, and the parameters of the model."""
    command = [*mpirun(ranks), BUILD / "bin/mlce-train", HERE.parent.parent / "configs/wnut17.ini",
               f"data.train={DATA}/wnut17/train.h5", "data.dev=", f"train.threads={threads}",
               f"train.batch_size={batch}", f"train.epochs={epochs}", "train.output=" + folder, "--force"]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    found = re.search(r"\((\d+) tokens/s without\)", ran.stdout)
    if ran.returncode or not found:
        sys.exit(f"bench: {' '.join(map(str, command))} failed:\n{ran.stdout}{ran.stderr}")
    return float(found[1]), int(re.search(r"(\d+) parameters", ran.stdout)[1])


def reduce_time(ranks, floats):
    ran = subprocess.run([*mpirun(ranks), BUILD / "bench/bench_reduce", str(floats)], env=ENVIRONMENT,
                         capture_output=True, text=True, check=True)
    return float(ran.stdout)


def fit(points):
    """a and b of seconds = a + b * tokens by least squares; where a would be negative, as large batches
    miss the caches, it is 0 and b the median."""
    x, y = zip(*points)
    line = statistics.linear_regression(x, y)
    if line.intercept >= 0:
        return line.intercept, line.slope
    return 0.0, statistics.median(seconds / tokens for tokens, seconds in points)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --mpi")
    parser.add_argument("--mpi", action="store_true")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    options = parser.parse_args()
    if not (DATA / "wnut17/train.h5").exists():
        sys.exit(f"bench: error: no WNUT 2017 in {DATA}: set MLCE_SAMPLE_DATA")
    cases = {"1 rank, 1 thread": (1, 1), "1 rank, 2 threads": (1, 2), "2 ranks, 1 thread each": (2, 1)}
    speeds = {name: [] for name in cases}
    by_batch = {(ranks, batch): [] for ranks in (1, 2) for batch in (8, 128)}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name, (ranks, threads) in cases.items():
                speed, parameters = train(ranks, threads, 32, folder + "/run")
                speeds[name].append(speed)
            for ranks, batch in by_batch:
                by_batch[ranks, batch].append(train(ranks, 1, batch, folder + "/run", 1)[0])
    one, threaded, two = (statistics.median(speeds[name]) for name in cases)
    print(f"WNUT 2017, the recipe's BiLSTM, {parameters} parameters, batches of 32: medians of {options.rounds}\n")
    for name, speed in speeds.items():
        print(f"{name:24} {statistics.median(speed):8.0f} tokens/s")
    print(f"\n2 ranks x 1 thread are {two / threaded:.2f} times 1 rank x 2 threads")
    print(f"2 ranks x 1 thread are {two / one:.2f} times 1 rank x 1 thread\n")
    show_model(parameters, {**{key: statistics.median(value) for key, value in by_batch.items()},
                            (1, 32): one, (2, 32): two})


def show_model(parameters, speeds):
    """seconds of a step = a + b * tokens / ranks + r"""
    tokens = {batch: TOKENS / SEQUENCES * batch for batch in (8, 32, 128)}
    steps = {(ranks, batch): tokens[batch] / speed for (ranks, batch), speed in speeds.items()}
    a, b = fit([(tokens[batch], steps[1, batch]) for batch in tokens])
    r = reduce_time(2, parameters)
    print(f"a = {a * 1e3:.2f} ms a step, b = {b * 1e6:.1f} us a token (from 1 rank);")
    print(f"r = {r * 1e3:.2f} ms to sum {parameters * 4 / 1e6:.2f} MB over 2 ranks in shared memory\n")
    print("batch   tokens   1 rank: a + b t  measured   2 ranks: a + b t/2 + r  measured")
    for batch, t in tokens.items():
        print(f"{batch:5} {t:8.0f} {(a + b * t) * 1e3:14.2f} ms {steps[1, batch] * 1e3:6.2f} ms "
              f"{(a + b * t / 2 + r) * 1e3:18.2f} ms {steps[2, batch] * 1e3:8.2f} ms")
    print("\nThe same model on machines of one such core each, r = 2 (N - 1) / N * bytes / bandwidth + "
          "2 log2(N) * 30 us,\nnothing of it hidden: times one machine's speed")
    print("batch   network       2     4     8    16")
    for batch in (32, 128, 512):
        t = TOKENS / SEQUENCES * batch
        for name, bandwidth in (("1 Gbit/s", 117e6), ("10 Gbit/s", 1.17e9), ("100 Gbit/s", 11.7e9)):
            gains = [(a + b * t) / (a + b * t / n + 2 * (n - 1) / n * 4 * parameters / bandwidth
                                    + 2 * (n.bit_length() - 1) * 30e-6) for n in (2, 4, 8, 16)]
            print(f"{batch:5}   {name:10} " + " ".join(f"{gain:5.1f}" for gain in gains))


main()
