"""Epochs over an mlce-spans file in PyTorch with padded batches, timed on demand.

    torch_epoch.py FILE BATCH HEAD_SIZE DROPOUT ENCODER

ENCODER none, bilstm-padded, bilstm-packed, wide or cnn: what stands between the embeddings and the head.
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
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from torch_model import (BiLstm, Cnn, EfficientGlobalPointer, WideBiLstm, adam, dense_labels,
                         existing_pairs, span_loss, train_step)

SIZE = 128  # of an encoder
ENCODERS = {"bilstm-padded": lambda width, dropout: BiLstm(width, SIZE, dropout, packed=False),
            "bilstm-packed": lambda width, dropout: BiLstm(width, SIZE, dropout, packed=True),
            "wide": lambda width, dropout: WideBiLstm(width, SIZE, dropout),
            "cnn": lambda width, dropout: Cnn(width, SIZE, dropout, depth=2)}


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
    """Embeddings, lengths, existing pairs, labels."""
    x = pad_sequence([sequences[n] for n in chosen], batch_first=True).float()
    lengths = torch.tensor([len(sequences[n]) for n in chosen])
    labels = dense_labels([spans[n] for n in chosen], types, x.shape[1])
    return x, lengths, existing_pairs(lengths, x.shape[1]), labels


class Model(nn.Module):
    """Dropout, an encoder or none, and the head."""

    def __init__(self, width, dropout, encoder, head_size, types, longest):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.encoder = ENCODERS[encoder](width, dropout) if encoder != "none" else None
        self.head = EfficientGlobalPointer(self.encoder.width if self.encoder else width,
                                           head_size, types, longest)

    def loss(self, x, lengths, exists, labels):
        x = self.dropout(x)
        if self.encoder:
            x = self.encoder(x, lengths)
        return span_loss(self.head, x, exists, labels)


def main():
    torch.manual_seed(1)
    sequences, spans, types = read(sys.argv[1])
    size, head_size, dropout = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    longest = max(map(len, sequences))
    model = Model(sequences[0].shape[1], dropout, sys.argv[5], head_size, types, longest)
    optimizer = adam(model)

    def go_through(batches):
        order = torch.randperm(len(sequences)).split(size)
        for chosen in order[:batches]:
            train_step(model.loss, optimizer, *padded(sequences, spans, types, chosen.tolist()))

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
