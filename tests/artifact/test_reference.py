"""What a build records of its answers, written and read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from artifact.manifest import FileRecord, Tensor
from artifact.reference import (
    Reference,
    ReferenceAnswer,
    ReferenceDetection,
    read_reference,
)

DETECTION = ReferenceDetection(
    box=(1.5, 2.0, 30.25, 40.0), score=0.75, category_id=3, mask="04", keypoints=((1.0, 2.0, 0.5),)
)
REFERENCE = Reference(
    model="Keypoint R-CNN R50-FPN",
    precision="fp16",
    builder_version="0.1.0",
    weights=FileRecord("model_final.pkl", 12, "ab"),
    pixel_mean=(103.53, 116.28, 123.675),
    score_threshold=0.05,
    tensors={"mask_rcnn_network": (Tensor("canvas", "UINT8", (-1, -1, 3)),)},
    parameters={"mask_rcnn_preprocess": {"resize": "pillow"}},
    max_batch=8,
    answers=(ReferenceAnswer("aGk=", (800, 1067), "cd", 1, (DETECTION,)),),
)


def test_it_is_read_as_it_was_written() -> None:
    assert read_reference(REFERENCE.to_json()) == REFERENCE


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], "other", "its format is not 'mask-rcnn-triton reference 1'"),
        (["precision"], "fp8", "precision 'fp8', expected was one of fp32, fp16, int8"),
        (["max_batch"], "8", "reference.max_batch is str, expected was int"),
        (["answers", 0, "detections", 0, "box"], [1.0], "a box of 1 numbers"),
        (["answers", 0, "detections", 0, "score"], None, "score is NoneType"),
    ],
)
def test_what_is_none_is_refused(path: list[Any], value: object, says: str) -> None:
    content = json.loads(REFERENCE.to_json())
    *parents, last = path
    part = content
    for each in parents:
        part = part[each]
    part[last] = value
    with pytest.raises(ValueError, match=says.replace("[", r"\[")):
        read_reference(json.dumps(content))


def test_it_is_json_without_numbers_that_json_has_not() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Reference(**{**vars(REFERENCE), "score_threshold": float("nan")}).to_json()
