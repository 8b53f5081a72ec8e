#!/usr/bin/env python3
"""make_bad.py FOLDER: writes small datasets, good and broken, each named for what it is."""
import sys
from pathlib import Path

import numpy

from files import write_dataset

TYPES = ["PER", "LOC", "ORG"]
LENGTHS = [4, 1, 6, 3]
SPANS = [[(0, 2, 0), (0, 2, 1)], [(0, 1, 2)], [(1, 5, 1), (2, 3, 0)], []]


def parts(lengths=LENGTHS, spans=SPANS, width=8, seed=1, types=TYPES):
    """What write_dataset() takes."""
    random = numpy.random.default_rng(seed)
    items = [span for of_sequence in spans for span in of_sequence]
    return {
        "types": types,
        "embeddings": random.normal(size=(sum(lengths), width)).astype(numpy.float32),
        "offsets": numpy.cumsum([0, *lengths]),
        "span_items": numpy.array(items, numpy.int32).reshape(-1, 3),
        "span_offsets": numpy.cumsum([0, *map(len, spans)]),
    }


def with_number(row, column, value):
    changed = parts()
    changed["embeddings"][row, column] = value
    return changed


def with_span(index, span):
    changed = parts()
    changed["span_items"][index] = span
    return changed


def reordered():
    """The same data with the types in another order."""
    order = [2, 0, 1]  # the new place of each type
    names = [None] * len(TYPES)
    for old, new in enumerate(order):
        names[new] = TYPES[old]
    spans = [[(start, end, order[kind]) for start, end, kind in s] for s in SPANS]
    return parts(spans=spans, types=names)


def numbers(*values):
    return numpy.array(values, numpy.int64)


def datasets():
    good = parts()
    yield "good", good
    yield "reordered", reordered()
    yield "empty_sequences", parts([0, 4, 0, 2, 0], [[], [(0, 2, 0)], [], [(1, 2, 1)], []])
    yield "one_token", parts([1], [[(0, 1, 2)]])
    yield "no_gold", parts(spans=[[], [], [], []])
    yield "unlabelled", good | {"span_items": None, "span_offsets": None}
    yield "no_sequences", parts([], [])

    yield "wrong_format", good | {"format": "mlce-audio"}
    yield "no_format", good | {"format": None}
    yield "later_version", good | {"version": 2}
    yield "no_types", good | {"types": None}
    yield "type_twice", good | {"types": ["PER", "LOC", "PER"]}
    yield "renamed", good | {"types": ["PER", "PLACE", "ORG"]}
    yield "other_width", parts(width=9)
    words = [f"Word{i}" for i in range(sum(LENGTHS))]
    yield "words", good | {"token_text": words}
    yield "words_too_few", good | {"token_text": words[:-1]}
    yield "no_embeddings", good | {"embeddings": None}
    yield "flat_embeddings", good | {"embeddings": good["embeddings"][:, 0]}
    yield "integer_embeddings", good | {"embeddings": good["embeddings"].astype(int)}

    yield "falling", good | {"offsets": numbers(0, 4, 3, 11, 14)}
    yield "overrunning", good | {"offsets": numbers(0, 4, 5, 11, 15)}
    yield "short_offsets", good | {"offsets": numbers(0, 4, 5, 11, 13)}
    yield "late_start", good | {"offsets": numbers(1, 4, 5, 11, 14)}
    yield "no_offsets", good | {"offsets": None}
    yield "huge_offset", good | {"offsets": numbers(0, 4, 5, 2**62, 14)}

    yield "nan", with_number(5, 3, numpy.nan)
    yield "infinite", with_number(11, 0, numpy.inf)

    yield "span_past_end", with_span(2, (0, 2, 2))
    yield "span_empty", with_span(3, (2, 2, 1))
    yield "span_backwards", with_span(3, (3, 1, 1))
    yield "span_negative", with_span(3, (-1, 2, 1))
    yield "span_unknown_type", with_span(4, (2, 3, 3))
    yield "span_twice", with_span(1, (0, 2, 0))
    yield "span_offsets_falling", good | {"span_offsets": numbers(0, 3, 2, 5, 5)}
    yield "span_offsets_overrunning", good | {"span_offsets": numbers(0, 2, 3, 5, 9)}
    yield "span_offsets_too_few", good | {"span_offsets": numbers(0, 2, 3, 5)}


def main(folder):
    folder = Path(folder)
    for name, arguments in datasets():
        write_dataset(folder / f"{name}.h5", **arguments)
    whole = (folder / "good.h5").read_bytes()
    (folder / "truncated.h5").write_bytes(whole[: len(whole) // 2])
    (folder / "not_hdf5.h5").write_text("tokens,label\n")
    (folder / "empty_file.h5").write_bytes(b"")


if __name__ == "__main__":
    main(*sys.argv[1:])
