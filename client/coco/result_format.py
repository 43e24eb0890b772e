"""COCO's result format: what is written of detections, and what may be evaluated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from client import rle
from client.coco.annotation_faults import is_id
from client.coco.dataset import CocoImage
from client.detections import Detections

CocoResult = dict[str, Any]
"""image_id, category_id, bbox [x, y, w, h], score, segmentation {size [h, w], counts}, keypoints
[x, y, score, …]."""


def coco_results(
    image_id: int, detections: Detections, *, width: int, height: int
) -> list[CocoResult]:
    """The detections in one picture as detectron2 writes them to coco_instances_results.json.

    Args:
        image_id: of the picture in the annotations.
        detections: in the frame of the picture.
        width, height: of the picture, in pixels.
    """
    results = []
    for found in detections:
        xywh = found.box.copy()
        xywh[2:] -= xywh[:2]
        result: CocoResult = {
            "image_id": image_id,
            "category_id": found.category_id,
            "bbox": xywh.tolist(),
            "score": found.score,
        }
        if found.mask is not None:
            result["segmentation"] = {"size": [height, width], "counts": found.mask}
        if found.keypoints is not None:
            # COCO's points are indices of pixels: detectron2 `instances_to_coco_json`.
            points = found.keypoints - np.array([0.5, 0.5, 0], np.float32)
            result["keypoints"] = points.reshape(-1).tolist()
        results.append(result)
    return results


def fault_of_results(image: CocoImage, results: Any) -> str | None:
    """Why results cannot be those of a picture; None where they can.

    They come from a server or a file. pycocotools believes them, and computes for ever on masks
    that do not fit the picture.

    Args:
        image: the picture.
        results: a JSON value.
    """
    if not isinstance(results, list):
        return "its results are not a list"
    for number, result in enumerate(results, start=1):
        try:
            _check(image, result)
        except KeyError as error:
            return f"detection {number} has no {error}"
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            return f"detection {number}: {error}"
    return None


def _check(image: CocoImage, result: Any) -> None:
    if "keypoints" in result:
        keypoints = result["keypoints"]
        if not keypoints or len(keypoints) % 3 or not all(map(math.isfinite, keypoints)):
            raise ValueError("its points are not of three finite numbers each")
    if result["image_id"] != image.id:
        raise ValueError("it is of another picture")
    if not is_id(result["category_id"]):
        raise ValueError("its category has no proper id")
    box, score = result["bbox"], result["score"]
    if len(box) != 4 or not all(math.isfinite(value) for value in (*box, score)):
        raise ValueError("its box or its score is not of finite numbers")
    if "segmentation" in result:
        mask = result["segmentation"]
        if mask["size"] != [image.height, image.width]:
            raise ValueError("its mask is of another size than the picture")
        runs = rle.run_lengths(mask["counts"].encode())
        # Two masks with an empty run at the same pixel end pycocotools' comparison there.
        if runs.sum() != image.height * image.width or not runs[1:].all():
            raise ValueError(
                f"the RLE of its mask does not add up to the {image.height * image.width} pixels "
                "of the picture"
            )
