"""One by one, all at once or in rounds, groups have the answer of greedy NMS."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network.operators import grouped_nms as module
from builder.network.operators.grouped_nms import grouped_nms
from builder.network.operators.top_k import NO_SCORE
from tests.builder.network.graph_pieces import run_graph
from tests.builder.network.operators.test_nms import SCENES, greedy_nms

Array = npt.NDArray[Any]
THRESHOLD = 0.5


def run(
    boxes: Array, scores: Array, size: int, places: int, static: bool = False
) -> list[tuple[Array, Array]]:
    """Boxes and scores of each picture."""

    scores_shape = scores.shape

    def trace(op: Any, boxes: ir.Value, scores: ir.Value) -> list[ir.Value]:
        found = grouped_nms(
            op,
            scores,
            boxes,
            groups=scores_shape[1] // size,
            size=size,
            places=places,
            iou_threshold=THRESHOLD,
            dtype=ir.DataType.FLOAT,
            static=static,
        )
        return [found.boxes, found.scores]

    found = run_graph(trace, boxes, scores)
    return [(b[s > NO_SCORE / 2], s[s > NO_SCORE / 2]) for b, s in zip(*found, strict=True)]


@pytest.mark.parametrize(
    ("one_by_one", "large_group", "static"),
    [(True, 2000, False), (False, 2000, False), (False, 1, False), (False, 1, True)],
    ids=["one by one", "all at once", "in rounds", "static"],
)
@pytest.mark.parametrize("places", [10, 200])
@pytest.mark.parametrize(
    "scene", ["random", "crowded", "chain", "identical", "empty boxes", "one box"]
)
def test_groups_have_the_answer_of_greedy_nms(
    scene: str,
    places: int,
    one_by_one: bool,
    large_group: int,
    static: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ONE_BY_ONE", one_by_one)
    monkeypatch.setattr(module, "LARGE_GROUP", large_group)
    rng = np.random.default_rng(0)
    one, size = SCENES[scene], len(SCENES[scene])
    groups = np.stack([one, one[::-1], one + np.float32(3)])
    scores = -np.sort(-rng.random((3, size)).astype(np.float32), axis=1)
    scores[rng.random(scores.shape) < 0.1] = NO_SCORE
    # Two pictures: of three groups, and of these in another order.
    boxes = np.stack([groups, groups[[1, 2, 0]]]).reshape(2, -1, 4)
    both = np.stack([scores, scores[[1, 2, 0]]]).reshape(2, -1)
    classes = np.zeros(size, np.int64)
    kept = np.concatenate(
        [
            greedy_nms(b, s > NO_SCORE / 2, classes, THRESHOLD)
            for b, s in zip(groups, scores, strict=True)
        ]
    )
    best = np.argsort(-np.where(kept, scores.ravel(), NO_SCORE), kind="stable")
    best = best[: min(places, int(kept.sum()))]
    for found_boxes, found_scores in run(boxes, both, size, places, static):
        np.testing.assert_array_equal(found_scores, scores.ravel()[best])
        np.testing.assert_array_equal(found_boxes, groups.reshape(-1, 4)[best])


def test_a_pair_at_the_very_threshold_is_kept_one_by_one() -> None:
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 5.1]]], np.float32)
    [(_, kept)] = run(boxes, np.array([[0.9, 0.8, 0.7]], np.float32), 3, 3)
    np.testing.assert_array_equal(kept, np.array([0.9, 0.8], np.float32))
