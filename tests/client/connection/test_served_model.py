"""What a client knows of a model's points, from the parameters of its ensemble."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client.connection.served_model import categories, keypoint_oks_sigmas, skeletons
from client.detections import Skeleton


def identity(entries: list[dict[str, Any]], outputs: str = "masks", **more: str) -> dict[str, Any]:
    parameters = {"categories": json.dumps(entries), **more}
    return {"birds": {"outputs": outputs.split(), "parameters": parameters}}


BIRD = {"id": 7, "name": "bird", "keypoints": ["beak", "tail", "eye"], "skeleton": [[1, 2], [3, 1]]}


def test_skeletons_are_counted_from_0_and_are_of_those_that_have_points() -> None:
    model = identity([{"id": 1, "name": "cat"}, BIRD])
    assert categories(model) == {1: "cat", 7: "bird"}
    assert skeletons(model) == {7: Skeleton(("beak", "tail", "eye"), ((0, 1), (2, 0)))}


@pytest.mark.parametrize("edge", [[0, 1], [1, 4], [1], ["a", "b"]])
def test_a_skeleton_of_other_points_is_refused(edge: list[object]) -> None:
    with pytest.raises(ValueError, match=r"skeleton|unpack|invalid literal"):
        skeletons(identity([{**BIRD, "skeleton": [edge]}]))


def test_sigmas_are_none_without_points_and_empty_where_they_are_not_known() -> None:
    assert keypoint_oks_sigmas(identity([BIRD], keypoint_oks_sigmas="0.1")) is None
    assert keypoint_oks_sigmas(identity([BIRD], "keypoints")) == ()
    known = identity([BIRD], "keypoints masks", keypoint_oks_sigmas="0.1,0.25,0.5")
    assert keypoint_oks_sigmas(known) == (0.1, 0.25, 0.5)
