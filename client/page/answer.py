"""What a browser is told of a picture: results in COCO's format, and how to show them."""

from __future__ import annotations

from typing import Any

import numpy as np

from client.detections import Skeleton
from client.errors import RequestFailed
from client.pictures.drawing import UNNAMED_COLOR, category_colors
from client.pictures.label import in_one_line
from client.result import Result


def answer(found: Result) -> dict[str, Any]:
    """{width, height, results, classes {id: {name, color, edges}}}, JSON values only.

    Masks go as they came: whoever decodes one sees whether it is of this size.

    Raises:
        RequestFailed: a box, a score or a point is no number.
    """
    points = () if found.keypoints is None else found.keypoints
    for numbers in (found.boxes, found.scores, points):
        if not np.isfinite(numbers).all():
            raise RequestFailed("the server's answer has infinite numbers, or none")
    colors = category_colors(found.categories)
    classes = {
        class_id: {
            "name": in_one_line(found.categories.get(class_id, "")) or str(class_id),
            "color": colors.get(class_id, UNNAMED_COLOR),
            "edges": found.skeletons.get(class_id, Skeleton((), ())).edges,
        }
        for class_id in sorted(set(found.class_ids.tolist()))
    }
    return {
        "width": found.width,
        "height": found.height,
        "results": found.to_coco(0),
        "classes": classes,
    }
