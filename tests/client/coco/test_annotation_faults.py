"""Every fault of an annotation file is found, and what is not one is let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from client.coco.annotation_faults import find_faults, list_faults, shown
from tests.client.coco.small_dataset import HEIGHT, WIDTH, compressed, small_dataset

Content = dict[str, Any]
Change = Callable[[Content], object]

NAN, INFINITY, HUGE = float("nan"), float("inf"), 10**400
PIXELS = HEIGHT * WIDTH
ABSENT = object()


def faults_after(change: Change) -> list[str]:
    data = small_dataset()
    change(data)
    return [str(fault) for fault in find_faults(data)]


def set_in(section: str, index: int, **values: object) -> Change:
    """Set keys of an entry, or delete those that are to be `ABSENT`."""

    def change(data: Content) -> None:
        for key, value in values.items():
            if value is ABSENT:
                del data[section][index][key]
            else:
                data[section][index][key] = value

    return change


def annotation(**values: object) -> Change:
    return set_in("annotations", 0, **values)


def rle(counts: object, size: object = (HEIGHT, WIDTH)) -> Change:
    size = list(size) if isinstance(size, tuple) else size
    return annotation(segmentation={"size": size, "counts": counts})


def long_polygon(corners: int) -> list[int]:
    return [x for index in range(corners) for x in (index % 2 * WIDTH, 0)]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: None,
        lambda data: data["annotations"].clear(),
        lambda data: data["annotations"][0].update(score=None, extra=[[{}]]),
        lambda data: data["images"][1].update(file_name="a.jpg"),
        set_in("categories", 1, name=""),
        set_in("images", 2, id=2**63 - 1),
        set_in("images", 2, id=-(2**63)),
        annotation(id=ABSENT),
        annotation(iscrowd=ABSENT),
        annotation(iscrowd=True),
        annotation(iscrowd=1.0),
        annotation(segmentation=ABSENT),
        annotation(segmentation=None),
        annotation(segmentation=[]),
        annotation(bbox=[0, 0, 0, 0], area=0),
        annotation(bbox=[-WIDTH, -HEIGHT, 3 * WIDTH, 3 * HEIGHT]),
        rle([0, PIXELS]),
        rle([100, 0, 0, PIXELS - 100, 0]),
        rle([PIXELS]),
        annotation(keypoints=ABSENT),
        annotation(keypoints=None),
        annotation(keypoints=[], num_keypoints="?"),
        annotation(keypoints=[-3, 1e5, 2.0, 0, 0, 0], num_keypoints=1),
    ],
)
def test_what_can_be_evaluated_is_let_through(change: Change) -> None:
    assert faults_after(change) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (annotation(bbox=ABSENT), "bbox is missing, expected 4 numbers [x, y, width, height]"),
        (annotation(bbox=None), "bbox is null, expected 4 numbers"),
        (annotation(bbox=[1, 2, 3, 4, 0]), "bbox is [1, 2, 3, 4, 0], expected 4 numbers"),
        (annotation(bbox=[None] * 4), "bbox is [null, null, null, null], expected"),
        (annotation(bbox=[1, 2, 3, "4"]), 'bbox is [1, 2, 3, "4"], expected'),
        (annotation(bbox=[1, 2, 3, True]), "bbox is [1, 2, 3, true], expected"),
        (annotation(bbox=[1, 2, 3, NAN]), "bbox is [1, 2, 3, NaN], expected"),
        (annotation(bbox=[NAN, 2, 3, 4]), "bbox is [NaN, 2, 3, 4], expected"),
        (annotation(bbox=[1, 2, INFINITY, 4]), "bbox is [1, 2, Infinity, 4], expected"),
        (annotation(bbox=[1.5, 2, HUGE, 4]), "bbox is [1.5, 2, 10000"),
        (annotation(bbox=[HUGE, 2, 3.5, 4]), "bbox is [1000"),
        (annotation(bbox=[1, 2, -3, 4]), "bbox is [1, 2, -3, 4], expected"),
        (annotation(bbox=[WIDTH, 2, WIDTH + 1, 4]), f"no farther off the {WIDTH}x{HEIGHT} picture"),
        (annotation(bbox=[1, -HEIGHT - 1, 2, 4]), f"no farther off the {WIDTH}x{HEIGHT} picture"),
        (annotation(bbox={"x": 1}), 'bbox is {"x": 1}, expected'),
        (annotation(area=ABSENT), "area is missing, expected a number of pixels from 0 to 1e+10"),
        (annotation(area="12"), 'area is "12", expected'),
        (annotation(area=NAN), "area is NaN, expected"),
        (annotation(area=-1), "area is -1, expected"),
        (annotation(area=2e10), "area is 20000000000.0, expected"),
        (annotation(area=HUGE), "area is 10000"),
        (annotation(area=True), "area is true, expected"),
        (annotation(iscrowd=None), "iscrowd is null, expected 0 or 1"),
        (annotation(iscrowd="0"), 'iscrowd is "0", expected 0 or 1'),
        (annotation(iscrowd=2), "iscrowd is 2, expected 0 or 1"),
        (annotation(iscrowd=[]), "iscrowd is [], expected 0 or 1"),
        (annotation(id="5"), 'id is "5", expected a whole number of 64 bits, used once'),
        (annotation(id=6), "annotations[1] (id 6): id is 6, expected"),
        (annotation(id=2**63), f"id is {2**63}, expected"),
        (annotation(image_id=ABSENT), "image_id is missing, expected the id of one of `images`"),
        (annotation(image_id=8), "image_id is 8, expected the id of one of `images`"),
        (annotation(image_id=9.0), "image_id is 9.0, expected"),
        (annotation(image_id=False), "image_id is false, expected"),
        (annotation(image_id=[9]), "image_id is [9], expected"),
        (annotation(category_id=1), "category_id is 1, expected the id of one of `categories`"),
        (annotation(category_id="0"), 'category_id is "0", expected'),
        (annotation(keypoints="a"), 'keypoints is "a", expected x, y, v of each point'),
        (annotation(keypoints=[1, 2]), "keypoints is [1, 2], expected x, y, v of each point"),
        (annotation(keypoints=[1, 2, 3]), "v one of 0 (not labeled), 1 (labeled, not visible)"),
        (annotation(keypoints=[1, NAN, 2]), "keypoints is [1, NaN, 2], expected x, y, v"),
        (annotation(keypoints=[1, True, 2]), "keypoints is [1, true, 2], expected x, y, v"),
        (annotation(keypoints=[1, HUGE, 2]), "expected x, y, v of each point"),
        (annotation(num_keypoints=ABSENT), "num_keypoints is missing, expected 2, the points in"),
        (annotation(num_keypoints=1), "num_keypoints is 1, expected 2, the points in `keypoints`"),
        (annotation(num_keypoints=2.0), "num_keypoints is 2.0, expected 2"),
        (
            annotation(keypoints=[1, 2, 2], num_keypoints=1),
            "annotations[1] (id 6): keypoints is [6, 7.5, 2, 20, 9, 2], expected 3 numbers: 1 po",
        ),
        (annotation(segmentation="a"), 'segmentation is "a", expected a list of polygons or'),
        (annotation(segmentation=[[]]), "segmentation[0] is [], expected a polygon of 6 or more"),
        (annotation(segmentation=[[1, 2, 3, 4]]), "segmentation[0] is [1, 2, 3, 4], expected"),
        (annotation(segmentation=[1, 2, 3, 4, 5, 6]), "segmentation is [1, 2, 3, 4, 5, 6], "),
        (annotation(segmentation=[[0] * 6, [0] * 7]), "segmentation[1] is [0, 0, 0, 0, 0, 0, 0]"),
        (annotation(segmentation=[[0, 0, None, 0, 5, 5]]), "segmentation[0][2] is null, exp"),
        (annotation(segmentation=[[0, 0, [1], 0, 5, 5]]), "segmentation[0][2] is [1], expected"),
        (annotation(segmentation=[[0, 0, 1, NAN, 5, 5]]), "segmentation[0] is [0, 0, 1, NaN,"),
        (annotation(segmentation=[[0, 0, INFINITY, 0, 5, 5]]), "segmentation[0] is [0, 0, Infi"),
        (annotation(segmentation=[[0, 0, 1e9, 0, 5, 5]]), f"off the {WIDTH}x{HEIGHT} picture"),
        (annotation(segmentation=[[0, 0, 1, -HEIGHT - 1, 5, 5]]), "a polygon no farther off"),
        (annotation(segmentation=[[0, 0.5, HUGE, 0, 5, 5]]), "segmentation[0] is [0, 0.5, 1000"),
        (annotation(segmentation=[long_polygon(30_000)]), "a boundary of at most 1000000 pixels"),
        (rle([PIXELS], (WIDTH, HEIGHT)), f"segmentation.size is [{WIDTH}, {HEIGHT}], expected "
         f"[{HEIGHT}, {WIDTH}], the picture's own height and width"),
        (rle([PIXELS], (0, 0)), "segmentation.size is [0, 0], expected"),
        (rle([PIXELS], (float(HEIGHT), WIDTH)), "segmentation.size is [32.0, 48], expected"),
        (rle([PIXELS], None), "segmentation.size is null, expected"),
        (annotation(segmentation={"counts": [PIXELS]}), "segmentation.size is missing, expected"),
        (annotation(segmentation={"size": [HEIGHT, WIDTH]}), "segmentation.counts is missing"),
        (annotation(segmentation={}), "segmentation.size is missing"),
        (rle([]), f"the sum of segmentation.counts is 0, expected {PIXELS}, the pixels of the"),
        (rle([PIXELS, 1]), f"the sum of segmentation.counts is {PIXELS + 1}, expected {PIXELS}"),
        (rle([-1, PIXELS + 1]), f"segmentation.counts is [-1, {PIXELS + 1}], expected whole"),
        (rle([1.0, PIXELS - 1]), f"segmentation.counts is [1.0, {PIXELS - 1}], expected whole"),
        (rle([None, PIXELS]), f"segmentation.counts is [null, {PIXELS}], expected whole"),
        (rle([HUGE]), "the sum of segmentation.counts is 1000"),
        (rle(compressed(1, 2, PIXELS)), f"the sum of segmentation.counts is {PIXELS + 3}, "),
        (rle(""), 'segmentation.counts is "", expected COCO\'s compressed run lengths: the RLE'),
        (rle("o"), 'segmentation.counts is "o", expected COCO\'s compressed run lengths'),
        (rle("é"), 'segmentation.counts is "é", expected'),
        (rle("\ud800"), 'segmentation.counts is "\\ud800", expected'),
        (rle("0\0"), "segmentation.counts is"),
        (rle("P" * 6 + "1"), "a run length of more than 6 digits"),
        (rle({}), "segmentation.counts is {}, expected a list of whole numbers, or a text"),
        (set_in("images", 0, id=ABSENT), "images[0]: id is missing, expected a whole number of 64"),
        (set_in("images", 0, id="9"), 'images[0] (id "9"): id is "9", expected a whole number'),
        (set_in("images", 1, id=9), "images[1] (id 9): id is 9, expected a whole number of 64"),
        (set_in("images", 1, id=True), "images[1] (id true): id is true, expected"),
        (set_in("images", 0, height=None), "images[0] (id 9): height is null, expected a whole n"),
        (set_in("images", 0, height=0), "height is 0, expected a whole number of pixels from 1 to"),
        (set_in("images", 0, width=-3), "width is -3, expected"),
        (set_in("images", 0, width=48.0), "width is 48.0, expected"),
        (set_in("images", 0, width=10**9), "width is 1000000000, expected"),
        (set_in("images", 0, width=10**5, height=10**5), "height, width is [100000, 100000], exp"),
        (set_in("images", 0, file_name=7), "file_name is 7, expected the name of a file in the"),
        (set_in("images", 0, file_name=""), 'file_name is "", expected the name of a file'),
        (set_in("images", 0, file_name="."), 'file_name is ".", expected the name of a file'),
        (set_in("images", 0, file_name="/etc/passwd"), 'file_name is "/etc/passwd", expected'),
        (set_in("images", 0, file_name="../x.jpg"), 'file_name is "../x.jpg", expected'),
        (set_in("images", 0, file_name="b/../../x.jpg"), 'file_name is "b/../../x.jpg", expected'),
        (set_in("images", 0, file_name="a.jpg\0.png"), 'file_name is "a.jpg\\u0000.png", expected'),
        (set_in("images", 0, file_name="\ud800.jpg"), 'file_name is "\\ud800.jpg", expected'),
        (set_in("categories", 0, name=None), "categories[0] (id 0): name is null, expected a text"),
        (set_in("categories", 0, name="\udfff"), 'name is "\\udfff", expected a text'),
        (set_in("categories", 0, id=7), "categories[1] (id 7): id is 7, expected a whole number"),
        (lambda data: data["annotations"].append(None), "annotations[4] is null, expected an obj"),
        (lambda data: data["images"].append([]), "images[3] is [], expected an object"),
        (lambda data: data["images"].clear(), "images is [], expected at least one"),
        (lambda data: data["categories"].clear(), "categories is [], expected at least one"),
        (lambda data: data.pop("images"), "images is missing, expected a list"),
        (lambda data: data.update(annotations={}), "annotations is {}, expected a list"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_where_it_is_what_is_there_and_what_should_be(
    change: Change, fault: str
) -> None:
    found = faults_after(change)

    assert any(fault in text for text in found), found
    if "annotations[0] (id 5)" in found[0]:
        assert len(found) == 1


@pytest.mark.parametrize("data", [None, 7, [], "images", True])
def test_a_file_that_is_no_object_is_one_fault(data: object) -> None:
    (fault,) = find_faults(data)

    assert str(fault) == f"the top level is {shown(data)}, expected an object"


def test_all_faults_are_told_at_once() -> None:
    def change(data: Content) -> None:
        annotation(bbox=None, area=None, iscrowd=None, image_id=None, segmentation=[[1]])(data)
        set_in("images", 1, height=0, file_name="")(data)
        set_in("annotations", 3, category_id=None)(data)

    assert [text.partition(" is ")[0] for text in faults_after(change)] == [
        "images[1] (id 0): file_name",
        "images[1] (id 0): height",
        "annotations[0] (id 5): image_id",
        "annotations[0] (id 5): bbox",
        "annotations[0] (id 5): area",
        "annotations[0] (id 5): iscrowd",
        "annotations[0] (id 5): segmentation[0]",
        "annotations[3] (id 8): category_id",
    ]


def test_annotations_of_a_picture_without_a_proper_size_are_not_held_against_it() -> None:
    assert faults_after(set_in("images", 0, height="32")) == [
        'images[0] (id 9): height is "32", expected a whole number of pixels from 1 to 100000'
    ]


def test_the_first_fifty_are_listed_and_the_others_counted() -> None:
    data = small_dataset()
    data["annotations"] = [None] * 1000

    lines = list_faults(find_faults(data)).splitlines()

    assert len(lines) == 51
    assert lines[49:] == [
        "  annotations[49] is null, expected an object",
        "  and 950 more",
    ]


def test_what_was_found_is_cut_short() -> None:
    (fault,) = faults_after(annotation(bbox=[0] * 1_000_000))

    assert len(fault) < 300
