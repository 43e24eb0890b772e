from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paste import PastedMask
from pycocotools import mask as mask_utils
from rle import compressed_rle, run_lengths


def frame_of(mask: PastedMask, height: int, width: int) -> npt.NDArray[np.uint8]:
    frame = np.zeros((height, width), np.uint8, order="F")
    crop_width, crop_height = mask.columns.shape
    frame[mask.y : mask.y + crop_height, mask.x : mask.x + crop_width] = mask.columns.T
    return frame


def checkered(width: int, height: int) -> npt.NDArray[np.bool_]:
    return np.indices((width, height)).sum(axis=0) % 2 == 0


def ones(width: int, height: int) -> npt.NDArray[np.bool_]:
    return np.ones((width, height), np.bool_)


# crop's x, y and columns; the frame's height and width
CROPS = {
    "inside": (3, 2, checkered(4, 5), 10, 12),
    "all zero": (3, 2, ~ones(4, 5), 10, 12),
    "all one": (3, 2, ones(4, 5), 10, 12),
    "left edge": (0, 2, ones(4, 5), 10, 12),
    "right edge": (8, 2, ones(4, 5), 10, 12),
    "top edge": (3, 0, ones(4, 5), 10, 12),
    "bottom edge": (3, 5, ones(4, 5), 10, 12),
    "first pixel": (0, 0, ones(1, 1), 10, 12),
    "last pixel": (11, 9, ones(1, 1), 10, 12),
    "full height, runs go on in the next column": (3, 0, ones(4, 10), 10, 12),
    "full height, checkered": (3, 0, checkered(4, 10), 10, 12),
    "full height, one column": (3, 0, ones(1, 10), 10, 12),
    "full width": (0, 3, ones(12, 2), 10, 12),
    "whole frame of ones": (0, 0, ones(12, 10), 10, 12),
    "whole frame of zeros": (0, 0, ~ones(12, 10), 10, 12),
    "whole frame, checkered": (0, 0, checkered(12, 10), 10, 12),
    "one-pixel frame": (0, 0, ones(1, 1), 1, 1),
    "one-pixel frame of zero": (0, 0, ~ones(1, 1), 1, 1),
    "one row": (5, 0, ones(3, 1), 1, 12),
    "one column": (0, 5, ones(1, 3), 12, 1),
    "long runs": (1000, 1000, ones(3, 3), 5000, 5000),
}


@pytest.mark.parametrize(("x", "y", "columns", "height", "width"), CROPS.values(), ids=CROPS)
def test_the_counts_are_those_of_the_encoded_frame(
    x: int, y: int, columns: npt.NDArray[np.bool_], height: int, width: int
) -> None:
    mask = PastedMask(x, y, columns)
    counts = compressed_rle(mask, height, width)
    assert isinstance(counts, bytes)
    assert counts == mask_utils.encode(frame_of(mask, height, width))["counts"]
    assert run_lengths(mask, height, width).sum() == height * width


@given(st.data())
def test_the_counts_of_any_crop_of_any_frame_are_those_of_the_encoded_frame(
    data: st.DataObject,
) -> None:
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    crop_height = data.draw(st.integers(1, height - y))
    crop_width = data.draw(st.integers(1, width - x))
    size = crop_width * crop_height
    pixels = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    mask = PastedMask(x, y, np.array(pixels, np.bool_).reshape(crop_width, crop_height))
    frame = frame_of(mask, height, width)
    assert compressed_rle(mask, height, width) == mask_utils.encode(frame)["counts"]
