"""What was found in a picture, as regions of Label Studio.

https://labelstud.io/guide/predictions: boxes and points are in percent of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from client import rle
from client.annotation.label_studio.brush import brush_rle
from client.annotation.label_studio.labeling import BRUSH, KEYPOINT, RECTANGLE, Control, Labeling
from client.detections import Detection, Skeleton
from client.result import Result

POINT_WIDTH = 0.75
"""Of a keypoint's dot, in percent of the picture's width."""


def prediction_of(found: Result, labeling: Labeling, model_version: str) -> dict[str, Any]:
    """A prediction: its regions, and the mean of their scores, 0 without any.

    Args:
        found: boxes, masks and points in the picture as it is seen, which is how Label Studio
            shows it.
        labeling: of the project.
        model_version: that the prediction is of.

    Raises:
        ValueError: a mask is not of the picture's size, or is damaged.
    """
    regions: list[dict[str, Any]] = []
    for number, (detection, name) in enumerate(
        zip(found.detections, found.class_names, strict=True)
    ):
        for control in labeling.controls:
            for part, value in enumerate(_values(detection, name, control, found)):
                regions.append(
                    {
                        "id": f"{number}-{control.name}-{part}",
                        "from_name": control.name,
                        "to_name": control.image,
                        "type": control.kind.lower(),
                        "original_width": found.width,
                        "original_height": found.height,
                        "image_rotation": 0,
                        "score": detection.score,
                        "value": value,
                    }
                )
    scores = [region["score"] for region in regions]
    return {
        "result": regions,
        "score": sum(scores) / len(scores) if scores else 0.0,
        "model_version": model_version,
    }


def _values(
    detection: Detection, name: str, control: Control, found: Result
) -> Iterator[dict[str, Any]]:
    """The values of its regions: several points, or one of the others, or none."""
    if control.kind == KEYPOINT:
        yield from _points(detection, control, found)
    elif name not in control.label_of:
        return
    elif control.kind == RECTANGLE:
        x1, y1, x2, y2 = detection.box.tolist()
        yield {
            "x": 100 * x1 / found.width,
            "y": 100 * y1 / found.height,
            "width": 100 * (x2 - x1) / found.width,
            "height": 100 * (y2 - y1) / found.height,
            "rotation": 0,
            "rectanglelabels": [control.label_of[name]],
        }
    elif control.kind == BRUSH and detection.mask is not None:
        mask = rle.decode(detection.mask.encode(), found.height, found.width)
        if mask.any():
            yield {
                "format": "rle",
                "rle": brush_rle(mask),
                "brushlabels": [control.label_of[name]],
            }


def _points(detection: Detection, control: Control, found: Result) -> Iterator[dict[str, Any]]:
    if detection.keypoints is None:
        return
    skeleton = found.skeletons.get(detection.category_id, Skeleton((), ()))
    names = skeleton.names_of(len(detection.keypoints))
    for name, (x, y, _) in zip(names, detection.keypoints.tolist(), strict=True):
        if name is not None and name in control.label_of:
            yield {
                "x": 100 * x / found.width,
                "y": 100 * y / found.height,
                "width": POINT_WIDTH,
                "keypointlabels": [control.label_of[name]],
            }
