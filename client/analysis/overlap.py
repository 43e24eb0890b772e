"""How much boxes overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def box_ious(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Intersection over union.

    Args:
        boxes, others: float64 [n, 4] and [m, 4], x, y, width, height.

    Returns:
        float64 [n, m], 0 of boxes without area.
    """
    shared = _intersections(boxes, others)
    areas = boxes[:, 2:].prod(axis=1)[:, None] + others[:, 2:].prod(axis=1)[None]
    return _ratio(shared, areas - shared)


def shares_inside(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The part of each box [n, 4] that lies in each of the others [m, 4]: float64 [n, m].

    It is what COCO takes for the overlap with a crowd.
    """
    shared = _intersections(boxes, others)
    return _ratio(shared, np.broadcast_to(boxes[:, 2:].prod(axis=1)[:, None], shared.shape))


def _intersections(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    first = np.maximum(boxes[:, None, :2], others[None, :, :2])
    last = np.minimum((boxes[:, :2] + boxes[:, 2:])[:, None], (others[:, :2] + others[:, 2:])[None])
    return np.clip(last - first, 0, None).prod(axis=2)


def _ratio(
    part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
