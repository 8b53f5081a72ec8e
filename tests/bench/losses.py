"""Runs bench_losses, beside PyTorch's eager multi-label cross-entropy if torch is there, and
prints a table. Both take turns, so that a busy machine is busy for both. See scripts/bench-losses.
"""
import argparse
import os
import statistics
import subprocess
import time

ROUNDS = 5


def run_program(program, shape, repeats):
    """{(loss, targets): (milliseconds, milliseconds of the copy, ratio, ratio of the best)}"""
    command = [program, *map(str, shape), str(repeats)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split() for line in output.splitlines()]
    return {tuple(line[:2]): [float(x) for x in line[2:]] for line in lines}


class Torch:
    """The usual implementation: scores of the other side are pushed far down, two logsumexp."""

    def __init__(self, torch, threads, shape):
        rows, classes, positives = shape
        self.torch = torch
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.scores = (torch.rand(rows, classes) * 10 - 5).requires_grad_()
        chosen = torch.rand(rows, classes).topk(positives, 1).indices
        self.targets = torch.zeros(rows, classes).scatter_(1, chosen, 1.0)
        self.zeros = torch.zeros(rows, 1)

    def step(self):
        torch, t = self.torch, self.targets
        signed = (1 - 2 * t) * self.scores
        negative = torch.cat([signed - t * 1e12, self.zeros], 1)
        positive = torch.cat([signed - (1 - t) * 1e12, self.zeros], 1)
        loss = torch.logsumexp(negative, 1) + torch.logsumexp(positive, 1)
        self.scores.grad = None
        loss.sum().backward()

    def milliseconds(self, repeats):
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            self.step()
            times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times)


def load_torch(threads, shape):
    try:
        import torch
    except ImportError:
        return None
    reference = Torch(torch, threads, shape)
    reference.step()
    return reference


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("shape", nargs="*", type=int, metavar="ROWS CLASSES POSITIVES")
    arguments = parser.parse_args()
    shape = arguments.shape or [64, 100000, 5]
    if len(shape) != 3:
        parser.error("give ROWS CLASSES POSITIVES, or nothing")
    threads = int(os.environ["OMP_NUM_THREADS"])
    reference = load_torch(threads, shape)
    rounds, eager = [], []
    for _ in range(ROUNDS):
        rounds.append(run_program(arguments.program, shape, 15))
        if reference:
            eager.append(reference.milliseconds(3))
    print(f"{shape[0]} rows, {shape[1]} classes, {shape[2]} positives a row; forward and backward, "
          f"{threads} threads; medians")
    print("| loss | targets | ms | copy of the scores, ms | ratio | of the best |")
    print("| --- | --- | --- | --- | --- | --- |")
    for key in rounds[0]:
        took, copy, ratio, best = (statistics.median(r[key][i] for r in rounds) for i in range(4))
        print(f"| {key[0]} | {key[1]} | {took:.2f} | {copy:.2f} | {ratio:.2f} | {best:.2f} |")
    if not reference:
        print("PyTorch is not there to compare with.")
        return
    ratios = [e / r["multilabel_ce", "list"][0] for e, r in zip(eager, rounds)]
    print(f"multilabel_ce by PyTorch {reference.torch.__version__}, eager, dense targets: "
          f"{statistics.median(eager):.1f} ms, {statistics.median(ratios):.1f} times the time of "
          "the list's")


if __name__ == "__main__":
    main()
