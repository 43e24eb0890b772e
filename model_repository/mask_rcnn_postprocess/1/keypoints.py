"""The points of detections, found in the heatmaps that the network has of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from heatmap_peaks import heatmap_peaks

Points = npt.NDArray[np.float32]


def keypoints_in_original(
    logits: npt.NDArray[np.float32],
    normalizers: npt.NDArray[np.float32],
    boxes: npt.NDArray[np.float32],
    image_size: npt.NDArray[np.int32],
    original_size: npt.NDArray[np.int32],
) -> Points:
    """The points in pixels of the original picture, not clipped to it, as detectron2's
    ``detector_postprocess`` has them.

    Args:
        logits, normalizers, boxes: as for `heatmaps_to_keypoints`.
        image_size: INT32 [2], height and width of the resized picture.
        original_size: INT32 [2], height and width of the original one.

    Returns:
        FP32 [n, K, 3] of x, y, score.
    """
    scale_y, scale_x = original_size / image_size
    points = heatmaps_to_keypoints(logits, normalizers, boxes)
    return points * np.array([scale_x, scale_y, 1], np.float32)


def heatmaps_to_keypoints(
    logits: npt.NDArray[np.float32],
    normalizers: npt.NDArray[np.float32],
    boxes: npt.NDArray[np.float32],
) -> Points:
    """The largest cell of each heatmap at the size of its box: detectron2's function of that name.

    A cell is a pixel of the box, whose sides are rounded up to whole pixels, at least one.

    Args:
        logits: FP32 [n, K, s, s], of each detection and point a map over the box, of half
            the rows and columns of detectron2's heatmap.
        normalizers: FP32 [n, K], the logarithm of the sum of exp over that heatmap.
        boxes: FP32 [n, 4], x0, y0, x1, y1 in pixels of the resized picture.

    Returns:
        FP32 [n, K, 3] of x, y in the same pixels, and the score, from 0 to about 1: exp of the
        cell's logit over the sum of exp. A map that is not of finite numbers has the score 0.
    """
    finite = np.isfinite(logits.min((2, 3)) - logits.max((2, 3)))
    if not finite.all():
        logits = np.where(finite[..., None, None], logits, np.float32(0))
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], np.float32(1))
    cells = np.ceil(sides)
    peaks = heatmap_peaks(logits, cells.astype(np.intp))
    points = np.empty((*normalizers.shape, 3), np.float32)
    points[..., :2] = (peaks.cells + np.float32(0.5)) * (sides / cells)[:, None]
    points[..., :2] += boxes[:, None, :2]
    points[..., 2] = np.where(finite, np.exp(peaks.logits - normalizers), 0)
    return points
