"""Writes train.h5 and dev.h5 whose types, tokens and names try to be markup, or are hard to show."""
import sys
import zlib

import h5py
import numpy as np

TYPES = ["<script>alert('x')</script>", "\"quoted' & <b>name", "bad \x1b[31m\x07\x7f control",
         "\u05e2\u05d1\u05e8\u05d9\u05ea", "]]> &amp; -->", "\u4eba\u540d", "not-in-train", "long-" * 40]
SENTENCES = [
    "\u0632\u0627\u0631 \u0627\u0644\u0631\u0626\u064a\u0633 \u0645\u062d\u0645\u062f \u0639\u0628\u062f "
    "\u0627\u0644\u0644\u0647 \u0645\u062f\u064a\u0646\u0629 \u0627\u0644\u0642\u0627\u0647\u0631\u0629",
    "\u0928\u0930\u0947\u0928\u094d\u0926\u094d\u0930 \u092e\u094b\u0926\u0940 \u0928\u0947 "
    "\u0928\u0908 \u0926\u093f\u0932\u094d\u0932\u0940 \u092e\u0947\u0902 \u0915\u0939\u093e",
    "Le Cafe\u0301 <b>de</b> la Re\u0301publique & 'a' \"b\"",
    "The \u202eBank <img\u00a0src=x\u00a0onerror=alert(1)> of\x01 England said " + "x" * 300,
]


def write(path, count, is_dev):
    tokens, offsets, spans, span_offsets = [], [0], [], [0]
    for n in range(count):
        words = SENTENCES[n % len(SENTENCES)].split(" ")
        tokens += words
        offsets.append(len(tokens))
        found = {(1, 3, n % 6), (0, 5, (n + 1) % 6), (2, 6, (n + 2) % 6), (4, 5, 3)}
        if is_dev:
            found |= {(5, 6, 6), (3, 5, 7)}
        spans += sorted(found)
        span_offsets.append(len(spans))
    rows = [np.random.default_rng(zlib.crc32(t.encode())).normal(size=16) for t in tokens]
    with h5py.File(path, "w") as f:
        f.attrs["format"], f.attrs["version"] = "mlce-spans", 1
        f.attrs["embedding"] = "<i>hash</i>"
        f["types"], f["tokens/text"] = TYPES, tokens
        f["tokens/embeddings"] = np.array(rows, "f4")
        f["sequences/offsets"], f["spans/offsets"] = offsets, span_offsets
        f["sequences/id"] = ["</p><id \"%d\">" % n for n in range(count)]
        f["spans/items"] = np.array(spans)


write(sys.argv[1] + "/train.h5", 40, False)
write(sys.argv[1] + "/dev.h5", 20, True)
