"""What a browser is told of a picture: results in COCO's format, and how to show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from client.coco.dataset import CocoImage
from client.coco.result_format import coco_results
from client.connection.served_model import ServedModel
from client.detections import Detections, Skeleton
from client.errors import RequestFailed
from client.pictures.drawing import UNNAMED_COLOR, category_colors
from client.pictures.label import in_one_line


def answer(detections: Detections, model: ServedModel, size: tuple[int, int]) -> dict[str, Any]:
    """{width, height, results, classes {id: {name, color, edges}}}, JSON values only.

    Args:
        detections: in pixels of the upright picture.
        size: its (height, width).

    Masks go as they came: whoever decodes one sees whether it is of this size.

    Raises:
        RequestFailed: a box, a score or a point is no number.
    """
    height, width = size
    points = () if detections.keypoints is None else detections.keypoints
    for numbers in (detections.boxes, detections.scores, points):
        if not np.isfinite(numbers).all():
            raise RequestFailed("the server's answer has infinite numbers, or none")
    results = coco_results(CocoImage(0, "", Path(), height, width), detections)
    colors = category_colors(model.categories)
    classes = {
        category_id: {
            "name": in_one_line(model.categories.get(category_id, "")) or str(category_id),
            "color": colors.get(category_id, UNNAMED_COLOR),
            "edges": model.skeletons.get(category_id, Skeleton((), ())).edges,
        }
        for category_id in sorted({result["category_id"] for result in results})
    }
    return {"width": width, "height": height, "results": results, "classes": classes}
