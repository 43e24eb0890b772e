"""What a browser is told of a picture: results in COCO's format, and how to show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from client.coco.dataset import CocoImage
from client.coco.result_format import coco_results, fault_of_results
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

    Raises:
        RequestFailed: the detections cannot be those of such a picture.
    """
    height, width = size
    image = CocoImage(0, "", Path(), height, width)
    results = coco_results(image, detections)
    fault = fault_of_results(image, results)
    if fault is not None:
        raise RequestFailed(f"the server's answer does not fit the picture: {fault}")
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
