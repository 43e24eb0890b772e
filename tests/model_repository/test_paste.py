from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from paste import PastedMask, paste_mask
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH = 24, 32

BOXES = {
    "inside": (5.2, 3.7, 20.9, 18.1),
    "on whole pixels": (4, 6, 16, 18),
    "between pixel centres": (7.6, 8.6, 8.4, 9.4),
    "within one pixel": (7.1, 8.2, 7.8, 8.9),
    "one pixel": (7, 8, 8, 9),
    "thin column": (10.4, 0, 10.6, 24),
    "thin row": (0, 10.4, 32, 10.6),
    "touching the left": (0, 5.5, 9.3, 15.5),
    "touching the top": (5.5, 0, 15.5, 9.3),
    "touching the right": (20.7, 5.5, 32, 15.5),
    "touching the bottom": (5.5, 14.7, 15.5, 24),
    "the last pixel": (31.2, 23.1, 32, 24),
    "full height": (5.3, 0, 17.8, 24),
    "the whole picture": (0, 0, 32, 24),
}


def smooth_mask(seed: int, side: int = 14) -> npt.NDArray[np.float32]:
    """Probabilities that vary slowly from bin to bin, as a network's do."""
    coarse = np.random.default_rng(seed).random((4, 4), np.float32)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


MASKS = {
    "smooth": smooth_mask(0),
    "noise": np.random.default_rng(1).random((14, 14), np.float32),
    "all one": np.ones((14, 14), np.float32),
    "all zero": np.zeros((14, 14), np.float32),
    "just one half": np.full((14, 14), 0.5, np.float32),
    "one bin": np.eye(1, 14 * 14, 5 * 14 + 3, np.float32).reshape(14, 14),
    "side of 28": smooth_mask(2, 28),
}


def sampled_directly(
    mask: npt.NDArray[np.float32], box: npt.NDArray[np.float32], height: int, width: int
) -> npt.NDArray[np.float64]:
    """Pixel by pixel: bilinear between the four nearest bins, zero beyond the mask's edge."""
    side = len(mask)
    x0, y0, x1, y1 = (float(end) for end in box)
    sampled = np.zeros((height, width))
    for row in range(height):
        v = (row + 0.5 - y0) / (y1 - y0) * side - 0.5
        for column in range(width):
            u = (column + 0.5 - x0) / (x1 - x0) * side - 0.5
            for i in (math.floor(v), math.floor(v) + 1):
                for j in (math.floor(u), math.floor(u) + 1):
                    if 0 <= i < side and 0 <= j < side:
                        share = (1 - abs(v - i)) * (1 - abs(u - j))
                        sampled[row, column] += share * float(mask[i, j])
    return sampled


def in_frame(mask: PastedMask, height: int, width: int) -> npt.NDArray[np.bool_]:
    frame = np.zeros((height, width), np.bool_)
    crop_width, crop_height = mask.columns.shape
    assert mask.x + crop_width <= width
    assert mask.y + crop_height <= height
    frame[mask.y : mask.y + crop_height, mask.x : mask.x + crop_width] = mask.columns.T
    return frame


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_a_pasted_mask_is_the_thresholded_direct_bilinear_sampling(
    mask: npt.NDArray[np.float32], box: tuple[float, float, float, float]
) -> None:
    corners = np.array(box, np.float32)
    pasted = in_frame(paste_mask(mask, corners, HEIGHT, WIDTH), HEIGHT, WIDTH)
    sampled = sampled_directly(mask, corners, HEIGHT, WIDTH)
    decided = np.abs(sampled - 0.5) > 1e-5  # fp32 may fall on either side of the threshold
    np.testing.assert_array_equal(pasted[decided], sampled[decided] >= 0.5)


@pytest.mark.parametrize("seed", range(50))
def test_random_masks_in_random_boxes_are_their_direct_bilinear_sampling(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 60, 2))
    ends = np.sort(rng.random((2, 2)), axis=0) * (width, height)
    corners = ends.ravel().astype(np.float32)
    mask = smooth_mask(seed)
    pasted = in_frame(paste_mask(mask, corners, height, width), height, width)
    sampled = sampled_directly(mask, corners, height, width)
    decided = np.abs(sampled - 0.5) > 1e-5
    assert decided.mean() > 0.9
    np.testing.assert_array_equal(pasted[decided], sampled[decided] >= 0.5)


def test_one_half_belongs_to_the_object() -> None:
    mask = np.full((14, 14), 0.5, np.float32)
    pasted = paste_mask(mask, np.array([0, 0, 14, 14], np.float32), 14, 14)
    assert pasted.columns.all()


def test_the_crop_is_no_larger_than_the_pixels_that_the_box_touches() -> None:
    pasted = paste_mask(MASKS["smooth"], np.array([5.2, 3.7, 20.9, 18.1], np.float32), 24, 32)
    assert (pasted.x, pasted.y, pasted.columns.shape) == (5, 3, (16, 16))


@pytest.mark.parametrize("index", range(6))
def test_the_demos_masks_have_detectron2s_areas(index: int) -> None:
    goldens = np.load(ROOT / "tests/goldens/goldens_demo.npz")
    width, height = Image.open(ROOT / "demo/val/images" / str(goldens[f"{index}.file"])).size
    pairs = zip(goldens[f"{index}.masks"][:, 0], goldens[f"{index}.post_boxes"], strict=True)
    areas = [int(paste_mask(mask, box, height, width).columns.sum()) for mask, box in pairs]
    assert areas == goldens[f"{index}.post_mask_area"].tolist()
