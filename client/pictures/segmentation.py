"""COCO's segmentations as masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from client import rle


def mask_of(segmentation: Any, height: int, width: int) -> npt.NDArray[np.bool_]:
    """The mask of an annotation or a result, to be looked at.

    At the rim of polygons pycocotools may see some pixels otherwise.

    Args:
        segmentation: polygons [[x1, y1, x2, y2, …], …], or RLE {size, counts}, compressed or not.
        height, width: of the picture, in pixels.

    Returns:
        bool [height, width].

    Raises:
        ValueError: it is of another picture.
    """
    if isinstance(segmentation, list):
        canvas = Image.new("1", (width, height))
        draw = ImageDraw.Draw(canvas)
        for polygon in segmentation:
            draw.polygon(list(zip(polygon[::2], polygon[1::2], strict=True)), fill=1)
        return np.array(canvas)
    counts = segmentation["counts"]
    if isinstance(counts, str):
        return rle.decode(counts.encode(), height, width)
    is_inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(is_inside, counts).reshape(width, height).T
