#!/usr/bin/env python3
"""lower_thresholds.py WEIGHTS.h5 OUT.h5 [TIES]

A copy of a model that predicts everything, so that mlce-predict shows every score. With TIES instead
a copy with parameters rounded to halves: on features that are small whole numbers many scores are
equal."""
import shutil
import sys

import h5py
import numpy

from files import put


def main(weights, out, ties=None):
    shutil.copyfile(weights, out)
    with h5py.File(out, "r+") as file:
        if not ties:
            put(file["thresholds"], -1e30)
            return

        def take(name, item):
            if isinstance(item, h5py.Dataset):
                put(item, numpy.round(item[...] * 2) / 2)

        file["parameters"].visititems(take)


if __name__ == "__main__":
    main(*sys.argv[1:])
