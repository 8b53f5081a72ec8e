#!/usr/bin/env python3
"""check_onnx.py make FOLDER           spans.h5, layers.h5 (embeddings in layers) and items.h5
check_onnx.py disturb NAME...       NAME.h5: the model of run-NAME with weights far from where they
                                    start, which predicts everything, so that mlce-predict shows
                                    every score
check_onnx.py compare DATA NAME...  NAME.onnx is right by the book, and onnxruntime's scores of DATA
                                    are those of NAME.jsonl, whatever stands in the padding"""
import json
import shutil
import sys

import h5py
import numpy

import files

TYPES, WIDTH, LAYERS, LONGEST = 2, 12, 3, 40
TOLERANCE = 1e-4
NONE = -1e12


def make(folder):
    random = numpy.random.default_rng(1)
    lengths = random.permutation(numpy.arange(1, LONGEST + 1))
    offsets = numpy.cumsum([0, *lengths])
    spans = dict(
        types=[f"type {a}" for a in range(TYPES)],
        offsets=offsets,
        span_items=numpy.array([(0, 1, s % TYPES) for s in range(LONGEST)], numpy.int32),
        span_offsets=numpy.arange(LONGEST + 1),
        token_text=[["The", "house", "of", "Ann", "3", "."][i % 6] for i in range(offsets[-1])],
    )
    rows = random.normal(size=(offsets[-1], LAYERS, WIDTH // LAYERS)).astype(numpy.float32)
    files.write_dataset(f"{folder}/spans.h5", embeddings=rows.reshape(-1, WIDTH), **spans)
    files.write_dataset(f"{folder}/layers.h5", embeddings=rows, **spans)
    features = random.normal(size=(LONGEST, WIDTH)).astype(numpy.float32)
    files.write_items(f"{folder}/items.h5", [f"label {a}" for a in range(5)], features,
                      numpy.arange(LONGEST) % 5, numpy.arange(LONGEST + 1))


def disturb(name):
    random = numpy.random.default_rng(2)
    shutil.copyfile(f"run-{name}/best.h5", f"{name}.h5")

    def change(name, item):
        if isinstance(item, h5py.Dataset):
            files.put(item, item[...] + 0.3 * random.normal(size=item.shape).astype(numpy.float32))

    with h5py.File(f"{name}.h5", "r+") as file:
        file["parameters"].visititems(change)
        files.put(file["thresholds"], -1e11)


def check_file(model, types, width, items):
    import onnx

    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 17, model.opset_import
    shape = lambda value: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
    ports = {value.name: shape(value) for value in [*model.graph.input, *model.graph.output]}
    length = 1 if items else "length"
    scores = ["batch", len(types)] if items else ["batch", len(types), length, length]
    assert ports == {"embeddings": ["batch", length, width], "lengths": ["batch"], "scores": scores}, ports
    names = [tensor.name for tensor in model.graph.initializer]
    assert len(set(names)) == len(names), "an initializer's name stands twice"


def batch(rows):
    """Sequences padded with what must not be seen."""
    lengths = numpy.array([len(r) for r in rows])
    padded = numpy.full((len(rows), lengths.max(), rows[0].shape[1]), numpy.nan, numpy.float32)
    padded[numpy.arange(lengths.max()) >= lengths[:, None]] = numpy.resize([numpy.nan, 1e30, -numpy.inf], rows[0].shape[1])
    for row, one in zip(padded, rows):
        row[: len(one)] = one
    return {"embeddings": padded, "lengths": lengths}


def span_scores(spans, types, length, longest):
    """[types, longest, longest] from mlce-predict's list."""
    scores = numpy.full((len(types), longest, longest), NONE)
    for (start, end, kind), score in spans.items():
        assert end <= length
        scores[types.index(kind), start, end - 1] = score
    return scores


def expected(predictions, types, rows, items):
    longest = max(map(len, rows))
    if items:
        return numpy.array([[p[0, 1, a] for a in types] for p in predictions])
    return numpy.array(
        [span_scores(p, types, len(r), longest) for p, r in zip(predictions, rows)]
    )


def check_spans_complete(predictions, dataset, config, types):
    limit = int(config["model.max_width"]) or LONGEST
    for s, spans in enumerate(predictions):
        length = dataset.length(s)
        pairs = sum(min(limit, length - i) for i in range(length))
        assert len(spans) == len(types) * pairs, f"sequence {s}: not every score was predicted"


def compare(dataset, name):
    import onnx
    import onnxruntime

    model = onnx.load(f"{name}.onnx")
    metadata = {p.key: p.value for p in model.metadata_props}
    types, config = json.loads(metadata["types"]), json.loads(metadata["config"])
    items = metadata["task"] == "labels"
    assert metadata["format"] == "mlce" and int(metadata["width"]) == WIDTH, metadata
    assert len(json.loads(metadata["thresholds"])) == len(types), metadata
    check_file(model, types, int(metadata["input_width"]), items)
    predictions = files.read_predictions(f"{name}.jsonl", types, len(dataset))
    if not items:
        check_spans_complete(predictions, dataset, config, types)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{name}.onnx", options, ["CPUExecutionProvider"])
    order = numpy.random.default_rng(3).permutation(len(dataset))
    worst = 0
    for chosen in numpy.split(order, [1, 3, 10, 11, 25]):
        rows = [dataset.inputs(s, config).astype(numpy.float32) for s in chosen]
        found = [predictions[s] for s in chosen]
        if not items and len(rows) > 1:  # and a sequence without tokens
            rows, found = [*rows, rows[0][:0]], [*found, {}]
        wanted = expected(found, types, rows, items)
        (got,) = session.run(["scores"], batch(rows))
        assert got.shape == wanted.shape and got.dtype == numpy.float32, (got.shape, got.dtype)
        assert ((got < -1e11) == (wanted < -1e11)).all(), "pairs that do not exist have scores"
        worst = max(worst, numpy.abs(got - wanted)[wanted > -1e11].max())
    assert worst <= TOLERANCE, f"{name}: scores differ by up to {worst}"
    print(f"ok: {name}: {len(model.graph.node)} nodes, scores to {worst:.1e}")


def main(command, *arguments):
    if command == "compare":
        dataset = files.Dataset(arguments[0])
        for name in arguments[1:]:
            compare(dataset, name)
    elif command == "disturb":
        for name in arguments:
            disturb(name)
    else:
        make(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
