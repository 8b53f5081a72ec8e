#!/usr/bin/env python3
"""check_same_weights.py ONE.h5 OTHER.h5 [differ]

All parameters of the two files have the same bits; with `differ`, some have not."""
import sys

import h5py


def read(path):
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with h5py.File(path, "r") as file:
        file["parameters"].visititems(take)
    assert found, f"{path}: no parameters"
    return found


def main(one_path, other_path, wish="same"):
    one, other = read(one_path), read(other_path)
    assert sorted(one) == sorted(other), (sorted(one), sorted(other))
    changed = [name for name in one if one[name] != other[name]]
    if wish == "differ":
        assert changed, "no parameter differs"
    else:
        assert not changed, f"{', '.join(changed)} differ"
    print(f"{len(one)} parameters, {len(changed)} differ")


if __name__ == "__main__":
    main(*sys.argv[1:])
