"""What scripts/bench --stream runs: makes a dataset of random rows that is larger than memory, trains
an epoch over it with mlce-train as a user would, and one over what stays in memory. Removes it all
afterwards."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from contenders import BUILD, HERE

UNITS = {"M": 1, "G": 1024}
IN_MEMORY = 1024  # MiB of the part that is trained on in memory


def say(text):
    print(text, flush=True)


def mebibytes(text):
    found = re.fullmatch(r"(\d+)([MG])", text)
    if not found:
        raise argparse.ArgumentTypeError("a size as 30G or 500M")
    return int(found[1]) * UNITS[found[2]]


def make(folder, size, shards):
    folder.mkdir()
    subprocess.run([BUILD / "bench" / "bench_stream", folder, str(size), str(shards)], check=True,
                   stdout=subprocess.DEVNULL)
    for path in folder.glob("*.h5"):  # to be read from the disk
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return sum(path.stat().st_size for path in folder.glob("*.h5"))


def train(folder, name, options, keys):
    """An epoch; with the peak of the process's memory (VmHWM), all of it."""
    output = folder.parent / name
    command = [BUILD / "bin" / "mlce-train", HERE / "epoch.ini", f"data.train={folder}/*.h5",
               "train.epochs=1", f"train.threads={options.threads}", "train.batch_size=32",
               f"train.output={output}", *keys, *options.key]
    with open(folder.parent / f"{name}.log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            log.seek(0)
            sys.exit(f"bench: mlce-train failed:\n{log.read()}")
    with open(output / "metrics.jsonl", encoding="utf-8") as lines:
        line = json.loads(lines.read().splitlines()[-1])
    return {"tokens_per_second": line["tokens_per_second"], "waiting": line["waiting"],
            "peak_mib": used.ru_maxrss / 1024}


def show(name, size, run):
    say(f"{name}: {size / 2**30:.1f} GiB, {run['tokens_per_second']:,.0f} tokens/s, "
        f"{100 * run['waiting']:.1f} % waiting for data, {run['peak_mib']:,.0f} MiB at most")


def measure(folder, options):
    free = shutil.disk_usage(folder).free >> 20
    size = options.size
    if size + IN_MEMORY > free * 2 // 3:
        size = free * 2 // 3 - IN_MEMORY
        say(f"{free / 1024:.0f} GiB of disk are free: {size / 1024:.0f} instead of {options.size / 1024:.0f}")
    large, small = folder / "large", folder / "small"
    bytes_large, bytes_small = make(large, size, options.shards), make(small, IN_MEMORY, 1)
    memory = f"data.memory={bytes_small >> 19}"
    resident = train(small, "resident", options, [memory])
    show("in memory", bytes_small, resident)
    streamed = train(large, "streamed", options, ["data.memory=0"])
    show("streamed", bytes_large, streamed)
    share = streamed["tokens_per_second"] / resident["tokens_per_second"]
    say(f"streamed is {share:.2f} times as fast")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench --stream")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--size", type=mebibytes, default="30G", help="of the dataset: 30G, 500M")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--key", action="append", default=[], metavar="KEY=VALUE", help="for mlce-train")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="bench-stream-") as folder:
        measure(pathlib.Path(folder), options)


main()
