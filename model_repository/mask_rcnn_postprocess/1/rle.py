"""COCO's compressed run lengths of a mask, made from its crop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from paste import PastedMask
from pycocotools import mask as mask_utils


def compressed_rle(mask: PastedMask, height: int, width: int) -> bytes:
    """The ``counts`` of COCO's compressed RLE, equal to ``pycocotools.mask.encode`` of the frame.

    Args:
        mask: the crop, inside the frame.
        height, width: of the frame, the original picture, in pixels.
    """
    counts = run_lengths(mask, height, width)
    rle: dict[str, bytes] = mask_utils.frPyObjects(
        {"size": [height, width], "counts": counts}, height, width
    )
    return rle["counts"]


def run_lengths(mask: PastedMask, height: int, width: int) -> npt.NDArray[np.int64]:
    """Lengths of the runs of zeros and ones, in turn, down the columns of the whole frame.

    The frame itself is never made: only the crop's borders between zeros and ones are looked up.

    Returns:
        INT64 [runs], the first a run of zeros that may be of length 0; the sum is
        `height` * `width`.
    """
    crop_width, crop_height = mask.columns.shape
    # A zero pixel ends each column, so that a run stops where the crop does. A crop as high as
    # the frame has none: there a run goes on in the next column.
    stride = crop_height + (crop_height < height)
    pixels = np.zeros(crop_width * stride + 2, np.bool_)
    pixels[1:-1].reshape(crop_width, stride)[:, :crop_height] = mask.columns
    borders = np.flatnonzero(pixels[1:] != pixels[:-1])
    edges = np.empty(len(borders) + 2, np.int64)
    edges[0], edges[-1] = 0, height * width
    edges[1:-1] = borders + borders // stride * (height - stride) + (mask.x * height + mask.y)
    counts = edges[1:] - edges[:-1]
    return counts if counts[-1] else counts[:-1]
