"""The sides of the comparison. Each has a name, wait_until_ready(), measure(seconds), which runs
for about that long and returns numbers, and close()."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
BUILD = HERE.parent.parent / "build"
MOST_STEPS = 200
median = statistics.median


def run(command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"bench: error: {' '.join(map(str, command))}\n{result.stderr or result.stdout}")
    return result.stdout


class Mlce:
    """Our steps, and the floor, in a new process each time."""
    name = "mlce"

    def __init__(self, head, *sizes, max_width=0):
        self.command = [BUILD / "bench" / "bench_step", head, *sizes, max_width]
        self.of_step = None

    def steps(self, count):
        return json.loads(run([*self.command, count]))

    def wait_until_ready(self):
        self.of_step = self.steps(2)["step"]

    def measure(self, seconds):
        count = min(MOST_STEPS, max(2, round(seconds / self.of_step)))
        taken = self.steps(count)
        taken["tokens_per_second"] = taken["tokens"] / taken["step"]
        taken["over_floor"] = taken["step"] / taken["floor"]
        return taken

    def close(self):
        pass


class Server:
    """A Python process that stays, and measures when it is sent a line."""

    def __init__(self, script, *arguments):
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(BUILD / "bench-venv/inductor")}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, HERE / script, *map(str, arguments)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.script, self.ready = script, None

    def reply(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            sys.exit(f"bench: error: {self.script} ended with {self.process.wait()}\n"
                     + self.errors.read()[-4000:])
        return json.loads(line)

    def wait_until_ready(self):
        self.ready = self.reply()["ready"]

    def ask(self, count):
        print(count, file=self.process.stdin, flush=True)
        return self.reply()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


class Torch(Server):
    def __init__(self, way, head, *sizes):
        super().__init__("torch_step.py", head, *sizes, way)
        self.name, self.tokens = way, sizes[0] * sizes[1]

    def measure(self, seconds):
        count = min(MOST_STEPS, max(1, round(seconds / self.ready)))
        taken = self.ask(count)
        step = median(taken["times"])
        return {"step": step, "tokens_per_second": self.tokens / step,
                "peak_mib": taken["peak_mib"]}


def memory_for_torch(head, sequences, length, width, head_size, types):
    """Bytes that the dense arrays of a step take, about, and bytes that are there."""
    array = 4 * sequences * types * length * length
    with open("/proc/meminfo") as lines:
        there = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    return 12 * array, 1024 * there  # eager takes about 8 of them, compiled 5, at the same time


class MlceEpochs:
    """mlce-train over a whole file, as a user runs it."""
    name = "mlce"

    def __init__(self, train, epochs, keys):
        self.train, self.epochs, self.keys = train, epochs, keys

    def wait_until_ready(self):
        pass

    def measure(self, seconds):
        folder = pathlib.Path(tempfile.mkdtemp(dir=BUILD))
        run([BUILD / "bin" / "mlce-train", HERE / "epoch.ini", f"data.train={self.train}",
             f"train.epochs={self.epochs}", f"train.output={folder / 'run'}", *self.keys])
        with open(folder / "run" / "metrics.jsonl", encoding="utf-8") as lines:
            speeds = [json.loads(line)["tokens_per_second"] for line in lines]
        shutil.rmtree(folder)
        return {"tokens_per_second": median(speeds)}

    def close(self):
        pass


class TorchEpochs(Server):
    def __init__(self, train, name, encoder):
        super().__init__("torch_epoch.py", train, 16, 64, 0.3, encoder)
        self.name = name

    def measure(self, seconds):
        taken = self.ask(1)
        return {"tokens_per_second": taken["tokens"] / taken["seconds"]}


class EncoderSteps:
    """Steps of a recurrent encoder alone, and its own products, in a new process each time."""
    name = "mlce"

    def __init__(self, kind, *sizes):
        self.command = [BUILD / "bench" / "bench_encoder", kind, *sizes]

    def wait_until_ready(self):
        pass

    def measure(self, seconds):
        return json.loads(run([*self.command, 30]))

    def close(self):
        pass


class Neighbour:
    """A process that keeps one core busy, for a `with` block; it ends with this process."""

    def __init__(self, core):
        self.program = (f"import os; os.sched_setaffinity(0, [{core}]); parent = {os.getpid()}\n"
                        "while os.getppid() == parent:\n  for _ in range(100000): pass")

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", self.program])

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
