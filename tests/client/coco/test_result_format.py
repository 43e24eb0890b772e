"""Detections in COCO's result format, and what is not one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.coco.dataset import CocoImage
from client.coco.result_format import coco_results, fault_of_results
from client.detections import Detections

IMAGE = CocoImage(7, "a.jpg", Path("a.jpg"), height=2, width=3)
RESULTS = [
    {
        "image_id": 7,
        "category_id": 34,
        "bbox": [1.5, 2.25, 10.25, 5.75],
        "score": 0.75,
        "segmentation": {"size": [2, 3], "counts": "132"},
        "keypoints": [1.0, 2.25, 0.5, 0.0, -0.5, 0.25],
    }
]


def test_results_are_written_as_detectron2_writes_them() -> None:
    detections = Detections(
        boxes=np.array([[1.5, 2.25, 11.75, 8.0]], np.float32),
        scores=np.array([0.75], np.float32),
        category_ids=np.array([34], np.int32),
        masks=("132",),
        keypoints=np.array([[[1.5, 2.75, 0.5], [0.5, 0, 0.25]]], np.float32),
    )

    assert coco_results(IMAGE.id, detections, width=IMAGE.width, height=IMAGE.height) == RESULTS
    assert fault_of_results(IMAGE, RESULTS) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda result: result.pop("bbox"), "detection 1 has no 'bbox'"),
        (lambda result: result.update(image_id=8), "it is of another picture"),
        (lambda result: result.update(category_id="34"), "its category has no proper id"),
        (lambda result: result.update(bbox=[1, 2, 3]), "not of finite numbers"),
        (lambda result: result.update(bbox=[1, 2, 3, float("nan")]), "not of finite numbers"),
        (lambda result: result.update(bbox=[1, 2, 3, 10**400]), "too large"),
        (lambda result: result.update(score=float("inf")), "not of finite numbers"),
        (lambda result: result.update(score=None), "must be real number"),
        (lambda result: result["segmentation"].update(size=[3, 2]), "another size"),
        (lambda result: result["segmentation"].update(counts="133"), "does not add up"),
        (lambda result: result["segmentation"].update(counts="1320"), "does not add up"),
        (lambda result: result["segmentation"].update(counts=""), "characters"),
        (lambda result: result["segmentation"].update(counts=[1, 3, 2]), "no attribute"),
        (lambda result: result.update(segmentation=None), "not subscriptable"),
        (lambda result: result.update(keypoints=[]), "three finite numbers each"),
        (lambda result: result.update(keypoints=[1.0, 2.0]), "three finite numbers each"),
        (lambda result: result.update(keypoints=[1.0, float("nan"), 0.5]), "three finite numbers"),
        (lambda result: result.update(keypoints=["a", 1, 2]), "must be real number"),
    ],
)
def test_what_cannot_be_a_detection_in_the_picture_is_told(
    change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    results = copy.deepcopy(RESULTS)
    change(results[0])

    assert fault in str(fault_of_results(IMAGE, results))


@pytest.mark.parametrize("results", [None, 7, {}, [None], [[]], ["a"]])
def test_other_values_than_lists_of_objects_are_told(results: object) -> None:
    assert fault_of_results(IMAGE, results)
