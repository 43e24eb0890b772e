"""A mask's probabilities on the pixels of the original picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

THRESHOLD = 0.5
"""A pixel belongs to the object from this probability on (detectron2's ``mask_threshold``)."""


class PastedMask(NamedTuple):
    """The part of a picture's mask that can be other than zero."""

    x: int
    """The crop's first column in the picture."""
    y: int
    """The crop's first row in the picture."""
    columns: npt.NDArray[np.bool_]
    """BOOL [w, h]: the crop by columns, as COCO's run lengths need it."""


def paste_mask(
    probabilities: npt.NDArray[np.float32],
    box: npt.NDArray[np.float32],
    height: int,
    width: int,
) -> PastedMask:
    """Sample one mask at the centres of the pixels that its box touches, and threshold it.

    This is detectron2's ``paste_masks_in_image`` (bilinear ``grid_sample``, align_corners=False,
    zero outside the mask). Sampling on a grid is separable: first each row of pixels from the
    rows of the mask, then each column. Beyond the box a sample is below one half whatever the
    mask, so only the box's pixels are computed.

    Args:
        probabilities: FP32 [m, m], rows from top to bottom.
        box: FP32 [4], x0, y0, x1, y1 in pixels of the original picture, inside it and not empty.
        height, width: of the original picture, in pixels.
    """
    x0, y0, x1, y1 = box.tolist()
    left, top = int(x0), int(y0)
    right, bottom = min(int(x1) + 1, width), min(int(y1) + 1, height)
    rows = _interpolated(probabilities, top, bottom, y0, y1)
    columns = _interpolated(rows.T, left, right, x0, x1)
    return PastedMask(left, top, columns >= THRESHOLD)


def _interpolated(
    bins: npt.NDArray[np.float32], start: int, stop: int, low: float, high: float
) -> npt.NDArray[np.float32]:
    """Interpolate linearly between bins, at the centres of pixels.

    Two gathers and no matrix product: a product as small as this would still wake the threads of
    NumPy's BLAS, and they fight over the cores with the model's other instances.

    Args:
        bins: FP32 [m, k], m bins that share the box's extent evenly, with k values each. Beyond
            them all values are zero.
        start, stop: the range of pixels.
        low, high: the box's ends in pixels.

    Returns:
        FP32 [stop - start, k].
    """
    bordered = np.zeros((len(bins) + 3, bins.shape[1]), np.float32)
    bordered[1:-2] = bins
    positions = np.arange(start, stop) + (0.5 - low)
    positions *= len(bins) / (high - low)
    positions += 0.5  # the first bin's centre is bordered's row 1
    np.maximum(positions, 0, out=positions)
    np.minimum(positions, len(bins) + 1, out=positions)
    below = positions.astype(np.intp)
    positions -= below
    values = (bordered[1:] - bordered[:-1]).take(below, axis=0)
    values *= positions.astype(np.float32)[:, None]
    values += bordered.take(below, axis=0)
    return values
