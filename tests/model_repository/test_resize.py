from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from decode import decode_image
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from resize import RESIZERS, resize_with_opencv, resize_with_pillow, resized_size

ROOT = Path(__file__).resolve().parents[2]
DEMO_GOLDENS = dict(np.load(ROOT / "tests/goldens/goldens_demo.npz"))
COCO_GOLDENS = dict(np.load(ROOT / "tests/goldens/goldens_800.npz"))

# (height, width), (INPUT.MIN_SIZE_TEST, INPUT.MAX_SIZE_TEST), what detectron2 makes of it
SIZES = [
    ((480, 640), (800, 1333), (800, 1067)),
    ((427, 640), (800, 1333), (800, 1199)),
    ((426, 640), (800, 1333), (800, 1202)),
    ((360, 640), (800, 1333), (750, 1333)),
    ((640, 360), (800, 1333), (1333, 750)),
    ((640, 480), (800, 1333), (1067, 800)),
    ((333, 500), (800, 1333), (800, 1201)),
    ((500, 500), (800, 1333), (800, 800)),
    ((3000, 4000), (800, 1333), (800, 1067)),
    ((251, 333), (288, 480), (288, 382)),
    ((100, 640), (800, 600), (94, 600)),
    ((1, 1), (800, 1333), (800, 800)),
    ((1, 2666), (800, 1333), (1, 1333)),
]


def picture(index: int, goldens: dict[str, npt.NDArray[np.generic]]) -> Image.Image:
    return decode_image((ROOT / "demo/val/images" / str(goldens[f"{index}.file"])).read_bytes())


def resized(
    image: Image.Image, size: tuple[int, int], method: str = "pillow"
) -> npt.NDArray[np.uint8]:
    out = np.zeros((*size, 3), np.uint8)
    RESIZERS[method](image, out)
    return out


@pytest.mark.parametrize(("size", "test_sizes", "expected"), SIZES)
def test_sizes_are_detectron2s(
    size: tuple[int, int], test_sizes: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert resized_size(*size, *test_sizes) == expected


@pytest.mark.parametrize(("height", "width"), [(1, 20000), (20000, 1), (1, 2667)])
def test_no_side_of_an_extreme_picture_vanishes(height: int, width: int) -> None:
    assert sorted(resized_size(height, width, 800, 1333)) == [1, 1333]


@given(st.integers(1, 70_000), st.integers(1, 70_000), st.integers(1, 1500), st.integers(1, 2000))
def test_one_side_reaches_its_limit_and_none_passes_it(
    height: int, width: int, min_size: int, max_size: int
) -> None:
    short, long = sorted(resized_size(height, width, min_size, max_size))
    assert short == min_size or long == max_size
    assert 1 <= short <= min_size
    assert long <= max_size


@pytest.mark.parametrize("index", range(6))
def test_pillows_resize_gives_detectron2s_pixels_on_the_demo(index: int) -> None:
    image = picture(index, DEMO_GOLDENS)
    size = resized_size(image.height, image.width, 288, 480)
    np.testing.assert_array_equal(resized(image, size), DEMO_GOLDENS[f"{index}.resized"])


@pytest.mark.parametrize("index", range(3))
def test_pillows_resize_gives_detectron2s_pixels_at_cocos_size(index: int) -> None:
    image = picture(index, COCO_GOLDENS)
    pixels = resized(image, resized_size(image.height, image.width, 800, 1333))
    assert pixels.shape == tuple(COCO_GOLDENS[f"{index}.resized_shape"])
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    assert digest == str(COCO_GOLDENS[f"{index}.resized_sha256"])


@pytest.mark.parametrize("index", range(3))
def test_opencvs_resize_differs_by_about_a_grey_level_where_it_enlarges(index: int) -> None:
    image = picture(index, COCO_GOLDENS)
    size = resized_size(image.height, image.width, 800, 1333)
    pillow, opencv = (resized(image, size, method).astype(int) for method in RESIZERS)
    assert np.abs(pillow - opencv).max() <= 2


def test_opencvs_resize_is_its_inter_linear_in_bgr() -> None:
    image = picture(0, DEMO_GOLDENS)
    bgr = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
    expected = cv2.resize(bgr, (700, 300), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resized(image, (300, 700), "opencv"), expected)


@pytest.mark.parametrize("resize", [resize_with_pillow, resize_with_opencv])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (33, 47), (64, 64)])
@pytest.mark.parametrize("source", [(1, 1), (1, 300), (300, 1), (33, 47), (40, 30)])
def test_the_picture_lands_in_the_view_and_nowhere_else(
    resize: object, size: tuple[int, int], source: tuple[int, int]
) -> None:
    assert callable(resize)
    canvas = np.full((70, 80, 3), 7, np.uint8)
    resize(Image.new("RGB", source[::-1], (30, 20, 10)), canvas[: size[0], : size[1]])
    expected = np.full((70, 80, 3), 7, np.uint8)
    expected[: size[0], : size[1]] = (10, 20, 30)
    np.testing.assert_array_equal(canvas, expected)
