#!/usr/bin/env python3
"""lower_thresholds.py WEIGHTS.h5 OUT.h5 [TIES]

A copy of a model that predicts everything, so that mlce-predict shows every score. With TIES the
parameters are rounded to halves: on features that are small whole numbers many scores are equal."""
import shutil
import sys

import h5py
import numpy


def main(weights, out, ties=None):
    shutil.copyfile(weights, out)
    with h5py.File(out, "r+") as file:
        file["thresholds"][:] = -1e30
        if not ties:
            return

        def take(name, item):
            if isinstance(item, h5py.Dataset):
                item[...] = numpy.round(item[...] * 2) / 2

        file["parameters"].visititems(take)


if __name__ == "__main__":
    main(*sys.argv[1:])
