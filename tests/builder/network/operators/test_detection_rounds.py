"""Each detection has what is made for it, in rounds or at once, and empty places have zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network.operators import detection_rounds as module
from builder.network.operators.detection_rounds import Places, detection_rounds
from builder.network.structures import Detections
from tests.builder.network.graph_pieces import run_graph

PLACES = 10


def run(counts: list[int], static: bool) -> npt.NDArray[np.float32]:
    """Of each detection its score and its picture, with the scores 0, 1, 2, … of all places."""

    def trace(op: Any, counts: ir.Value, scores: ir.Value) -> list[ir.Value]:
        def make(op: Any, places: Places) -> ir.Value:
            picture = op.Cast(places.pictures, to=ir.DataType.FLOAT)
            pair = (op.Unsqueeze(each, [1]) for each in (places.take(op, scores), picture))
            return op.Concat(*pair, axis=1)

        detections = Detections(counts, scores, scores, counts)
        return [detection_rounds(op, detections, PLACES, static=static).make(op, [2], make)]

    scores = np.arange(len(counts) * PLACES, dtype=np.float32).reshape(-1, PLACES)
    [found] = run_graph(trace, np.array(counts, np.int32)[:, None], scores)
    return found


@pytest.mark.parametrize(
    ("each_picture", "static"),
    [(None, False), (1, False), (3, False), (8, False), (10, False), (32, False), (32, True)],
)
@pytest.mark.parametrize("counts", [[0], [1], [10], [0, 0, 0], [3, 0, 10], [0, 7, 1, 0], [10, 10]])
def test_each_detection_has_its_own_and_empty_places_have_zeros(
    counts: list[int], each_picture: int | None, static: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if each_picture is not None:
        monkeypatch.setattr(module, "IN_ROUNDS", True)
        monkeypatch.setattr(module, "EACH_PICTURE", each_picture)
    expected = np.zeros((len(counts), PLACES, 2), np.float32)
    for picture, count in enumerate(counts):
        expected[picture, :count, 0] = picture * PLACES + np.arange(count)
        expected[picture, :count, 1] = picture
    np.testing.assert_array_equal(run(counts, static), expected)
