from __future__ import annotations

from typing import Any

import numpy as np
import pycocotools.mask
import pytest

from client.pictures.segmentation import mask_of

HEIGHT, WIDTH = 30, 40
SQUARE = np.zeros((HEIGHT, WIDTH), bool)
SQUARE[5:15, 10:25] = True
ENCODED = pycocotools.mask.encode(np.asfortranarray(SQUARE, np.uint8))
COMPRESSED = {"size": [HEIGHT, WIDTH], "counts": ENCODED["counts"].decode()}
UNCOMPRESSED = {
    "size": [HEIGHT, WIDTH],
    "counts": [305, *[10, 20] * 14, 10, HEIGHT * WIDTH - 305 - 14 * 30 - 10],
}


@pytest.mark.parametrize("segmentation", [COMPRESSED, UNCOMPRESSED], ids=["compressed", "not"])
def test_run_lengths_are_decoded(segmentation: dict[str, Any]) -> None:
    assert np.array_equal(mask_of(segmentation, HEIGHT, WIDTH), SQUARE)


def test_polygons_are_filled_but_for_their_rim_as_pycocotools_fills_them() -> None:
    polygons = [[10, 5, 24, 5, 24, 14, 10, 14], [30, 20, 35, 20, 35, 25]]
    encoded = pycocotools.mask.frPyObjects(polygons, HEIGHT, WIDTH)
    expected = pycocotools.mask.decode(pycocotools.mask.merge(encoded)).astype(bool)

    mask = mask_of(polygons, HEIGHT, WIDTH)

    assert mask[6:14, 11:24].all()
    assert np.count_nonzero(mask != expected) < 40


def test_run_lengths_of_another_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="pixels of the picture"):
        mask_of(COMPRESSED, HEIGHT + 1, WIDTH)
