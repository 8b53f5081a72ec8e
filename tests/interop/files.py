"""The files of this library, read and written with h5py, safetensors and json alone."""
import json
import zlib

import h5py
import numpy

import shape_features


def each(check, size, arguments):
    """Checks one group of so many arguments after the other."""
    assert arguments and len(arguments) % size == 0, arguments
    for at in range(0, len(arguments), size):
        print(*arguments[at : at + size], end=": ", flush=True)
        check(*arguments[at : at + size])


def put(item, values):
    """New numbers for a matrix of a model file, with their checksum."""
    item[...] = values
    item.attrs["crc32"] = numpy.int64(zlib.crc32(item[...].astype("<f4").tobytes()))


def read_items(file):
    """The features, gold labels and their offsets of a `mlce-labels` file, as a `mlce-spans` file
    would have them: a label is the span (0, 1, label). Weights under 0.5 are not gold."""
    features = file["items/features"][:]
    labels = file["labels/items"][:].astype(int)
    offsets = file["labels/offsets"][:].astype(int)
    if "labels/weights" in file:
        keep = file["labels/weights"][:] >= 0.5
        offsets = numpy.concatenate([[0], numpy.cumsum(keep)])[offsets]
        labels = labels[keep]
    gold = numpy.stack([0 * labels, 0 * labels + 1, labels], 1)
    return features, numpy.arange(len(features) + 1), gold, offsets


class Dataset:
    """A `mlce-spans` or `mlce-labels` file, in memory."""

    def __init__(self, path):
        self.tokens = None
        with h5py.File(path, "r") as file:
            self.types = [name.decode() for name in file["types"][:]]
            if file.attrs["format"] == "mlce-labels":
                self.embeddings, self.offsets, gold, gold_offsets = read_items(file)
            else:
                gold, gold_offsets = self.read_spans(file)
        self.gold = [
            {(start, end, self.types[kind]) for start, end, kind in gold[a:b].tolist()}
            for a, b in zip(gold_offsets, gold_offsets[1:])
        ]

    def read_spans(self, file):
        assert file.attrs["format"] == "mlce-spans"
        embeddings = file["tokens/embeddings"][:]
        self.embeddings = embeddings.reshape(len(embeddings), -1)
        self.offsets = file["sequences/offsets"][:].astype(int)
        if "tokens/text" in file:
            self.tokens = file["tokens/text"][:]
        return file["spans/items"][:].astype(int), file["spans/offsets"][:].astype(int)

    def __len__(self):
        return len(self.offsets) - 1

    def length(self, s):
        return int(self.offsets[s + 1] - self.offsets[s])

    def rows(self, s):
        return self.embeddings[self.offsets[s] : self.offsets[s + 1]]

    def inputs(self, s, config):
        """Its embeddings, and beside them what features.shape of a model's config asks for."""
        buckets = int(config.get("features.shape", 0))
        if not buckets:
            return self.rows(s)
        tokens = self.tokens[self.offsets[s] : self.offsets[s + 1]]
        limits = (int(config[f"features.ngram_{end}"]) for end in ("min", "max"))
        return numpy.hstack([self.rows(s), shape_features.rows(tokens, buckets, *limits)])

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
                  token_text=None, format="mlce-spans", version=1):
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
        for name, strings in (("types", types), ("tokens/text", token_text)):
            if strings is not None:
                file.create_dataset(name, data=strings, dtype=h5py.string_dtype())


def write_items(path, types, features, labels, offsets, weights=None, text=None,
                format="mlce-labels", version=1):
    """A `mlce-labels` file. What is None is left out."""
    with h5py.File(path, "w") as file:
        file.attrs["format"], file.attrs["version"] = format, version
        file.create_dataset("types", data=types, dtype=h5py.string_dtype())
        for name, value in (
            ("items/features", features),
            ("labels/items", labels),
            ("labels/offsets", offsets),
            ("labels/weights", weights),
        ):
            if value is not None:
                file[name] = value
        if text is not None:
            file.create_dataset("items/text", data=text, dtype=h5py.string_dtype())


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
    start, end and the place of their type among the model's `types`. A label is (0, 1, label)."""
    predictions = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            record = json.loads(line)
            which = record["item" if "item" in record else "sequence"]
            assert which == number, f"line {number + 1} is of {which}"
            if "item" in record:
                found = [(0, 1, label["label"], label["score"]) for label in record["labels"]]
            else:
                found = [(s["start"], s["end"], s["type"], s["score"]) for s in record["spans"]]
            order = [(start, end, types.index(kind)) for start, end, kind, _ in found]
            assert order == sorted(set(order)), f"line {number + 1}: spans are not in order"
            predictions.append({span[:3]: span[3] for span in found})
    assert len(predictions) == sequences, f"{len(predictions)} lines, {sequences} sequences"
    return predictions
