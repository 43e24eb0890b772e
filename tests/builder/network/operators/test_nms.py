from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network.operators.nms import nms, pairwise_iou
from tests.builder.network.graph_pieces import run_graph

Boxes = npt.NDArray[np.float32]


def iou(a: Boxes, b: Boxes) -> np.float32:
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    intersection = sides[0] * sides[1]
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    with np.errstate(invalid="ignore"):
        return intersection / (areas[0] + areas[1] - intersection)


def greedy_nms(
    boxes: Boxes, valid: npt.NDArray[np.bool_], classes: npt.NDArray[np.int64], threshold: float
) -> npt.NDArray[np.bool_]:
    keep = np.zeros(len(boxes), bool)
    for i in range(len(boxes)):
        rivals = [j for j in range(i) if keep[j] and classes[j] == classes[i]]
        keep[i] = valid[i] and not any(iou(boxes[j], boxes[i]) > threshold for j in rivals)
    return keep


def random_boxes(seed: int, count: int, span: float = 60) -> Boxes:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, span, (count, 2))
    return np.hstack([corners, corners + rng.uniform(1, 40, (count, 2))]).astype(np.float32)


def chain(count: int) -> Boxes:
    """Each box overlaps only its two neighbours: the longest chain of suppressions there is."""
    x = 3 * np.arange(count, dtype=np.float32)
    zeros = np.zeros_like(x)
    return np.stack([x, zeros, x + 10, zeros + 10], axis=1)


IDENTICAL = np.tile(np.array([[5, 5, 25, 30]], np.float32), (40, 1))
EMPTY = np.zeros((12, 4), np.float32)
NAN = np.where(np.arange(80).reshape(20, 4) % 7 == 0, np.nan, random_boxes(1, 20)).astype(
    np.float32
)

SCENES = {
    "random": random_boxes(2, 150),
    "crowded": random_boxes(3, 150, span=5),
    "sparse": random_boxes(4, 60, span=2000),
    "chain": chain(120),
    "identical": IDENTICAL,
    "empty boxes": EMPTY,
    "NaN": NAN,
    "one box": random_boxes(5, 1),
}


@pytest.mark.parametrize("dtype", [ir.DataType.FLOAT, ir.DataType.FLOAT16])
@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("threshold", [0.5, 0.7])
@pytest.mark.parametrize("scene", SCENES)
def test_the_fixed_point_is_greedy_nms(
    scene: str, threshold: float, by_class: bool, dtype: ir.DataType
) -> None:
    boxes = SCENES[scene]
    count = len(boxes)
    rng = np.random.default_rng(6)
    valid = rng.random(len(boxes)) < 0.9
    classes = rng.integers(0, 3 if by_class else 1, len(boxes))

    def trace(op: Any, boxes: ir.Value, valid: ir.Value, classes: ir.Value) -> Any:
        return [nms(op, boxes, valid, count, threshold, dtype, classes if by_class else None)]

    (keep,) = run_graph(trace, boxes[None], valid[None], classes[None])
    np.testing.assert_array_equal(keep[0], greedy_nms(boxes, valid, classes, threshold))


def test_the_pictures_of_a_batch_do_not_mix() -> None:
    """The picture with the longest chain decides the number of rounds, and nothing else."""
    scenes = [chain(100), random_boxes(7, 100), np.tile(IDENTICAL[:1], (100, 1))]
    boxes, valid = np.stack(scenes), np.ones((3, 100), bool)

    def trace(op: Any, boxes: ir.Value, valid: ir.Value) -> Any:
        return [nms(op, boxes, valid, 100, 0.5, ir.DataType.FLOAT)]

    (keep,) = run_graph(trace, boxes, valid)
    for scene, kept in zip(scenes, keep, strict=True):
        np.testing.assert_array_equal(
            kept, greedy_nms(scene, valid[0], np.zeros(100, np.int64), 0.5)
        )


def test_iou_is_that_of_two_boxes_at_a_time() -> None:
    boxes, others = random_boxes(8, 50), random_boxes(9, 30)
    (found,) = run_graph(lambda op, b, o: [pairwise_iou(op, b, o)], boxes[None], others[None])
    expected = [[iou(a, b) for b in others] for a in boxes]
    np.testing.assert_array_equal(np.maximum(found[0], 0), np.asarray(expected, np.float32))


def test_a_pair_at_the_very_threshold_is_kept() -> None:
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 5.1]]], np.float32)
    valid = np.ones((1, 3), bool)

    def trace(op: Any, boxes: ir.Value, valid: ir.Value) -> Any:
        return [nms(op, boxes, valid, 3, 0.5, ir.DataType.FLOAT)]

    (keep,) = run_graph(trace, boxes, valid)
    np.testing.assert_array_equal(keep, [[True, True, False]])
