"""FiftyOne's `Detections`: relative boxes, and masks cut out to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from client import rle
from client.detections import Detections
from client.errors import ClientError


def fiftyone_detections(
    detections: Detections, class_names: Sequence[str], *, width: int, height: int
) -> Any:
    """A `fiftyone.Detections`.

    Args:
        detections: in the frame of the picture.
        class_names: of each.
        width, height: of the picture, in pixels.

    Raises:
        ClientError: fiftyone is not installed.
        ValueError: a mask is not of the picture's size, or is damaged.
    """
    try:
        import fiftyone
    except ImportError as error:
        raise ClientError("fiftyone is not installed: pip install fiftyone") from error
    return fiftyone.Detections(
        detections=[
            fiftyone.Detection(
                label=name,
                bounding_box=relative_box(found.box.tolist(), width, height),
                confidence=found.score,
                **(
                    {}
                    if found.mask is None
                    else {
                        "mask": cut_out(
                            rle.decode(found.mask.encode(), height, width), found.box.tolist()
                        )
                    }
                ),
            )
            for found, name in zip(detections, class_names, strict=True)
        ]
    )


def relative_box(box: Sequence[float], width: int, height: int) -> list[float]:
    """[x1, y1, x2, y2] in pixels as [x, y, w, h] in parts of the picture."""
    x1, y1, x2, y2 = box
    return [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]


def cut_out(mask: npt.NDArray[np.bool_], box: Sequence[float]) -> npt.NDArray[np.bool_]:
    """The pixels [h, w] of a mask that lie in a box, whose edges are rounded to whole pixels.

    FiftyOne stretches them over the box; so does its own import of COCO's masks
    (`fiftyone.utils.coco`). A box within one row or column of pixels keeps that.
    """
    height, width = mask.shape
    x1, y1, x2, y2 = (round(edge) for edge in box)
    left, top = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return mask[top : max(y2, top + 1), left : max(x2, left + 1)]
