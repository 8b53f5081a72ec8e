"""A model's spans computed from its exported weights with NumPy, in float64."""
import math

import numpy

gelu = numpy.vectorize(lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))), otypes=[float])


def dense(weights, name, x):
    weight = weights.parameters[f"{name}.weight"].astype(float)
    return x @ weight.T + weights.parameters[f"{name}.bias"].astype(float).reshape(-1)


def rope(x, head_size):
    """Turns the pairs (x_2m, x_2m+1) of each head at position p by p * 10000^(-2m / head_size)."""
    length = len(x)
    speed = 10000.0 ** (-numpy.arange(0, head_size, 2) / head_size)
    turn = numpy.exp(1j * numpy.outer(numpy.arange(length), speed))[:, None, :]
    pairs = x.reshape(length, -1, head_size // 2, 2)
    turned = (pairs[..., 0] + 1j * pairs[..., 1]) * turn
    return numpy.stack([turned.real, turned.imag], -1).reshape(length, -1)


def encode(weights, x):
    n = 1
    while f"encoder.{n}.layer.1.weight" in weights.parameters:
        layer = 1
        while f"encoder.{n}.layer.{layer}.weight" in weights.parameters:
            x = gelu(dense(weights, f"encoder.{n}.layer.{layer}", x))
            layer += 1
        n += 1
    return x


def scores(weights, rows):
    """Of one sequence: [types, L, L], -inf where there is no span."""
    config = weights.config
    types, length = len(weights.types), len(rows)
    head_size = int(config["model.head_size"])
    shared = config["model.head"] == "efficient_global_pointer"
    x = encode(weights, rows.astype(float))
    qk = dense(weights, "head.qk", x)
    terms = numpy.zeros((length, 2 * types))
    if shared:
        source = qk if config["model.type_terms"] == "qk" else x
        terms = dense(weights, "head.type_terms", source)
    if config["model.rope"] == "yes":
        qk = rope(qk, head_size)
    heads = 1 if shared else types
    q, k = qk.reshape(length, heads, 2, head_size).transpose(2, 1, 0, 3)
    out = q @ k.transpose(0, 2, 1) / math.sqrt(head_size)
    out = out + terms[:, :types].T[:, :, None] + terms[:, types:].T[:, None, :]
    beyond = numpy.arange(length)[None, :] - numpy.arange(length)[:, None]
    limit = int(config["model.max_width"]) or length + 1
    return numpy.where((beyond >= 0) & (beyond < limit), out, -numpy.inf)


def spans(weights, rows, over):
    """{(start, end, type): score} of the spans that score over `over`."""
    if not len(rows):
        return {}
    found = scores(weights, rows)
    return {
        (i, j + 1, weights.types[a]): float(found[a, i, j])
        for a, i, j in numpy.argwhere(found > over).tolist()
    }
