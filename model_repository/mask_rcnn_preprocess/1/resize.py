"""The size that a picture is given for the network, and the resampling to it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Resize = Callable[[Image.Image, npt.NDArray[np.uint8]], None]


def resized_size(height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    """The size at which the network sees a picture.

    The short side becomes `min_size`, unless the long side would then pass `max_size`: then the
    long side becomes `max_size`. Neither side becomes less than one pixel. Rounding and order of
    operations are those of detectron2's ``ResizeShortestEdge.get_output_shape``, which gives
    0 pixels to the short side of a picture more than 2 * `max_size` times as long as it is wide.

    Args:
        height, width: of the upright picture, in pixels.
        min_size, max_size: detectron2's INPUT.MIN_SIZE_TEST and INPUT.MAX_SIZE_TEST.

    Returns:
        (height, width) in pixels.
    """
    scale = float(min_size) / min(height, width)
    if height < width:
        new_height, new_width = float(min_size), scale * width
    else:
        new_height, new_width = scale * height, float(min_size)
    if max(new_height, new_width) > max_size:
        scale = float(max_size) / max(new_height, new_width)
        new_height, new_width = new_height * scale, new_width * scale
    return max(int(new_height + 0.5), 1), max(int(new_width + 0.5), 1)


def resize_with_pillow(image: Image.Image, out: npt.NDArray[np.uint8]) -> None:
    """Resize as detectron2 does: Pillow's bilinear filter, which antialiases when it shrinks.

    Args:
        image: a picture in mode ``RGB``.
        out: UINT8 [h, w, 3] view that receives the picture in BGR at the view's own size.
    """
    height, width = out.shape[:2]
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    cv2.cvtColor(np.asarray(resized), cv2.COLOR_RGB2BGR, dst=out)


def resize_with_opencv(image: Image.Image, out: npt.NDArray[np.uint8]) -> None:
    """Resize with OpenCV's INTER_LINEAR: cheaper, about one grey level away where it enlarges,
    and without antialiasing where it shrinks.

    Args:
        image: a picture in mode ``RGB``.
        out: UINT8 [h, w, 3] view that receives the picture in BGR at the view's own size.
    """
    height, width = out.shape[:2]
    bgr = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)
    cv2.resize(bgr, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)


RESIZERS: dict[str, Resize] = {"pillow": resize_with_pillow, "opencv": resize_with_opencv}
"""The values of the model's ``resize`` parameter."""
