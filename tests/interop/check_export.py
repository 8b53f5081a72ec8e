#!/usr/bin/env python3
"""check_export.py MODEL.safetensors MODEL.h5 DATASET.h5 PREDICTIONS.jsonl

Both exports hold the same numbers, and the spans that NumPy finds with them are those that
mlce-predict wrote, with the same scores."""
import sys

import numpy

import files
import reference

TOLERANCE = 1e-4


def check_same(one, other):
    assert one.parameters, "no tensors"
    assert sorted(one.parameters) == sorted(other.parameters), "the exports differ in names"
    for name, values in one.parameters.items():
        assert values.dtype == numpy.float32, f"{name} is {values.dtype}"
        same = other.parameters[name].reshape(values.shape)
        assert values.tobytes() == same.tobytes(), f"{name} differs between the exports"
    assert one.config == other.config, "config differs between the exports"
    assert all(isinstance(v, str) for v in one.config.values()), "a config value is no string"
    assert one.types == other.types, "types differ between the exports"
    assert one.embedding == other.embedding, "embedding differs between the exports"


def check_sequence(s, weights, rows, predicted):
    """Returns the largest difference of scores."""
    near = reference.spans(weights, rows, -TOLERANCE)
    for span, score in near.items():
        assert span in predicted or score <= TOLERANCE, (
            f"sequence {s}: NumPy scores {span} {score}, it was not predicted"
        )
    for span, score in predicted.items():
        assert span in near, f"sequence {s}: {span} has {score}, NumPy scores it below 0"
        assert score > 0, f"sequence {s}: {span} was predicted with {score}"
    return max((abs(near[span] - score) for span, score in predicted.items()), default=0.0)


def main(safetensors_path, hdf5_path, dataset_path, predictions_path):
    weights = files.read_safetensors(safetensors_path)
    check_same(weights, files.read_hdf5_weights(hdf5_path))
    dataset = files.Dataset(dataset_path)
    assert sorted(dataset.types) == sorted(weights.types), (dataset.types, weights.types)
    predictions = files.read_predictions(predictions_path, weights.types, len(dataset))
    worst = max(
        check_sequence(s, weights, dataset.inputs(s, weights.config), predictions[s])
        for s in range(len(dataset))
    )
    count = sum(map(len, predictions))
    assert count >= 10, f"only {count} spans were predicted: too few to compare"
    assert worst <= TOLERANCE, f"scores differ by up to {worst}"
    print(f"{len(dataset)} sequences, {count} spans as in NumPy, scores to {worst:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
