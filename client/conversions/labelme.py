"""LabelMe's JSON: masks as `mask` shapes, which are exact, else boxes; points as `point` shapes.

A `mask` shape has the corner pixels of a rectangle, both inside of it, and a PNG of that rectangle
(labelme 5.2 and later; `labelme/shape.py`, `labelme/_label_file.py`).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from client import rle
from client.detections import Detection, Detections, Skeleton

FORMAT_VERSION = "5.2.0"
"""Of labelme, the first with `mask` shapes."""


def labelme_file(
    detections: Detections,
    class_names: Sequence[str],
    skeletons: Mapping[int, Skeleton],
    *,
    width: int,
    height: int,
    image_path: str,
) -> dict[str, Any]:
    """The content of a LabelMe file.

    Args:
        detections: in the frame of the picture.
        class_names: of each.
        skeletons: by category id, the names of its points.
        width, height: of the picture, in pixels.
        image_path: of the picture, from the folder of the LabelMe file.

    Raises:
        ValueError: a mask is not of the picture's size, or is damaged.
    """
    shapes = []
    for number, (found, name) in enumerate(zip(detections, class_names, strict=True)):
        mask = None if found.mask is None else rle.decode(found.mask.encode(), height, width)
        group = None if found.keypoints is None else number
        if mask is not None and mask.any():
            shapes.append(_mask_shape(mask, name, found.score, group))
        else:
            x1, y1, x2, y2 = found.box.tolist()
            shapes.append(_shape("rectangle", [[x1, y1], [x2, y2]], name, found.score, group))
        shapes += _point_shapes(found, skeletons, name, group)
    return {
        "version": FORMAT_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _mask_shape(
    mask: npt.NDArray[np.bool_], label: str, score: float, group: int | None
) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = (int(end) for ends in (rows, columns) for end in ends[[0, -1]])
    png = io.BytesIO()
    Image.fromarray(mask[top : bottom + 1, left : right + 1].astype(np.uint8)).save(png, "PNG")
    corners = [[float(left), float(top)], [float(right), float(bottom)]]
    content = base64.b64encode(png.getvalue()).decode("ascii")
    return {**_shape("mask", corners, label, score, group), "mask": content}


def _point_shapes(
    found: Detection, skeletons: Mapping[int, Skeleton], label: str, group: int | None
) -> list[dict[str, Any]]:
    if found.keypoints is None:
        return []
    names = skeletons.get(found.category_id, Skeleton((), ())).names_of(len(found.keypoints))
    return [
        _shape("point", [[x, y]], name or f"{label} {number}", score, group)
        for number, (name, (x, y, score)) in enumerate(
            zip(names, found.keypoints.tolist(), strict=True), start=1
        )
    ]


def _shape(
    kind: str, points: list[list[float]], label: str, score: float, group: int | None
) -> dict[str, Any]:
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "description": f"score {score:.3f}",
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }
