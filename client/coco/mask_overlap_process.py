"""pycocotools' overlaps of masks in a process of its own: started as a script by `mask_overlap.py`.

Reads a pickle of the arguments of `overlaps` from stdin, writes JSON to stdout.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pycocotools.mask

Picture = tuple[int, int, Sequence[Any], Sequence[Any], Sequence[int]]
"""Height, width, segmentations of n results and of m annotations, and which of these are crowds."""


def overlaps(pictures: Sequence[Picture], least: float) -> list[list[list[float]]]:
    """The intersection over union of masks, with a crowd the part of the result that lies in it.

    Returns:
        For each picture the places of results, those of annotations, and the overlaps, of those
        pairs that overlap by `least` or more.
    """
    found = []
    for height, width, results, objects, is_crowd in pictures:
        first, second = ([_rle(each, height, width) for each in s] for s in (results, objects))
        ious = np.zeros((len(first), len(second)))
        if ious.size:
            ious[:] = pycocotools.mask.iou(first, second, is_crowd)
        rows, columns = np.nonzero(ious >= least)
        found.append([rows.tolist(), columns.tolist(), ious[rows, columns].tolist()])
    return found


def _rle(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    if isinstance(segmentation, list):
        parts = pycocotools.mask.frPyObjects(segmentation, height, width)
        return pycocotools.mask.merge(parts)
    if isinstance(segmentation["counts"], list):
        return pycocotools.mask.frPyObjects(segmentation, height, width)
    return {"size": [height, width], "counts": segmentation["counts"].encode()}


if __name__ == "__main__":
    print(json.dumps(overlaps(*pickle.load(sys.stdin.buffer))))
