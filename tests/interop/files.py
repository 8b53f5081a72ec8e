"""The files of this library, read and written with h5py, safetensors and json alone."""
import json

import h5py
import numpy


class Dataset:
    """A `mlce-spans` file, in memory."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            assert file.attrs["format"] == "mlce-spans"
            self.types = [name.decode() for name in file["types"][:]]
            embeddings = file["tokens/embeddings"][:]
            self.embeddings = embeddings.reshape(len(embeddings), -1)
            self.offsets = file["sequences/offsets"][:].astype(int)
            gold = file["spans/items"][:].astype(int)
            gold_offsets = file["spans/offsets"][:].astype(int)
        self.gold = [
            {(start, end, self.types[kind]) for start, end, kind in gold[a:b].tolist()}
            for a, b in zip(gold_offsets, gold_offsets[1:])
        ]

    def __len__(self):
        return len(self.offsets) - 1

    def length(self, s):
        return int(self.offsets[s + 1] - self.offsets[s])

    def rows(self, s):
        return self.embeddings[self.offsets[s] : self.offsets[s + 1]]

    def write_part(self, path, sequences):
        """A file of these sequences only."""
        kinds = {name: i for i, name in enumerate(self.types)}
        items = [
            sorted((start, end, kinds[name]) for start, end, name in self.gold[s])
            for s in sequences
        ]
        write_dataset(
            path,
            types=self.types,
            embeddings=numpy.concatenate([self.rows(s) for s in sequences]),
            offsets=numpy.cumsum([0] + [self.length(s) for s in sequences]),
            span_items=numpy.array(sum(items, []), numpy.int32).reshape(-1, 3),
            span_offsets=numpy.cumsum([0] + [len(i) for i in items]),
        )


def write_dataset(path, types, embeddings, offsets, span_items, span_offsets,
                  format="mlce-spans", version=1):
    """What is None is left out."""
    with h5py.File(path, "w") as file:
        for name, value in (("format", format), ("version", version)):
            if value is not None:
                file.attrs[name] = value
        for name, value in (
            ("tokens/embeddings", embeddings),
            ("sequences/offsets", offsets),
            ("spans/items", span_items),
            ("spans/offsets", span_offsets),
        ):
            if value is not None:
                file[name] = value
        if types is not None:
            file.create_dataset("types", data=types, dtype=h5py.string_dtype())


class Weights:
    """An exported model: parameters, config, types."""

    def __init__(self, parameters, types, metadata):
        self.parameters = parameters
        self.types = types
        self.config = json.loads(metadata["config"])
        self.embedding = metadata["embedding"]


def read_safetensors(path):
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        assert metadata["format"] == "mlce", metadata
        parameters = {name: file.get_tensor(name) for name in file.keys()}
        return Weights(parameters, json.loads(metadata["types"]), metadata)


def read_hdf5_weights(path):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "mlce-weights", dict(file.attrs)
        assert file.attrs["version"] == 1, dict(file.attrs)
        parameters = {name: values[:] for name, values in file["parameters"].items()}
        types = [name.decode() for name in file["types"][:]]
        return Weights(parameters, types, dict(file.attrs))


def read_predictions(path, types, sequences):
    """JSONL of mlce-predict -> for each sequence {(start, end, type): score}. Spans are sorted by
    start, end and the place of their type among the model's `types`."""
    predictions = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            record = json.loads(line)
            assert record["sequence"] == number, f"line {number + 1} is of {record['sequence']}"
            order = [(s["start"], s["end"], types.index(s["type"])) for s in record["spans"]]
            assert order == sorted(set(order)), f"line {number + 1}: spans are not in order"
            spans = {(s["start"], s["end"], s["type"]): s["score"] for s in record["spans"]}
            predictions.append(spans)
    assert len(predictions) == sequences, f"{len(predictions)} lines, {sequences} sequences"
    return predictions
