"""In rounds or in one, the answer is that of greedy NMS over all candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network.operators import batched_nms as module
from builder.network.operators.batched_nms import Candidates, batched_nms
from builder.network.operators.top_k import NO_SCORE, gather_rows
from tests.builder.network.graph_pieces import run_graph

Array = npt.NDArray[Any]
CLASSES = 5


def run(scores: Array, boxes: Array, places: int) -> list[tuple[Array, Array, Array]]:
    """Scores, boxes and classes of each picture; `scores` [N, M], `boxes` [N, M, 4]."""

    def trace(op: Any, scores: ir.Value, boxes: ir.Value) -> list[ir.Value]:
        def candidates_at(op: Any, indices: ir.Value) -> Candidates:
            found = gather_rows(op, boxes, indices)
            usable = op.Not(op.IsNaN(op.ReduceSum(found, [2], keepdims=0)))
            return Candidates(found, op.Mod(indices, CLASSES), usable)

        found = batched_nms(
            op,
            scores,
            candidates_at,
            count=scores_shape[1],
            places=places,
            iou_threshold=0.5,
            dtype=ir.DataType.FLOAT,
        )
        return found.values()

    scores_shape = scores.shape
    found = run_graph(trace, scores, boxes)
    exists = [row > NO_SCORE / 2 for row in found[0]]
    return [tuple(values[n][exists[n]] for values in found) for n in range(len(scores))]


def greedy(scores: Array, boxes: Array, places: int) -> tuple[Array, Array, Array]:
    """The same for one picture, candidate by candidate."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if scores[index] <= NO_SCORE / 2 or np.isnan(boxes[index]).any() or len(kept) == places:
            continue
        rivals = [k for k in kept if k % CLASSES == index % CLASSES]
        if all(iou(boxes[index], boxes[k]) <= 0.5 for k in rivals):
            kept.append(int(index))
    classes = np.array(kept, np.int64) % CLASSES
    return scores[kept], boxes[kept].reshape(-1, 4), classes


def iou(a: Array, b: Array) -> float:
    """In fp32, as torchvision orders it."""
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    intersection = max(width, np.float32(0)) * max(height, np.float32(0))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return float(intersection / (areas[0] + areas[1] - intersection))


def scene(seed: int, count: int, spread: float) -> tuple[Array, Array]:
    """Candidates whose boxes overlap the more, the smaller `spread` is."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, spread, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(20, 40, (count, 2))], axis=1)
    scores = rng.permutation(np.linspace(0.01, 1, count))
    scores[rng.random(count) < 0.1] = NO_SCORE
    boxes[rng.random(count) < 0.05] = np.nan
    return scores.astype(np.float32), boxes.astype(np.float32)


@pytest.mark.parametrize("round_size", [7, 64, 1000])
@pytest.mark.parametrize(("spread", "places"), [(5, 20), (60, 10), (400, 100), (400, 300)])
def test_the_answer_is_that_of_greedy_nms_over_all_candidates(
    round_size: int, spread: float, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST_ROUND", round_size)
    scenes = [scene(seed, 500, spread) for seed in range(3)]
    scores, boxes = (np.stack(each) for each in zip(*scenes, strict=True))
    for found, one in zip(run(scores, boxes, places), scenes, strict=True):
        for value, expected in zip(found, greedy(*one, places), strict=True):
            np.testing.assert_array_equal(value, expected)


def test_pictures_without_candidates_have_none_beside_others_that_have_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LEAST_ROUND", 16)
    scores, boxes = scene(0, 200, spread=30)
    found = run(np.stack([np.full_like(scores, NO_SCORE), scores]), np.stack([boxes, boxes]), 50)
    assert [len(values) for values in found[0]] == [0, 0, 0]
    np.testing.assert_array_equal(found[1][0], greedy(scores, boxes, 50)[0])
