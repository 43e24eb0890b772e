"""Boxes that fall on one map of a pyramid or the next by the last bit of their size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def edge_boxes() -> npt.NDArray[np.float32]:
    """Boxes about the sizes where one map ends and the next begins, FP32 [K, 4], xyxy.

    Their areas are the squares of 112, 224, 448 and 896 pixels, in several shapes and places, and
    up to twelve of the next numbers of fp32 in each direction.
    """
    boxes = []
    for size in (112, 224, 448, 896):
        for width, height in ((size, size), (size * 2, size / 2), (size / 4, size * 4)):
            for x1, y1 in ((0, 0), (3.25, 17.5), (100.1, 7.3), (0.3, 511.7)):
                for steps in range(-12, 13):
                    x2 = np.float32(x1) + np.float32(width)
                    y2 = np.float32(y1) + np.float32(height)
                    for _ in range(abs(steps)):
                        x2 = np.nextafter(x2, np.float32(np.inf * steps))
                    boxes.append((x1, y1, x2, y2))
                    boxes.append((x1, y1, x2, np.nextafter(y2, np.float32(0))))
    return np.asarray(boxes, np.float32)
