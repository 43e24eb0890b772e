"""Detections drawn into pictures, seen in the pixels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pycocotools import mask as rle

from client.detections import Detections, Skeleton
from client.pictures.drawing import blend_mask, category_colors, draw_detections

Pixels = npt.NDArray[np.uint8]

GREY = 90
CATEGORIES = {1: "circle", 2: "square", 34: "crescent"}


def draw(
    size: tuple[int, int],
    boxes: list[list[float]],
    masks: list[npt.NDArray[np.bool_]] | None = None,
    category_ids: list[int] | None = None,
    categories: dict[int, str] = CATEGORIES,
) -> Pixels:
    """What is drawn into a grey picture of `size` (width, height)."""
    encoded = None
    if masks is not None:
        encoded = tuple(
            rle.encode(np.asfortranarray(mask, np.uint8))["counts"].decode() for mask in masks
        )
    detections = Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.linspace(0.9, 0.5, len(boxes), dtype=np.float32),
        category_ids=np.array(category_ids or [1] * len(boxes), np.int32),
        masks=encoded,
    )
    picture = Image.new("RGB", size, (GREY, GREY, GREY))
    drawn = draw_detections(picture, detections, categories, {})
    assert np.all(np.asarray(picture) == GREY), "the picture itself was changed"
    return np.asarray(drawn)


def test_a_hole_in_a_mask_stays_a_hole() -> None:
    ring = np.zeros((200, 200), bool)
    ring[100:180, 20:100] = True
    ring[130:150, 50:70] = False

    drawn = draw((200, 200), [[20, 100, 100, 180]], [ring])

    assert np.all(drawn[130:150, 50:70] == GREY)
    assert np.all(drawn[102:128, 22:98] != GREY)


def test_a_mask_lets_the_picture_through_and_its_rim_does_not() -> None:
    pixels = np.full((20, 20, 3), 100, np.uint8)
    pixels[10, 10] = 200
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True

    blend_mask(pixels, mask, (0, 0, 0), line_width=1)

    assert pixels[10, 10].tolist() == [120] * 3
    assert pixels[7, 7].tolist() == [60] * 3
    assert pixels[5, 5:15].tolist() == [[0] * 3] * 10
    assert np.all(pixels[~mask] == 100)


@pytest.mark.parametrize(
    "box",
    [
        [-50, -50, 20, 20],
        [150, 150, 400, 400],
        [-1e9, -1e9, 1e9, 1e9],
        [300, 300, 400, 400],
        [-9, -9, -5, -5],
        [50, 50, 50, 50],
        [0, 0, 200, 200],
    ],
)
def test_boxes_at_and_beyond_the_edge_are_drawn_where_the_picture_is(box: list[float]) -> None:
    drawn = draw((200, 200), [box])

    red = category_colors(CATEGORIES)[1]
    x, y = (int(np.clip(value, 0, 199)) for value in box[:2])
    assert drawn.shape == (200, 200, 3)
    assert tuple(drawn[y, x]) == red


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (20, 20), (3000, 2000)])
def test_pictures_of_any_size_can_be_drawn_into(size: tuple[int, int]) -> None:
    width, height = size
    everything = np.ones((height, width), bool)

    drawn = draw(size, [[0, 0, width, height]] * 2, [everything, ~everything], [1, 77])

    assert drawn.shape == (height, width, 3)


def test_no_detections_leave_the_picture_as_it_was() -> None:
    assert np.all(draw((50, 40), []) == GREY)
    assert np.all(draw((50, 40), [], []) == GREY)


@pytest.mark.parametrize("corner", [(0, 0), (0, 251), (333, 0), (333, 251), (150, 120)])
def test_labels_are_whole_and_readable_in_a_small_picture(corner: tuple[int, int]) -> None:
    x, y = corner
    left, top, right, bottom = max(x - 10, 0), max(y - 10, 0), min(x + 10, 333), min(y + 10, 251)

    drawn = draw((333, 251), [[left, top, right, bottom]], None, [34])

    background = category_colors(CATEGORIES)[34]
    label = np.all(drawn == background, axis=-1)
    letters = ~label & np.any(drawn != GREY, axis=-1)
    rows, columns = np.flatnonzero(letters.any(1)), np.flatnonzero(letters.any(0))
    assert rows[-1] - rows[0] >= 7
    assert columns[-1] - columns[0] >= 60
    # Background all around the letters: nothing of them was cut off.
    assert label[rows[0] - 1, columns[0] : columns[-1] + 1].all()
    assert label[rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert label[rows[0] : rows[-1] + 1, columns[0] - 1].all()
    assert label[rows[0] : rows[-1] + 1, columns[-1] + 1].all()


@pytest.mark.parametrize(
    "name",
    ["", "\n\n", "\u732b", "\u0642\u0637\u0629 \u200f", "\U0001f355", "\ud800", "\0", "\x1b[0m",
     "e" + "\u0301" * 999, "x" * 99_999, "\U0010ffff", "\ufdfa" * 40, "a\tb\r\nc"],
)  # fmt: skip
@pytest.mark.parametrize("size", [(333, 251), (30, 20)])
def test_a_category_of_any_name_has_a_label(name: str, size: tuple[int, int]) -> None:
    drawn = draw(size, [[5, 5, 15, 15]], None, [1], {1: name})

    background = category_colors({1: name})[1]
    label = np.all(drawn == background, axis=-1)
    assert label.sum() > 100
    assert np.any(drawn[label.any(1)] != GREY)


@pytest.mark.usefixtures("without_fonts")
def test_a_name_that_cannot_be_written_is_drawn_as_its_number() -> None:
    one, other = (
        draw((333, 251), [[50, 50, 90, 90]], None, [34], categories)
        for categories in ({34: "\u732b"}, {34: ""})
    )

    assert np.array_equal(one, other)
    assert np.all(draw((333, 251), [[50, 50, 90, 90]], None, [34], {34: "34"}) == one)


def test_labels_of_neighbours_do_not_cover_each_other() -> None:
    apart = draw((400, 300), [[100, 100, 150, 150], [250, 200, 300, 250]], None, [1, 2])
    close = draw((400, 300), [[100, 100, 150, 150], [102, 101, 152, 151]], None, [1, 2])
    colors = category_colors(CATEGORIES)

    for key in (1, 2):
        amounts = [np.all(drawn == colors[key], axis=-1).sum() for drawn in (apart, close)]
        assert amounts[1] > 0.75 * amounts[0]


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="RLE"):
        draw((60, 40), [[0, 0, 10, 10]], [np.ones((41, 60), bool)])


def test_categories_have_colours_of_their_own_and_keep_them() -> None:
    demo = dict.fromkeys((1, 2, 3, 5, 8, 13, 21, 34), "")
    coco = dict.fromkeys(range(1, 91), "")

    assert category_colors(demo) == category_colors(demo)
    assert len(set(category_colors(coco).values())) == 90
    for one, other in combinations(category_colors(demo).values(), 2):
        assert np.abs(np.subtract(one, other)).max() > 60


def draw_points(points: list[tuple[float, float, float]], skeletons: dict[int, Skeleton]) -> Pixels:
    """What is drawn into a grey picture of 100 × 100 for one object's points."""
    detections = Detections(
        boxes=np.array([[2, 2, 98, 98]], np.float32),
        scores=np.array([0.9], np.float32),
        category_ids=np.array([1], np.int32),
        masks=None,
        keypoints=np.array([points], np.float32),
    )
    picture = Image.new("RGB", (100, 100), (GREY, GREY, GREY))
    return np.asarray(draw_detections(picture, detections, {}, skeletons))


def is_drawn(drawn: Pixels, x: int, y: int) -> bool:
    return bool((drawn[y, x] != GREY).any())


POINTS = [(20.0, 50.0, 0.9), (60.0, 50.0, 0.3), (60.0, 80.0, 0.04), (150.0, 50.0, 0.9)]


def test_points_are_joined_as_their_skeleton_says() -> None:
    skeleton = Skeleton(("a", "b", "c", "d"), ((0, 1), (1, 2), (1, 3)))
    drawn = draw_points(POINTS, {1: skeleton})
    assert is_drawn(drawn, 20, 50)
    assert is_drawn(drawn, 60, 50)
    assert is_drawn(drawn, 40, 50), "a line between them"
    assert is_drawn(drawn, 80, 50), "a line to a point beyond the picture"
    assert not is_drawn(drawn, 60, 80), "a point of a low score"
    assert not is_drawn(drawn, 60, 65), "a line to it"


@pytest.mark.parametrize("category_id", [1, 2])
def test_points_without_a_skeleton_of_their_own_are_drawn_alone(category_id: int) -> None:
    """It is of another number of points, or of another category."""
    names = ("a", "b", "c", "d") if category_id == 2 else ("a", "b")
    drawn = draw_points(POINTS, {category_id: Skeleton(names, ((0, 1),))})
    assert is_drawn(drawn, 20, 50)
    assert is_drawn(drawn, 60, 50)
    assert not is_drawn(drawn, 40, 50)
