"""Multi-label sets that can be learned, but not to the end: mlce-labels files, made from a seed.

An item is a point: the sum of its labels' prototypes, random vectors of about unit length, and
noise. It has 1 to 20 labels, few more often than many (the logarithm of the number is uniform).
Label a, counted from 0, is drawn with a weight of 1 / (10 + a): the last ones are rare.
"""
import os

import h5py
import numpy as np

FEATURES = 128
MOST_LABELS = 20
DEV_ITEMS = 1000


def write(path, prototypes, noise, items, random):
    classes = len(prototypes)
    most = min(MOST_LABELS, classes - 1)
    log_weights = -np.log(np.arange(classes) + 10.0)
    counts = np.exp(random.uniform(0, np.log(most + 1), items)).astype(int)
    points = noise / np.sqrt(FEATURES) * random.standard_normal((items, FEATURES))
    labels = []
    for row, count in enumerate(counts):
        keys = log_weights + random.gumbel(size=classes)  # the largest: drawn without replacement
        labels.append(np.sort(np.argpartition(-keys, count)[:count]))
        points[row] += prototypes[labels[-1]].sum(0)
    with h5py.File(path + ".part", "w") as f:
        f.attrs["format"], f.attrs["version"] = "mlce-labels", 1
        f["types"] = [f"label-{a}" for a in range(classes)]
        f["items/features"] = points.astype("f2")
        f["labels/offsets"] = np.concatenate([[0], np.cumsum(counts)])
        f["labels/items"] = np.concatenate(labels).astype("i4")
    os.replace(path + ".part", path)


def make(folder, classes, items, noise):
    """Writes train and dev where they are not there yet -> (paths, labels of an item in train)."""
    paths = [f"{folder}/labels-{classes}-{items}-{split}.h5" for split in ("train", "dev")]
    if not all(map(os.path.exists, paths)):
        os.makedirs(folder, exist_ok=True)
        random = np.random.default_rng(classes)
        prototypes = random.standard_normal((classes, FEATURES)) / np.sqrt(FEATURES)
        for path, count in zip(paths, (items, min(items, DEV_ITEMS))):
            write(path, prototypes, noise, count, random)
    with h5py.File(paths[0], "r") as f:
        return paths, len(f["labels/items"]) / items
