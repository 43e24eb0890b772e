"""What was found, one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from client.detections import Detections


@pytest.mark.parametrize("masks", [("a", "b"), None])
@pytest.mark.parametrize("keypoints", [np.arange(12, dtype=np.float32).reshape(2, 2, 3), None])
def test_each_detection_has_its_own_box_score_category_mask_and_points(
    masks: tuple[str, ...] | None, keypoints: npt.NDArray[np.float32] | None
) -> None:
    detections = Detections(
        boxes=np.array([[0, 1, 2, 3], [4, 5, 6, 7]], np.float32),
        scores=np.array([0.75, 0.5], np.float32),
        category_ids=np.array([9, 8], np.int32),
        masks=masks,
        keypoints=keypoints,
    )

    first, second = detections

    assert (first.box.tolist(), first.score, first.category_id) == ([0, 1, 2, 3], 0.75, 9)
    assert (second.box.tolist(), second.score, second.category_id) == ([4, 5, 6, 7], 0.5, 8)
    assert (first.mask, second.mask) == (masks or (None, None))
    for number, found in enumerate((first, second)):
        points = None if found.keypoints is None else found.keypoints.tolist()
        assert points == (None if keypoints is None else keypoints[number].tolist())
