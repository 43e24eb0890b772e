"""When two answers are the same but for rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from artifact.reference import ReferenceDetection
from client.check.compare import box_iou, differences, distance
from client.check.tolerance import TOLERANCES, Tolerance

SIZE = (60, 80)
FP32, FP16 = TOLERANCES["fp32"], TOLERANCES["fp16"]


def detection(
    left: float = 10, score: float = 0.9, category: int = 1, side: int = 20
) -> ReferenceDetection:
    """A square with a mask and two points."""
    pixels = np.zeros(SIZE, np.uint8, order="F")
    pixels[10 : 10 + side, int(left) : int(left) + side] = 1
    return ReferenceDetection(
        box=(left, 10.0, left + side, 10.0 + side),
        score=score,
        category_id=category,
        mask=coco.encode(pixels)["counts"].decode(),
        keypoints=((left, 10.0, 0.5), (left + side, 20.0, 0.5)),
    )


def apart(
    found: list[ReferenceDetection],
    expected: list[ReferenceDetection],
    tolerance: Tolerance = FP32,
) -> list[str]:
    return differences(found, expected, SIZE, tolerance, score_threshold=0.05)


def test_the_order_of_near_ties_is_free() -> None:
    one, other = detection(10), detection(40, score=0.90001)
    assert apart([one, other], [other, one]) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"category_id": 2}, "recorded; not here"),
        ({"score": 0.8}, "here score 0.8000"),
        ({"box": (10.0, 10.0, 33.0, 30.0)}, "box overlap 0.870"),
        ({"mask": detection(13).mask}, "120 of 460 mask pixels differ"),
        ({"keypoints": ((12.0, 10.0, 0.5), (30.0, 20.0, 0.5))}, "a point 2.00 pixels away"),
    ],
)
def test_each_part_of_a_detection_is_compared(change: dict[str, Any], says: str) -> None:
    right = detection()
    wrong = replace(right, **change)
    lines = differences(
        [wrong], [right], SIZE, FP32, score_threshold=0.05, names=("here", "recorded")
    )
    assert len(lines) == 2, "the one is missing, the other one too many"
    assert says in lines[0]


def test_a_detection_near_the_threshold_need_not_be_in_both() -> None:
    right = [detection()]
    assert apart([*right, detection(40, score=0.05005)], right) == []
    assert apart(right, [*right, detection(40, score=0.05005)]) == []
    assert len(apart([*right, detection(40, score=0.06)], right)) == 1


def test_every_detection_needs_a_counterpart_of_its_own() -> None:
    assert len(apart([detection()], [detection(), detection()])) == 1


def test_fp16_may_lose_a_few_detections_of_low_scores_and_none_of_high_ones() -> None:
    many = [detection(left) for left in range(0, 40, 4)]
    low, high = detection(55, score=0.3), detection(55, score=0.7)
    assert apart(many, [*many, low], FP16) == []
    assert len(apart(many, [*many, low])) == 1
    assert len(apart(many, [*many, high], FP16)) == 1
    assert len(apart(many[:2], [*many[:2], low], FP16)) == 1, "one of three is not a few"


def test_masks_may_differ_by_two_pixels() -> None:
    right = detection()
    pixels = coco.decode({"size": SIZE, "counts": right.mask})
    flipped = []
    for count in (2, 5):
        other = pixels.copy(order="F")
        other[10, 10 : 10 + count] = 0
        flipped.append(replace(right, mask=coco.encode(other)["counts"].decode()))
    assert apart([flipped[0]], [right]) == []
    assert "5 of 400 mask pixels differ" in apart([flipped[1]], [right])[0]


def test_one_point_of_ten_may_be_elsewhere() -> None:
    points = tuple((float(x), 20.0, 0.5) for x in range(10))
    elsewhere = (50.0, 20.0, 0.5)
    right = replace(detection(), keypoints=points)
    one_off = replace(right, keypoints=(elsewhere, *points[1:]))
    two_off = replace(right, keypoints=(elsewhere, *points[1:9], elsewhere))
    assert apart([one_off], [right]) == []
    assert apart([two_off], [right]) != []


def test_answers_without_masks_are_not_answers_with_masks() -> None:
    assert apart([replace(detection(), mask=None)], [detection()]) != []
    assert apart([replace(detection(), mask=None)], [replace(detection(), mask=None)]) == []


def test_a_mask_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="RLE"):
        apart([replace(detection(), mask="00")], [detection()])


def test_boxes_overlap() -> None:
    assert box_iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert box_iou((0, 0, 10, 10), (20, 0, 30, 10)) == 0
    assert box_iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_the_distance_of_answers_is_0_for_the_same_and_1_for_others() -> None:
    right = [detection(), detection(40)]
    assert distance(right, right) == 0
    assert distance([], right) == 1
    assert distance([detection(category=2)], right) == 1
    assert distance([detection(score=0.7), detection(40)], right) == pytest.approx(0.1)


def test_int8_allows_much_but_not_another_networks_answers() -> None:
    int8 = TOLERANCES["int8"]
    right = [detection(left) for left in range(0, 40, 4)]
    assert apart([replace(each, score=0.75) for each in right], right, int8) == []
    moved = [replace(each, box=(*each.box[:3], 33.4), score=0.71) for each in right]
    assert apart(moved, right, int8) == ["as a whole the answers are 0.34 apart, of 1"]
