"""Training steps in PyTorch over made-up sequences, timed on demand.

    torch_step.py HEAD B L D d T eager|compile

Says `ready` after the first steps. Then, for each line with a number n on standard input, takes n
steps and prints a JSON object: their times in seconds, and the peak memory of the process in MiB.
"""
import json
import resource
import sys
import time

import torch

from torch_model import (HEADS, adam, dense_labels, span_loss, train_step, upper_triangle)

SPANS_PER_SEQUENCE = 8


def made_up_batch(sequences, length, width, types):
    torch.manual_seed(2)
    x = 2 * torch.rand(sequences, length, width) - 1
    starts = torch.randint(length - 4, (sequences, SPANS_PER_SEQUENCE))
    ends = starts + torch.randint(1, 5, starts.shape)
    kinds = torch.randint(types, starts.shape)
    spans = [list(zip(*rows)) for rows in zip(starts.tolist(), ends.tolist(), kinds.tolist())]
    return x, upper_triangle(length), dense_labels(spans, types, length)


def main():
    head, way = sys.argv[1], sys.argv[7]
    sequences, length, width, head_size, types = map(int, sys.argv[2:7])
    batch = made_up_batch(sequences, length, width, types)
    model = HEADS[head](width, head_size, types, length)
    optimizer = adam(model)

    def loss_of(x, exists, labels):
        return span_loss(model, x, exists, labels)

    if way == "compile":
        loss_of = torch.compile(loss_of, dynamic=False, fullgraph=True)

    def timed():
        began = time.perf_counter()
        train_step(loss_of, optimizer, *batch)
        return time.perf_counter() - began

    # The second says how long a step takes: the first compiles, or touches memory.
    timed()
    print(json.dumps({"ready": timed()}), flush=True)
    for line in sys.stdin:
        times = [timed() for _ in range(int(line))]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"times": times, "peak_mib": peak}), flush=True)


main()
