from __future__ import annotations

import numpy as np
import pytest
from canvas import Size, draw_canvas, parse_canvases, smallest_canvas
from PIL import Image
from resize import resize_with_pillow

COCO = ((800, 1344), (1344, 800), (1344, 1344))


def test_canvases_are_read_as_height_by_width() -> None:
    assert parse_canvases("800x1344,1344x800, 1344x1344") == COCO


@pytest.mark.parametrize("text", ["", "800", "800x", "800x1344,", "800x1344x3", "axb", "-8x8"])
def test_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected HEIGHTxWIDTH .* 800x1344,1344x800"):
        parse_canvases(text)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(800, 1067)], (800, 1344)),
        ([(800, 800)], (800, 1344)),
        ([(1067, 800)], (1344, 800)),
        ([(800, 1067), (750, 1333)], (800, 1344)),
        ([(800, 1067), (800, 600)], (800, 1344)),
        ([(800, 1067), (1067, 800)], (1344, 1344)),
        ([(1, 1333)], (800, 1344)),
        ([(1333, 1)], (1344, 800)),
    ],
)
def test_the_smallest_canvas_that_holds_all_pictures_is_taken(
    sizes: list[Size], expected: Size
) -> None:
    assert smallest_canvas(sizes, COCO) == expected


def test_pictures_larger_than_each_canvas_are_refused() -> None:
    with pytest.raises(ValueError, match="no canvas holds 801x1345 pixels: canvases are 800x1344"):
        smallest_canvas([(801, 1345)], ((800, 1344),))


def test_pictures_lie_in_the_upper_left_and_the_rest_is_zero() -> None:
    images = [Image.new("RGB", (5, 4), (3, 2, 1)), Image.new("RGB", (2, 2), (6, 5, 4))]
    pixels = draw_canvas(images, [(8, 10), (12, 12)], (16, 12), resize_with_pillow)
    expected = np.zeros((2, 16, 12, 3), np.uint8)
    expected[0, :8, :10] = (1, 2, 3)
    expected[1, :12, :12] = (4, 5, 6)
    np.testing.assert_array_equal(pixels, expected)
