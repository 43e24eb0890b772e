"""Pictures of several sizes on one canvas, so that requests have few shapes and batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image
from resize import Resize

Size = tuple[int, int]
"""(height, width) in pixels."""


def parse_canvases(text: str) -> tuple[Size, ...]:
    """Read the ``canvases`` parameter, e.g. ``"800x1344,1344x800,1344x1344"`` (height x width).

    Raises:
        ValueError: if it is anything else.
    """
    canvases = []
    for part in text.split(","):
        sides = part.strip().split("x")
        if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
            raise ValueError(
                f"canvases is {text!r}; expected HEIGHTxWIDTH in pixels, separated by commas, "
                "for example 800x1344,1344x800"
            )
        canvases.append((int(sides[0]), int(sides[1])))
    return tuple(canvases)


def smallest_canvas(sizes: Sequence[Size], canvases: Sequence[Size]) -> Size:
    """The canvas of the least area on which each picture of a request fits.

    Args:
        sizes: the resized pictures' sizes.
        canvases: the configured ones.

    Raises:
        ValueError: if there is none.
    """
    height, width = max(h for h, _ in sizes), max(w for _, w in sizes)
    holding = [(h, w) for h, w in canvases if h >= height and w >= width]
    if not holding:
        raise ValueError(
            f"no canvas holds {height}x{width} pixels: canvases are "
            f"{', '.join(f'{h}x{w}' for h, w in canvases)}"
        )
    return min(holding, key=lambda canvas: canvas[0] * canvas[1])


def draw_canvas(
    images: Sequence[Image.Image], sizes: Sequence[Size], canvas: Size, resize: Resize
) -> npt.NDArray[np.uint8]:
    """Resize each picture straight onto its place, the upper left corner of its canvas.

    Args:
        images: N pictures in mode ``RGB``.
        sizes: for each, the size that it is to have, no larger than `canvas`.
        canvas: the size of the result.
        resize: one of `resize.RESIZERS`.

    Returns:
        UINT8 [N, H, W, 3] in BGR, zero at the right of and below each picture.
    """
    pixels = np.zeros((len(images), *canvas, 3), np.uint8)
    for image, (height, width), page in zip(images, sizes, pixels, strict=True):
        resize(image, page[:height, :width])
    return pixels
