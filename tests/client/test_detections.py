"""What was found, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from client.detections import Detections


@pytest.mark.parametrize("masks", [("a", "b"), None])
def test_each_detection_has_its_own_box_score_category_and_mask(
    masks: tuple[str, ...] | None,
) -> None:
    detections = Detections(
        boxes=np.array([[0, 1, 2, 3], [4, 5, 6, 7]], np.float32),
        scores=np.array([0.75, 0.5], np.float32),
        category_ids=np.array([9, 8], np.int32),
        masks=masks,
    )

    first, second = detections

    assert (first.box.tolist(), first.score, first.category_id) == ([0, 1, 2, 3], 0.75, 9)
    assert (second.box.tolist(), second.score, second.category_id) == ([4, 5, 6, 7], 0.5, 8)
    assert (first.mask, second.mask) == (masks or (None, None))
