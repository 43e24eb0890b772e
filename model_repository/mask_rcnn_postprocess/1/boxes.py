"""Boxes of the resized picture in the original one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def boxes_in_original(
    boxes: npt.NDArray[np.float32],
    image_size: npt.NDArray[np.int32],
    original_size: npt.NDArray[np.int32],
) -> npt.NDArray[np.float32]:
    """Scale boxes to the original picture and clip them to it, as detectron2's
    ``detector_postprocess`` does.

    Args:
        boxes: FP32 [n, 4], x0, y0, x1, y1 in pixels of the resized picture.
        image_size: INT32 [2], height and width of the resized picture.
        original_size: INT32 [2], height and width of the original one.

    Returns:
        FP32 [n, 4], x0, y0, x1, y1 in pixels of the original picture. Boxes that lie outside it
        come back with no area.
    """
    scale_y, scale_x = original_size / image_size
    height, width = original_size
    scaled = boxes * np.array([scale_x, scale_y, scale_x, scale_y], np.float32)
    return np.clip(scaled, 0, np.array([width, height, width, height], np.float32))


def nonempty(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which boxes have an area: BOOL [n] for FP32 [n, 4] of x0, y0, x1, y1. NaN has none."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return (sides > 0).all(axis=1)
