"""FiftyOne's labels; its own classes, which come with a database, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest

from client.conversions.fiftyone import cut_out, relative_box
from tests.client.test_result import HEIGHT, WIDTH, masks, result


def test_boxes_are_parts_of_the_picture() -> None:
    assert relative_box([15, 10, 45, 30], WIDTH, HEIGHT) == [0.25, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        ([5, 10, 25, 20], (10, 20)),
        ([4.6, 9.6, 25.4, 20.4], (10, 20)),
        ([0, 0, 60, 40], (40, 60)),
        ([7.2, 8.1, 7.3, 8.2], (1, 1)),
        ([59.9, 39.9, 60, 40], (1, 1)),
    ],
)
def test_masks_are_cut_out_to_the_pixels_of_their_box(
    box: list[float], shape: tuple[int, int]
) -> None:
    assert cut_out(masks()[0], box).shape == shape


def test_they_are_fiftyones_own() -> None:
    fiftyone = pytest.importorskip("fiftyone", reason="FiftyOne wants NumPy 2")
    labels = result().to_fiftyone()
    assert isinstance(labels, fiftyone.Detections)
    person = labels.detections[0]
    assert (person.label, person.confidence) == ("person", pytest.approx(0.9))
    assert np.array_equal(person.mask, np.ones((10, 20), np.bool_))
