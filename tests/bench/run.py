"""What scripts/bench runs: takes the measurements and has the report written. Python alone; PyTorch
is in processes of its own."""
import argparse
import fnmatch
import os
import pathlib
import sys
import time

import report
from contenders import EncoderSteps, Mlce, MlceEpochs, Neighbour, Torch, TorchEpochs, median, memory_for_torch

SHARED, OWN = "efficient_global_pointer", "global_pointer"


def step_name(head, *sizes):
    return ("gp-" if head == OWN else "") + "x".join(map(str, sizes))


# Of each: head, B sequences of L tokens with D features, head size d, T types.
STEPS = {
    step_name(*case): case
    for case in (
        (SHARED, 16, 128, 768, 64, 10),
        (SHARED, 16, 256, 768, 64, 10),
        (SHARED, 4, 512, 768, 64, 10),
        (SHARED, 1, 1024, 384, 64, 6),
        (SHARED, 8, 128, 384, 64, 100),
        (SHARED, 8, 128, 384, 64, 1000),
        (SHARED, 8, 128, 384, 64, 10000),
        (OWN, 8, 128, 384, 64, 10),
    )
}
PARTS = [*STEPS, "wnut17", "encoders", "pairs", "long", "neighbour"]
# Of each: keys of mlce-train, and what PyTorch is given for it.
ENCODER = ["encoder.1.size=128", "encoder.1.dropout=0.3"]
RECIPES = {
    "head alone": ([], {"padded": "none"}),
    "BiLSTM of 128": (["encoder.1.type=bilstm", *ENCODER],
                      {"padded": "bilstm-padded", "packed": "bilstm-packed"}),
    "letters, dense layer, BiLSTM": (
        ["features.shape=512", "features.standardise=yes", "encoder.1.type=mlp", *ENCODER,
         "encoder.2.type=bilstm", "encoder.2.size=128", "encoder.2.dropout=0.3"],
        {"padded": "wide"}),
    "cnn of 128, depth 2": (["encoder.1.type=cnn", "encoder.1.depth=2", *ENCODER],
                            {"padded": "cnn"}),
}
LONGEST = 25  # seconds after which no further round of a part begins


def say(text):
    print(text, flush=True)


def take_turns(contenders, rounds, seconds):
    """Of each contender the medians over its rounds of about so many seconds; slow ones get fewer
    rounds, but one."""
    taken = {contender.name: [] for contender in contenders}
    for contender in contenders:
        contender.wait_until_ready()
    began = time.monotonic()
    for _ in range(rounds):
        for contender in contenders:
            taken[contender.name].append(contender.measure(seconds))
        if time.monotonic() - began > LONGEST:
            break
    for contender in contenders:
        contender.close()
    return {name: {key: median([run[key] for run in runs]) for key in runs[0]}
            for name, runs in taken.items()}


def measure_step(options, name):
    case = STEPS[name]
    contenders = [Mlce(*case)]
    if options.torch:
        ways = ["eager"] if options.quick else ["eager", "compile"]
        needed, there = memory_for_torch(*case)
        if needed > there:
            say(f"{name}: PyTorch would need about {needed / 2**30:.0f} GiB: left out")
            ways = []
        contenders += [Torch(way, *case) for way in ways]
    rounds = 3 if options.quick else 5
    taken = take_turns(contenders, rounds, 0.4 if options.quick else 0.8)
    ours = taken["mlce"]
    line = f"{ours['tokens_per_second']:,.0f} tokens/s, {ours['over_floor']:.2f} times the floor"
    for way in ("eager", "compile"):
        if way in taken:
            ratio = ours["tokens_per_second"] / taken[way]["tokens_per_second"]
            line += f", {ratio:.1f} times PyTorch {way}"
    say(f"{name}: {line}")
    return taken


def sample_data():
    return pathlib.Path(os.environ.get("MLCE_SAMPLE_DATA", "../shared/data"))


def measure_wnut17(options):
    """Whole epochs over real sentences, batches of 16: a head alone, and behind encoders."""
    train = sample_data() / "wnut17" / "train.h5"
    if not train.exists():
        say(f"wnut17: left out, no {train}")
        return None
    taken = {}
    for recipe, (keys, ways) in RECIPES.items():
        contenders = [MlceEpochs(train, 1 if options.quick else 3, keys)]
        if options.torch:
            contenders += [TorchEpochs(train, way, of) for way, of in ways.items()]
        runs = take_turns(contenders, 1 if options.quick else 2, 0)
        say(f"wnut17, {recipe}: " + ", ".join(f"{name} {run['tokens_per_second']:,.0f} tokens/s"
                                              for name, run in runs.items()))
        taken[recipe] = runs
    return taken


def measure_encoders(options):
    """Steps of the recurrent encoders alone against their own products through cblas_sgemm: 16
    sequences of 4 to 40 tokens."""
    taken = {}
    for kind in ("bilstm", "gru"):
        contender = EncoderSteps(kind, 16, 4, 40, 384, 128)
        taken[kind] = take_turns([contender], 2 if options.quick else 5, 0)["mlce"]
        say(f"encoders: {kind}: {taken[kind]['tokens_per_second']:,.0f} tokens/s, "
            f"{taken[kind]['floors']:.2f} times its products")
    return taken


def pairs_of(length, max_width):
    width = min(max_width or length, length)
    return width * (width + 1) // 2 + (length - width) * width


def measure_alone(options, head, *sizes, max_width=0):
    contender = Mlce(head, *sizes, max_width=max_width)
    return take_turns([contender], 2 if options.quick else 3, 0.5)["mlce"]


def measure_pairs(options):
    """The loss and its gradients for one long sequence: the time of a pair of tokens."""
    taken = []
    for length in (512, 1024, 2048, 4096, 8192):
        run = measure_alone(options, SHARED, 1, length, 384, 64, 6)
        run |= {"length": length, "nanoseconds": 1e9 * run["loss"] / pairs_of(length, 0)}
        say(f"pairs: length {length}: {run['nanoseconds']:.2f} ns a pair, "
            f"{run['over_floor']:.2f} times the floor")
        taken.append(run)
    return taken


def measure_long(options):
    """One document of 16,384 tokens, all pairs and spans up to 64 tokens only."""
    taken = []
    for max_width in (0, 64):
        run = measure_alone(options, SHARED, 1, 16384, 384, 64, 6, max_width=max_width)
        run |= {"max_width": max_width}
        say(f"long: width limit {max_width or 'none'}: {run['over_floor']:.2f} times the floor, "
            f"{run['peak_mib']:.0f} MiB")
        taken.append(run)
    return taken


def measure_neighbour(options):
    """What is left of the speed while another process keeps one of the cores busy."""
    case = STEPS["16x128x768x64x10"]
    contenders = [Mlce(*case)] + ([Torch("eager", *case)] if options.torch else [])
    cores = sorted(os.sched_getaffinity(0))
    kept = {c.name: [] for c in contenders}
    for contender in contenders:
        contender.wait_until_ready()
    for _ in range(2 if options.quick else 4):
        for contender in contenders:
            alone = contender.measure(0.6)["tokens_per_second"]
            with Neighbour(cores[-1]):
                beside = contender.measure(1.2)["tokens_per_second"]
            kept[contender.name].append(beside / alone)
    for contender in contenders:
        contender.close()
    shares = {name: median(of) for name, of in kept.items()}
    say("neighbour: " + ", ".join(f"{name} keeps {of:.2f}" for name, of in shares.items()))
    return shares


def keep_to_cores(threads):
    """Both sides get as many threads as cores, and the same cores."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    os.sched_setaffinity(0, cores)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if len(cores) < threads:
        say(f"note: {threads} threads on {len(cores)} cores")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--case", action="append", metavar="NAME")
    parser.add_argument("--output", type=pathlib.Path, default="build/bench-results")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    wanted = options.case or ["*"]
    options.parts = [part for part in PARTS if any(fnmatch.fnmatch(part, w) for w in wanted)]
    if not options.parts:
        parser.error(f"no such case; there are {' '.join(PARTS)}")
    return options


def main():
    options = arguments()
    if options.list:
        print("\n".join(PARTS))
        return
    keep_to_cores(options.threads)
    results = {"machine": report.machine(options), "steps": {}}
    others = {"wnut17": measure_wnut17, "encoders": measure_encoders, "pairs": measure_pairs, "long": measure_long,
              "neighbour": measure_neighbour}
    began = time.monotonic()
    for part in options.parts:
        if part in STEPS:
            results["steps"][part] = {"case": STEPS[part], **measure_step(options, part)}
        else:
            results[part] = others[part](options)
    results["machine"]["load_after"] = os.getloadavg()[0]
    say(f"\n{time.monotonic() - began:.0f} s\n")
    report.write(results, options.output)


sys.exit(main())
