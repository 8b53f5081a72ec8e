#!/usr/bin/env python3
"""check_torch.py FOLDER PREDICTIONS.jsonl MODEL.onnx

The scores of a model that was trained in PyTorch (FOLDER: tests/fixtures/torch_run.py) are those of
mlce-predict, which was to predict everything, and of onnxruntime."""
import json
import sys

import numpy
import onnx
import onnxruntime

import check_onnx
import files

TOLERANCE = 1e-5


def main(folder, predictions_path, onnx_path):
    dataset = files.Dataset(f"{folder}/data.h5")
    torch = numpy.load(f"{folder}/scores.npz")
    metadata = {p.key: p.value for p in onnx.load(onnx_path).metadata_props}
    types = json.loads(metadata["types"])
    assert types == dataset.types, types
    predictions = files.read_predictions(predictions_path, types, len(dataset))
    session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
    (batched,) = session.run(None, check_onnx.batch([dataset.rows(s) for s in range(len(dataset))]))
    worst = [0, 0]
    for s in range(len(dataset)):
        length = dataset.length(s)
        there = numpy.broadcast_to(numpy.triu(numpy.ones((length, length), bool)), torch[str(s)].shape)
        ours = check_onnx.span_scores(predictions[s], types, length, length)
        for n, scores in enumerate((ours, batched[s, :, :length, :length])):
            worst[n] = max(worst[n], numpy.abs(scores - torch[str(s)])[there].max())
    assert max(worst) <= TOLERANCE, f"mlce and onnxruntime differ from PyTorch by up to {worst}"
    print("ok: PyTorch's scores: mlce to {:.1e}, onnxruntime to {:.1e}".format(*worst))


if __name__ == "__main__":
    main(*sys.argv[1:])
