#!/usr/bin/env python3
"""Changed configurations, datasets, models and texts through the programs, as a user runs them.

    mutants.py BIN COUNT [--seed N] [--keep FOLDER]

COUNT configurations, COUNT datasets and half as many models and texts are changed - bytes, ends, lines, numbers, and with h5py the
shapes, types and values inside HDF5 files. A program may succeed or say what is wrong; it fails here
if it ends by a signal or with an exit code over 2, runs over 10 seconds (of computing), prints a
control character or leaves a file half-written. The last line counts. --keep copies what failed.
"""
import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

SECONDS = 10
NUMBERS = ["0", "-1", "1e308", "99999999999999999999", "9223372036854775807", "-9223372036854775808",
           "2147483648", "nan", "inf", "1e-320", "0x10", "", "%n%s", "sweep(1, 2)"]
WORDS = [b"\0", b"\xff\xfe", b"%n%n%s", b"../../x", b"<script>", b"\x1b[2J", b"\n", b"\r\n", b"\xf0\x9f",
         b"[", b"]", b"=", b"\"", b",", b"{", b"}", b"\t", b" " * 300, b"9" * 40]
CONFIG = """[data]
train = train.h5
dev = dev.h5
[encoder.1]
type = mlp
size = 4
[model]
head_size = 2
[optim]
lr = 1e-3
[train]
epochs = 1
batch_size = 2
threads = 1
seed = 1
output = run
"""


def write_tiny(path, libver="earliest"):
    with h5py.File(path, "w", libver=libver) as f:
        f.attrs["format"], f.attrs["version"], f.attrs["embedding"] = "mlce-spans", 1, "tiny"
        f["types"] = ["PER", "LOC"]
        f["tokens/embeddings"] = np.random.default_rng(1).normal(size=(12, 4)).astype("f2")
        f["tokens/text"] = "Ann Lee met Bob in Rome . No one else came .".split()
        f["sequences/offsets"], f["sequences/id"] = [0, 7, 12, 12], ["a", "b", "c"]
        f["spans/offsets"], f["spans/items"] = [0, 3, 3, 3], [[0, 2, 0], [3, 4, 0], [5, 6, 1]]


def change_bytes(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            data[at:at] = rng.choice(WORDS)
        elif kind == 1 and rng.random() < 0.2:
            del data[at:]
        elif kind == 2:
            del data[at:at + rng.randint(1, 9)]
        elif at < len(data):
            data[at] = rng.choice([rng.randrange(256), 0, 255, data[at] ^ 1 << rng.randrange(8)])
    return bytes(data)


def change_text(rng, data):
    lines = data.splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind == 0:
            lines.insert(at, lines[other])
        elif kind == 1:
            lines[at] = lines[at][:rng.randrange(len(lines[at]) + 1)] + lines[other]
        elif kind == 2 and len(lines) > 1:
            del lines[at]
        elif kind == 3:
            lines[at] = re.sub(rb"[0-9][0-9.e-]*", lambda _: rng.choice(NUMBERS).encode(), lines[at])
        elif kind == 4 and b"=" in lines[at]:
            lines[at] = lines[at].split(b"=")[0] + b"= " + rng.choice(WORDS + [n.encode() for n in NUMBERS]) + b"\n"
        else:
            lines[at] = change_bytes(rng, lines[at])
        if not lines:
            break
    return b"".join(lines)


def odd_values(rng):
    return rng.choice([
        np.zeros((0, 4), "f4"), np.full((12, 4), np.nan, "f4"), np.arange(13), np.arange(4)[::-1].copy(),
        np.array([0, 7, 12, 2**62]), np.array([-1, 0, 3, 2**31]), np.array([[0, 2**40, 0]]), np.int64(7),
        np.array([b"a", b"\x1b[31m\xff"]), np.array([b"PER"] * 2), np.zeros((2, 2, 2, 2)),
        np.array([], "i8"), np.array([[0.0, 1e300]]), np.array([b"<script>%n../"] * 12)])


def change_inside(rng, path):
    """The file stays right as HDF5."""
    with h5py.File(path, "r+") as f:
        names = []
        f.visit(names.append)
        for _ in range(rng.randint(1, 2)):
            name = rng.choice(names)
            kind = rng.randrange(5)
            if name not in f:
                continue
            if kind == 0:
                del f[name]
            elif kind == 1:
                del f[name]
                f[name] = odd_values(rng)
            elif kind == 2:
                del f[name]
                f.create_dataset(name, shape=(rng.choice([3, 10**6, 2**40]), 4)[:rng.randint(1, 2)],
                                 dtype=rng.choice(["f2", "f4", "i8"]), chunks=True)
            elif kind == 3 and f.attrs:
                key = rng.choice(list(f.attrs))
                old = f.attrs[key]
                f.attrs[key] = rng.choice([2**62, -1, b"\xff", "x" * 70000, "{}", [1, 2], 1.5, str(old)[:-9]])
            elif isinstance(f[name], h5py.Dataset) and 0 < f[name].size < 10**5 and f[name].dtype.kind in "if":
                values = f[name][()]
                values.flat[rng.randrange(values.size)] = rng.choice([-1, 0, 5, 1000])
                f[name][...] = values


class Programs:
    def __init__(self, folder, work, keep):
        self.folder, self.work, self.keep = folder, work, keep
        self.ran, self.refused, self.failed = 0, 0, 0

    def fail(self, what, files, output=b""):
        self.failed += 1
        print(f"FAILED: {what}\n    {output[-600:]!r}")
        if self.keep:
            os.makedirs(self.keep, exist_ok=True)
            for file in files:
                if os.path.isfile(file):
                    shutil.copy(file, os.path.join(self.keep, f"{self.failed}-{os.path.basename(file)}"))

    def run(self, arguments, outputs=(), files=()):
        """A failure leaves none of the outputs; nothing is left half-written in any case."""
        self.ran += 1
        command = [os.path.join(self.folder, arguments[0]), *arguments[1:]]
        what = " ".join(arguments)
        limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        try:
            done = subprocess.run(command, capture_output=True, timeout=30 * SECONDS, preexec_fn=limit,
                                  env=dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive"))
        except subprocess.TimeoutExpired:
            return self.fail(f"{what}: hangs", files)
        self.refused += done.returncode == 1
        shown = done.stderr
        if done.returncode not in (0, 1, 2):
            self.fail(f"{what}: exit {done.returncode}", files, shown)
        elif done.returncode and not shown.startswith(arguments[0].encode() + b": "):
            self.fail(f"{what}: exit {done.returncode} without a message", files, shown)
        elif re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", shown + (b"" if "mlce-predict" in what else done.stdout)):
            self.fail(f"{what}: prints a control character", files, shown + done.stdout)
        left = [n for n in os.listdir(".") if ".part" in n or n.endswith(".tmp")]
        left += [n for n in outputs if done.returncode and os.path.exists(n)]
        if left:
            self.fail(f"{what}: exit {done.returncode}, left {left}", files, shown)
        for name in outputs:
            shutil.rmtree(name, ignore_errors=True)
            if os.path.lexists(name):
                os.unlink(name)


def texts():
    conll = b"# id = s1\nAnn NNP B-PER\nLee NNP I-PER\nmet VBD O\n\nRome NNP B-LOC\n. . O\n"
    line = b'{"id": 1, "text": "Ann met Bob", "label": [[0, 3, "PER"], [8, 11, "PER"]]}\n'
    tokens = b'{"text": "Ann met", "tokens": ["Ann", "met"], "chars": [[0, 3], [4, 7]], "spans": [{"start": 0, "end": 1, "type": "PER"}]}\n'
    return {"in.conll": conll, "in.jsonl": line + tokens,
            "vectors.txt": b"Ann 0.1 0.2 -3e-1\nmet 1 2 3\nBob 0 0 1\n"}


def configs(rng, programs, count):
    for _ in range(count):
        change = change_text if rng.random() < 0.7 else change_bytes
        with open("changed.ini", "wb") as f:
            f.write(change(rng, CONFIG.encode()))
        # The command line has the last word: no change sends the run elsewhere, or makes it long.
        programs.run(["mlce-train", "changed.ini", "train.output=out", "train.epochs=1", "data.dev=dev.h5",
                      "train.threads=1"], ["out"], ["changed.ini"])


def datasets(rng, programs, count):
    for n in range(count):
        shutil.copy("latest.h5" if rng.random() < 0.3 else "train.h5", "changed.h5")
        change_file(rng, "changed.h5")
        run = [["mlce-data", "validate", "changed.h5"], ["mlce-data", "inspect", "changed.h5"],
               ["mlce-data", "check", "changed.h5", "dev.h5"], ["mlce-eval", "run", "changed.h5"],
               ["mlce-predict", "run", "changed.h5", "-o", "out"],
               ["mlce-data", "merge", "changed.h5", "dev.h5", "-o", "out"],
               ["mlce-data", "convert", "changed.h5", "-o", "out", "--to", "jsonl"],
               ["mlce-train", "train.ini", "data.train=changed.h5", "train.output=out"]][n % 8]
        programs.run(run, ["out"] if "out" in " ".join(run) else [], ["changed.h5"])


def change_file(rng, path):
    if rng.random() < 0.5:
        change_inside(rng, path)
        return
    with open(path, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(change_bytes(rng, data))


def models(rng, programs, count):
    for n in range(count):
        shutil.rmtree("changed", ignore_errors=True)
        shutil.copytree("run", "changed")
        for name in ("best.h5", "last.h5"):
            change_file(rng, f"changed/{name}")
        run = [["mlce-eval", "changed", "dev.h5"], ["mlce-predict", "changed", "dev.h5", "-o", "out"],
               ["mlce-export", "changed", "--format", "safetensors", "-o", "out"], ["mlce-report", "changed"],
               ["mlce-train", "--resume", "changed", "train.epochs=2"]][n % 5]
        programs.run(run, ["out"] if "out" in run else [], ["changed/best.h5", "changed/last.h5"])
    shutil.rmtree("changed", ignore_errors=True)


def converted(rng, programs, count):
    for n in range(count):
        name, data = list(texts().items())[n % 3]
        changed = "changed-" + name
        with open(changed, "wb") as f:
            f.write((change_text if rng.random() < 0.5 else change_bytes)(rng, data))
        if n % 3 == 2:
            run = ["mlce-data", "convert", "in.conll", "-o", "out", "--embed", "vectors:" + changed]
        elif n % 2:
            run = ["mlce-data", "convert", changed, "-o", "out", "--embed", "hash:8"]
        else:
            run = ["mlce-data", "convert", changed, "-o", "out", "--to", "brat"]
        programs.run(run, ["out"], [changed])
        os.unlink(changed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    options = parser.parse_args()
    folder, keep = os.path.abspath(options.bin), options.keep and os.path.abspath(options.keep)
    work = tempfile.mkdtemp()
    os.chdir(work)
    try:
        write_tiny("train.h5"), write_tiny("dev.h5"), write_tiny("latest.h5", "latest")
        with open("train.ini", "w") as f:
            f.write(CONFIG)
        for name, data in texts().items():
            with open(name, "wb") as f:
                f.write(data)
        programs = Programs(folder, work, keep)
        subprocess.run([os.path.join(folder, "mlce-train"), "train.ini"], check=True, capture_output=True)
        configs(random.Random(options.seed), programs, options.count)
        datasets(random.Random(options.seed + 1), programs, options.count)
        models(random.Random(options.seed + 2), programs, options.count // 2)
        converted(random.Random(options.seed + 3), programs, options.count // 2)
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    print(f"inputs tried {programs.ran}, failures {programs.failed} ({options.count} configurations, "
          f"{options.count} datasets, {options.count // 2} models, {options.count // 2} texts; "
          f"{programs.refused} refused)")
    return 1 if programs.failed else 0


if __name__ == "__main__":
    sys.exit(main())
