"""GlobalPointer heads and their loss in PyTorch, the way they are usually written: scores and
labels are dense arrays [sequences, types, length, length] over padded sequences.

Su's posts and code are the model for both: https://kexue.fm/archives/8373 (GlobalPointer),
https://kexue.fm/archives/8877 (Efficient GlobalPointer), https://kexue.fm/archives/7359 (the loss).
"""
import math

import torch
from torch import nn

NO_SPAN = -1e4  # the score of a pair that is no span


class RotaryPositions(nn.Module):
    """RoPE: neighbouring features as pairs, turned by position * 10000^(-2m / head_size)."""

    def __init__(self, longest, head_size):
        super().__init__()
        speed = 10000.0 ** (-torch.arange(0, head_size, 2).double() / head_size)
        angle = torch.outer(torch.arange(longest).double(), speed).repeat_interleave(2, dim=1)
        self.register_buffer("cos", angle.cos().float())
        self.register_buffer("sin", angle.sin().float())

    def forward(self, x):
        """x [..., length, head_size]"""
        length = x.shape[-2]
        turned = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).reshape(x.shape)
        return x * self.cos[:length] + turned * self.sin[:length]


class EfficientGlobalPointer(nn.Module):
    """s_a(i, j) = q_i . k_j / sqrt(d) + u_a(i) + v_a(j), one q and k for all types."""

    def __init__(self, width, head_size, types, longest, dropout=0.0, rope=True):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.qk = nn.Linear(width, 2 * head_size)
        self.type_terms = nn.Linear(width, 2 * types)
        self.rope = RotaryPositions(longest, head_size) if rope else nn.Identity()

    def forward(self, x, exists):
        """x [B, L, width], exists [B or 1, 1, L, L] bool  ->  scores [B, T, L, L]"""
        x = self.dropout(x)
        q, k = self.qk(x).chunk(2, dim=-1)
        q, k = self.rope(q), self.rope(k)
        u, v = self.type_terms(x).transpose(1, 2).chunk(2, dim=1)
        scores = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).unsqueeze(1)
        scores = scores + u.unsqueeze(3) + v.unsqueeze(2)
        return scores.masked_fill(~exists, NO_SPAN)


class GlobalPointer(nn.Module):
    """s_a(i, j) = q_a(i) . k_a(j) / sqrt(d)"""

    def __init__(self, width, head_size, types, longest, dropout=0.0, rope=True):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.types = types
        self.qk = nn.Linear(width, types * 2 * head_size)
        self.rope = RotaryPositions(longest, head_size) if rope else nn.Identity()

    def forward(self, x, exists):
        batch, length, _ = x.shape
        qk = self.qk(self.dropout(x)).view(batch, length, self.types, 2, -1)
        q, k = qk.permute(3, 0, 2, 1, 4)
        q, k = self.rope(q), self.rope(k)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return scores.masked_fill(~exists, NO_SPAN)


HEADS = {"efficient_global_pointer": EfficientGlobalPointer, "global_pointer": GlobalPointer}


class BiLstm(nn.Module):
    """Over padded rows, or over rows packed by length, as people write it either way."""

    def __init__(self, width, size, dropout, packed):
        super().__init__()
        self.width, self.packed = 2 * size, packed
        self.lstm = nn.LSTM(width, size, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, lengths):
        """x [B, L, width], lengths [B]  ->  [B, L, 2 size]"""
        if self.packed:
            rows = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True,
                                                     enforce_sorted=False)
            y, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(rows)[0], batch_first=True)
        else:
            y, _ = self.lstm(x)
        return self.dropout(y)


class WideBiLstm(nn.Module):
    """A dense layer over the embeddings and 528 more columns, then a BiLSTM: the form of
    configs/wnut17.ini. What stands in the columns does not matter for the time: they are 0."""

    def __init__(self, width, size, dropout, columns=528):
        super().__init__()
        self.columns = columns
        self.dense = nn.Sequential(nn.Linear(width + columns, size), nn.GELU(),
                                   nn.Dropout(dropout))
        self.bilstm = BiLstm(size, size, dropout, packed=False)
        self.width = self.bilstm.width

    def forward(self, x, lengths):
        zeros = x.new_zeros(*x.shape[:2], self.columns)
        return self.bilstm(self.dense(torch.cat([x, zeros], dim=-1)), lengths)


class Cnn(nn.Module):
    """Windows of three tokens, GELU, layer norm, residual: h + dropout(norm(gelu(conv(h))))."""

    def __init__(self, width, size, dropout, depth):
        super().__init__()
        self.width = size
        self.input = nn.Linear(width, size)
        self.convolutions = nn.ModuleList(nn.Conv1d(size, size, 3, padding=1)
                                          for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(depth))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, lengths):
        inside = (torch.arange(x.shape[1]) < lengths[:, None]).unsqueeze(-1)
        h = self.input(x)
        for convolution, norm in zip(self.convolutions, self.norms):
            y = convolution((h * inside).transpose(1, 2)).transpose(1, 2)
            h = h + self.dropout(norm(nn.functional.gelu(y)))
        return h


def multilabel_categorical_crossentropy(scores, labels):
    """scores, labels (0 or 1) [..., classes]  ->  [...]"""
    scores = (1 - 2 * labels) * scores
    negatives = scores - labels * 1e12
    positives = scores - (1 - labels) * 1e12
    zero = torch.zeros_like(scores[..., :1])
    negatives = torch.cat([negatives, zero], dim=-1)
    positives = torch.cat([positives, zero], dim=-1)
    return torch.logsumexp(negatives, dim=-1) + torch.logsumexp(positives, dim=-1)


def span_loss(model, x, exists, labels):
    """Mean over sequences and types."""
    scores = model(x, exists)
    return multilabel_categorical_crossentropy(scores.flatten(2), labels.flatten(2)).mean()


def upper_triangle(length):
    """[1, 1, L, L]: the pairs i <= j."""
    return torch.ones(length, length, dtype=torch.bool).triu()[None, None]


def existing_pairs(lengths, longest):
    """[B, 1, L, L]: the pairs i <= j that are in their sequence."""
    inside = torch.arange(longest) < torch.as_tensor(lengths)[:, None]
    return upper_triangle(longest) & inside[:, None, None, :]


def dense_labels(spans, types, longest):
    """spans: for each sequence its (start, end, type), end not included  ->  [B, T, L, L]"""
    labels = torch.zeros(len(spans), types, longest, longest)
    where = [(b, a, i, j - 1) for b, own in enumerate(spans) for i, j, a in own]
    if where:
        labels[tuple(torch.tensor(where).T)] = 1
    return labels


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)


def train_step(loss_of, optimizer, *batch):
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(*batch)
    loss.backward()
    optimizer.step()
    return loss
