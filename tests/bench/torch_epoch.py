"""Epochs over an mlce-spans file in PyTorch with padded batches, timed on demand.

    torch_epoch.py FILE BATCH HEAD_SIZE DROPOUT

The whole file is in memory. A batch is padded to its longest sequence, and its labels are made
dense. Says `ready` after some batches; then, for each line on standard input, goes through the
data once in a new order and prints a JSON object: the time, the tokens, without the padding, and
the peak memory of the process in MiB.
"""
import json
import resource
import sys
import time

import h5py
import torch
from torch.nn.utils.rnn import pad_sequence

from torch_model import (EfficientGlobalPointer, adam, dense_labels, existing_pairs, span_loss,
                         train_step)


def read(path):
    """Of each sequence: embeddings [tokens, width], spans."""
    with h5py.File(path) as f:
        rows = torch.from_numpy(f["tokens/embeddings"][:])
        offsets, items = f["sequences/offsets"][:].tolist(), f["spans/items"][:].tolist()
        span_offsets, types = f["spans/offsets"][:].tolist(), len(f["types"])
    sequences = [rows[a:b] for a, b in zip(offsets, offsets[1:])]
    spans = [items[a:b] for a, b in zip(span_offsets, span_offsets[1:])]
    return sequences, spans, types


def padded(sequences, spans, types, chosen):
    x = pad_sequence([sequences[n] for n in chosen], batch_first=True).float()
    exists = existing_pairs([len(sequences[n]) for n in chosen], x.shape[1])
    return x, exists, dense_labels([spans[n] for n in chosen], types, x.shape[1])


def main():
    torch.manual_seed(1)
    sequences, spans, types = read(sys.argv[1])
    size, head_size, dropout = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    longest = max(map(len, sequences))
    model = EfficientGlobalPointer(sequences[0].shape[1], head_size, types, longest, dropout)
    optimizer = adam(model)

    def loss_of(*batch):
        return span_loss(model, *batch)

    def go_through(batches):
        order = torch.randperm(len(sequences)).split(size)
        for chosen in order[:batches]:
            train_step(loss_of, optimizer, *padded(sequences, spans, types, chosen.tolist()))

    go_through(10)
    print(json.dumps({"ready": 0}), flush=True)
    tokens = sum(map(len, sequences))
    for _ in sys.stdin:
        began = time.perf_counter()
        go_through(None)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "tokens": tokens, "peak_mib": peak}), flush=True)


main()
