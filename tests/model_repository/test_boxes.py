from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from boxes import boxes_in_original, nonempty
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]

# Sizes of a picture resized by 2 in height and 4 in width.
IMAGE_SIZE, ORIGINAL_SIZE = np.array([100, 400], np.int32), np.array([50, 100], np.int32)


@pytest.mark.parametrize("index", range(6))
def test_boxes_are_detectron2s_to_the_bit(index: int) -> None:
    goldens = np.load(ROOT / "tests/goldens/goldens_demo.npz")
    width, height = Image.open(ROOT / "demo/val/images" / str(goldens[f"{index}.file"])).size
    original = boxes_in_original(
        goldens[f"{index}.boxes"],
        np.array(goldens[f"{index}.resized"].shape[:2], np.int32),
        np.array([height, width], np.int32),
    )
    np.testing.assert_array_equal(original, goldens[f"{index}.post_boxes"])


@pytest.mark.parametrize(
    ("box", "expected", "has_area"),
    [
        ((40, 20, 80, 60), (10, 10, 20, 30), True),
        ((0, 0, 400, 100), (0, 0, 100, 50), True),
        ((-40, -20, 480, 120), (0, 0, 100, 50), True),
        ((0, 0, 0.5, 0.5), (0, 0, 0.125, 0.25), True),
        ((400, 20, 440, 60), (100, 10, 100, 30), False),
        ((-80, 20, -40, 60), (0, 10, 0, 30), False),
        ((40, 100, 80, 140), (10, 50, 20, 50), False),
        ((40, 20, 40, 60), (10, 10, 10, 30), False),
        ((80, 20, 40, 60), (20, 10, 10, 30), False),
        ((np.inf, 20, np.inf, 60), (100, 10, 100, 30), False),
        ((np.nan, 20, 80, 60), (np.nan, 10, 20, 30), False),
    ],
)
def test_a_box_is_scaled_and_clipped_and_empty_ones_are_told(
    box: tuple[float, ...], expected: tuple[float, ...], has_area: bool
) -> None:
    original = boxes_in_original(np.array([box], np.float32), IMAGE_SIZE, ORIGINAL_SIZE)
    np.testing.assert_array_equal(original, np.array([expected], np.float32))
    assert original.dtype == np.float32
    assert nonempty(original).tolist() == [has_area]


def test_no_boxes_stay_no_boxes() -> None:
    original = boxes_in_original(np.zeros((0, 4), np.float32), IMAGE_SIZE, ORIGINAL_SIZE)
    assert original.shape == (0, 4)
    assert nonempty(original).shape == (0,)
