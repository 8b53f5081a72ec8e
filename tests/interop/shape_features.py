"""The features of features.shape, from what include/mlce/shape.h says alone."""
import math
import unicodedata

import numpy

FLAGS, MASK = 16, 2**64 - 1
STOPS = set(".!?\u2026\u3002\uff01\uff0e\uff1f\u061f\u0964")


def code_points(token):
    """Text of bytes: a byte that begins no valid sequence is one U+FFFD."""
    text, at = "", 0
    while at < len(token):
        for size in (1, 2, 3, 4):
            try:
                text += token[at : at + size].decode()
                break
            except UnicodeDecodeError:
                pass
        else:
            text, size = text + "\ufffd", 1
        at += size
    return text


def is_marks_only(text):
    return bool(text) and all(unicodedata.category(c)[0] in "PS" for c in text)


def flags(text, begins):
    kinds = [unicodedata.category(c) for c in text]
    upper = [k in ("Lu", "Lt") for k in kinds]
    lower = [k == "Ll" for k in kinds]
    digits = [k[0] == "N" for k in kinds]
    marks = [k[0] in "PS" for k in kinds]
    address = "".join(chr(ord(c) | 32) if c.isascii() and c.isalpha() else c for c in text)
    return [
        any(upper[:1]),
        sum(upper) >= 2 and not any(lower),
        any(lower) and not any(upper),
        any(u and any(lower[:i]) for i, u in enumerate(upper)),
        any(digits),
        bool(text) and all(digits),
        any(marks),
        is_marks_only(text),
        "Pd" in kinds,
        "'" in text or "\u2019" in text,
        text[:1] in ("@", "#") and len(text) > 1,
        "://" in address or "www." in address,
        any(k[0] == "L" and not c.isascii() for k, c in zip(kinds, text)),
        len(text) == 1,
        len(text) >= 10,
        begins,
    ]


def ngrams(text, shortest, longest):
    lower = "".join(c.lower()[0] for c in text)  # the simple mapping, one code point to one
    marked = "\x02" + lower + "\x03"
    found = [
        marked[i : i + n]
        for n in range(shortest, longest + 1)
        for i in range(len(marked) - n + 1)
    ]
    return found or [marked]


def bucket(ngram, buckets):
    """Its bucket and sign."""
    h = 0xCBF29CE484222325
    for c in "n" + ngram[::-1]:
        h = (h ^ ord(c)) * 0x100000001B3 & MASK
    b = h + 0x9E3779B97F4A7C15 & MASK
    b = (b ^ b >> 30) * 0xBF58476D1CE4E5B9 & MASK
    b = (b ^ b >> 27) * 0x94D049BB133111EB & MASK
    b ^= b >> 31
    return (b >> 32) * buckets >> 32, 1 if b % 2 else -1


def rows(tokens, buckets, shortest, longest):
    """float32 [tokens, FLAGS + buckets] of one sequence; tokens are bytes."""
    out = numpy.zeros((len(tokens), FLAGS + buckets), numpy.float32)
    begins = True
    for row, token in zip(out, tokens):
        text = code_points(token)
        row[:FLAGS] = flags(text, begins)
        found = ngrams(text, shortest, longest)
        for place, sign in (bucket(ngram, buckets) for ngram in found):
            row[FLAGS + place] += sign
        row[FLAGS:] *= numpy.float32(1 / math.sqrt(len(found)))
        if not is_marks_only(text):
            begins = False
        elif STOPS & set(text):
            begins = True
    return out
