from __future__ import annotations

import numpy as np
import pytest

from client.analysis.overlap import box_ious, shares_inside

BOXES = np.array([[0, 0, 10, 10], [5, 0, 10, 10], [50, 50, 4, 4], [0, 0, 0, 5]], float)


def test_it_is_the_intersection_over_the_union() -> None:
    expected = [[1, 50 / 150, 0, 0], [50 / 150, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert box_ious(BOXES, BOXES) == pytest.approx(np.array(expected))


def test_of_a_crowd_it_is_the_part_of_the_box_inside() -> None:
    crowd = np.array([[0, 0, 100, 5]], float)
    assert shares_inside(BOXES, crowd)[:, 0] == pytest.approx([0.5, 0.5, 0, 0])


def test_where_there_are_no_boxes_there_are_no_overlaps() -> None:
    none = np.zeros((0, 4))
    assert box_ious(none, BOXES).shape == (0, 4)
    assert shares_inside(BOXES, none).shape == (4, 0)
