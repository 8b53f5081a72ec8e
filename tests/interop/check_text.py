#!/usr/bin/env python3
"""check_text.py make DATASET.h5 OUT.h5 | check DATASET.h5 PREDICTIONS.jsonl

make: the dataset with words, texts and ids of several scripts instead of its own. check: texts in
the predictions are those that offsets in code points cut out of the dataset's."""
import json
import shutil
import sys

import h5py

WORDS = ["Zoë", "東京", "naïve", "😀", "e\u0301t\u00e9", 'a"b\\c', "Ω≈", "मुंबई", "x"]
GAPS = [" ", "  ", "\t", "\u00a0"]


def make(source, target):
    shutil.copy(source, target)
    with h5py.File(target, "r+") as file:
        offsets = file["sequences/offsets"][:].tolist()
        tokens = [WORDS[i * 7 % len(WORDS)] for i in range(offsets[-1])]
        chars, texts = [], []
        for first, last in zip(offsets, offsets[1:]):
            text = ""
            for i in range(first, last):
                text += GAPS[i % len(GAPS)] if text else "»"
                chars.append((len(text), len(text) + len(tokens[i])))
                text += tokens[i]
            texts.append(text)
        ids = [f"№ {s}" for s in range(len(texts))]
        for name in ("tokens/text", "tokens/chars", "sequences/text", "sequences/id"):
            if name in file:
                del file[name]
        strings = h5py.string_dtype()
        file.create_dataset("tokens/text", data=tokens, dtype=strings)
        file.create_dataset("tokens/chars", data=chars, dtype="int32")
        file.create_dataset("sequences/text", data=texts, dtype=strings)
        file.create_dataset("sequences/id", data=ids, dtype=strings)


def strings(file, name):
    return [text.decode() for text in file[name][:]] if name in file else None


def check(dataset_path, predictions_path):
    with h5py.File(dataset_path, "r") as file:
        offsets = file["sequences/offsets"][:].tolist()
        tokens, texts = strings(file, "tokens/text"), strings(file, "sequences/text")
        ids = strings(file, "sequences/id")
        chars = file["tokens/chars"][:].tolist() if "tokens/chars" in file else None
    count = 0
    for s, line in enumerate(open(predictions_path, encoding="utf-8")):
        record = json.loads(line)
        assert record.get("id") == (ids and ids[s]), f"line {s + 1}: id {record.get('id')!r}"
        if texts:
            assert record["text"] == texts[s], f"line {s + 1}: text {record['text']!r}"
        for span in record["spans"]:
            first, last = offsets[s] + span["start"], offsets[s] + span["end"]
            if texts and chars:
                want = texts[s][chars[first][0] : chars[last - 1][1]]
            else:
                want = " ".join(tokens[first:last])
            assert span["text"] == want, f"line {s + 1}: {span['text']!r}, expected {want!r}"
            count += 1
    assert count >= 10, f"only {count} spans to compare"
    print(f"texts of {count} spans are those of the dataset")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
