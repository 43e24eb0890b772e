"""What is wrong with annotations of COCO or LVIS, found before anything is done with them.

pycocotools believes what it is given: it crashes on some of these faults, computes for ever on
others, and makes a wrong average precision of the rest.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from artifact.json_text import is_text
from client import rle
from client.coco import lvis_annotations

LISTED = 50

LONGEST_SIDE = 100_000
"""Of a picture, in pixels; pycocotools works with five times a coordinate in 32 bits."""
MOST_PIXELS = 2**29
"""Of a picture. The differences of run lengths in pycocotools' strings have 30 bits and a sign."""
LARGEST_AREA = 1e10
"""Objects beyond the end of pycocotools' largest range of areas would not be counted."""
LONGEST_BOUNDARY = 1_000_000
"""Of a polygon, in pixels: pycocotools takes some 100 bytes for each."""
FARTHEST_POINT = 1e6
"""From the corner of a picture, in pixels: the squares of distances are added up."""

_LONGEST_SHOWN = 80
_NUMBERS = frozenset({int, float})
_MISSING = object()

_Size = tuple[int, int]
_UNKNOWN_SIZE = (LONGEST_SIDE, LONGEST_SIDE)
"""(height, width) for annotations whose picture is itself at fault."""

ID = "a whole number of 64 bits"
TEXT = "a text"
OWN_ID = f"{ID}, used once"


class Fault(NamedTuple):
    """One place where a file is not COCO's format."""

    place: str
    """Such as `annotations[0] (id 5): bbox`."""
    found: Any
    expected: str

    def __str__(self) -> str:
        found = "missing" if self.found is _MISSING else shown(self.found)
        return f"{self.place} is {found}, expected {self.expected}"


def list_faults(faults: Iterable[Fault]) -> str:
    """The first fifty, a line each, and how many more there are; "" for none."""
    rest = iter(faults)
    lines = [f"  {fault}" for fault in itertools.islice(rest, LISTED)]
    more = sum(1 for _ in rest)
    return "\n".join(lines + ([f"  and {more} more"] if more else []))


def some(things: Sequence[str], most: int = 10) -> str:
    """The first of them, and how many more."""
    rest = len(things) - most
    return ", ".join(things[:most]) + (f" and {rest} more" if rest > 0 else "")


def shown(value: Any) -> str:
    """A JSON value for people, cut short."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "nested too deeply to be shown"
    # A terminal's encoding has no half surrogates.
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def place_of(section: str, index: int, entry: Mapping[str, Any]) -> str:
    """Such as `annotations[0] (id 5)`."""
    return f"{section}[{index}]" + (f" (id {shown(entry['id'])})" if "id" in entry else "")


def find_faults(data: Any) -> Iterator[Fault]:
    """Everything for which an annotation file must not be evaluated.

    Args:
        data: the file's JSON value.

    Yields:
        Those of `images`, then of `categories`, then of `annotations`, which are not held against
        a picture without a proper size.
    """
    if not isinstance(data, dict):
        yield Fault("the top level", data, "an object")
        return
    sections = ("images", "categories", "annotations")
    absent = [name for name in sections if not isinstance(data.get(name), list)]
    yield from (Fault(name, data.get(name, _MISSING), "a list") for name in absent)
    if absent:
        return
    yield from (Fault(name, [], "at least one") for name in sections[:2] if not data[name])
    is_lvis = lvis_annotations.is_lvis(data)
    sizes: dict[int, _Size] = {}
    for index, entry in enumerate(data["images"]):
        yield from _placed("images", index, entry, _faults_of_image(entry, sizes, is_lvis))
    names: dict[int, str] = {}
    for index, entry in enumerate(data["categories"]):
        yield from _placed("categories", index, entry, _faults_of_category(entry, names, is_lvis))
    ids: set[int] = set()
    points: dict[Any, int] = {}
    for index, entry in enumerate(data["annotations"]):
        found = itertools.chain(
            _faults_of_annotation(entry, ids, sizes, names), _faults_of_keypoints(entry, points)
        )
        yield from _placed("annotations", index, entry, found)


_Found = Iterator[tuple[str, Any, str]]
"""The key, what is there, what should be."""


def _placed(section: str, index: int, entry: Any, faults: _Found) -> Iterator[Fault]:
    if not isinstance(entry, dict):
        yield Fault(f"{section}[{index}]", entry, "an object")
        return
    for key, found, expected in faults:
        yield Fault(f"{place_of(section, index, entry)}: {key}", found, expected)


def _faults_of_image(image: dict[str, Any], sizes: dict[int, _Size], is_lvis: bool) -> _Found:
    if is_lvis:
        yield from _faults_of_lvis_image(image)
    elif not _is_file_name(file_name := image.get("file_name", _MISSING)):
        yield "file_name", file_name, "the name of a file in the folder of pictures"
    size = (image.get("height", _MISSING), image.get("width", _MISSING))
    wrong = [
        (key, value)
        for key, value in zip(("height", "width"), size, strict=True)
        if not (type(value) is int and 1 <= value <= LONGEST_SIDE)
    ]
    for key, value in wrong:
        yield key, value, f"a whole number of pixels from 1 to {LONGEST_SIDE}"
    if not wrong and size[0] * size[1] > MOST_PIXELS:
        yield "height, width", size, f"at most {MOST_PIXELS} pixels in all"
        wrong = [("size", size)]
    identity = image.get("id", _MISSING)
    if not is_id(identity) or identity in sizes:
        yield "id", identity, OWN_ID
    else:
        sizes[identity] = _UNKNOWN_SIZE if wrong else size


def _faults_of_lvis_image(image: dict[str, Any]) -> _Found:
    url = image.get("coco_url", _MISSING)
    if not (is_text(url) and _is_file_name(lvis_annotations.file_name(image))):
        yield "coco_url", url, "a URL that ends in a folder and a file, …/val2017/000000397133.jpg"
    for key in lvis_annotations.IMAGE_KEYS:
        ids = image.get(key, _MISSING)
        if not (isinstance(ids, list) and all(is_id(each) for each in ids)):
            yield key, ids, "a list of ids of `categories`, as in each of LVIS's images"


def _faults_of_category(category: dict[str, Any], names: dict[int, str], is_lvis: bool) -> _Found:
    frequency = category.get("frequency", _MISSING)
    if is_lvis and frequency not in lvis_annotations.FREQUENCIES:
        yield "frequency", frequency, "one of 'r', 'c', 'f': rare, common, frequent"
    name = category.get("name", _MISSING)
    if not is_text(name):
        yield "name", name, TEXT
    identity = category.get("id", _MISSING)
    if not is_id(identity) or identity in names:
        yield "id", identity, OWN_ID
    else:
        names[identity] = name


def _faults_of_annotation(
    annotation: dict[str, Any],
    ids: set[int],
    sizes: Mapping[int, _Size],
    category_ids: Collection[int],
) -> _Found:
    if "id" in annotation:
        identity = annotation["id"]
        if not is_id(identity) or identity in ids:
            yield "id", identity, OWN_ID
        else:
            ids.add(identity)
    image_id = annotation.get("image_id", _MISSING)
    if not is_id(image_id) or image_id not in sizes:
        yield "image_id", image_id, "the id of one of `images`"
        size = _UNKNOWN_SIZE
    else:
        size = sizes[image_id]
    category_id = annotation.get("category_id", _MISSING)
    if not is_id(category_id) or category_id not in category_ids:
        yield "category_id", category_id, "the id of one of `categories`"
    box = annotation.get("bbox", _MISSING)
    if not _is_box(box, size):
        yield (
            "bbox",
            box,
            "4 numbers [x, y, width, height] in pixels, the last two not below 0, for a box no "
            f"farther off the {size[1]}x{size[0]} picture than its own size",
        )
    area = annotation.get("area", _MISSING)
    if not (type(area) in _NUMBERS and 0 <= area <= LARGEST_AREA):
        yield "area", area, f"a number of pixels from 0 to {LARGEST_AREA:.0e}"
    if annotation.get("iscrowd", 0) not in (0, 1):
        yield "iscrowd", annotation["iscrowd"], "0 or 1"
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        yield from _faults_of_rle(segmentation, size)
    elif isinstance(segmentation, list) and all(isinstance(each, list) for each in segmentation):
        yield from _faults_of_polygons(segmentation, size)
    elif segmentation is not None:
        yield "segmentation", segmentation, "a list of polygons or an RLE of `size` and `counts`"


def _faults_of_keypoints(annotation: dict[str, Any], points: dict[Any, int]) -> _Found:
    """Those of `keypoints`; `points` is filled with how many each category has."""
    keypoints = annotation.get("keypoints")
    if keypoints is None or keypoints == []:
        return
    if not (
        isinstance(keypoints, list)
        and len(keypoints) % 3 == 0
        and _NUMBERS.issuperset(map(type, keypoints))
        and all(visible in (0, 1, 2) for visible in keypoints[2::3])
        and all(abs(coordinate) <= FARTHEST_POINT for coordinate in keypoints)
    ):
        yield (
            "keypoints",
            keypoints,
            "x, y, v of each point, one after the other: x and y in pixels, v one of 0 (not "
            "labeled), 1 (labeled, not visible), 2 (visible)",
        )
        return
    category_id = annotation.get("category_id")
    if is_id(category_id):
        count = points.setdefault(category_id, len(keypoints) // 3)
        if len(keypoints) != 3 * count:
            yield (
                "keypoints",
                keypoints,
                f"{3 * count} numbers: {count} points, as in the annotations of its category "
                "before it",
            )
    labeled = sum(visible > 0 for visible in keypoints[2::3])
    num_keypoints = annotation.get("num_keypoints", _MISSING)
    if type(num_keypoints) is not int or num_keypoints != labeled:
        yield (
            "num_keypoints",
            num_keypoints,
            f"{labeled}, the points in `keypoints` whose v is above 0",
        )


def _faults_of_polygons(polygons: list[list[Any]], size: _Size) -> _Found:
    for index, polygon in enumerate(polygons):
        key = f"segmentation[{index}]"
        if len(polygon) < 6 or len(polygon) % 2:
            yield key, polygon, "a polygon of 6 or more numbers x, y, x, y, …, an even number"
        elif not _NUMBERS.issuperset(map(type, polygon)):
            odd = next(value for value in polygon if type(value) not in _NUMBERS)
            yield f"{key}[{polygon.index(odd)}]", odd, "a number"
        elif not (_is_near(polygon[::2], size[1]) and _is_near(polygon[1::2], size[0])):
            yield (
                key,
                polygon,
                f"a polygon no farther off the {size[1]}x{size[0]} picture than its own size",
            )
        elif (
            len(polygon) * 3 * max(size) > LONGEST_BOUNDARY
            and _length(polygon[::2]) + _length(polygon[1::2]) > LONGEST_BOUNDARY
        ):
            yield key, polygon, f"a polygon with a boundary of at most {LONGEST_BOUNDARY} pixels"


def _faults_of_rle(segmentation: dict[str, Any], size: _Size) -> _Found:
    height, width = size
    found = segmentation.get("size", _MISSING)
    # An RLE is held against what it says itself where the picture does not say it.
    if not (
        isinstance(found, list)
        and all(type(side) is int for side in found)
        and (found == [height, width] or size is _UNKNOWN_SIZE)
    ):
        yield "segmentation.size", found, f"[{height}, {width}], the picture's own height and width"
        return
    if size is _UNKNOWN_SIZE:
        return
    counts = segmentation.get("counts", _MISSING)
    pixels = height * width
    if isinstance(counts, list):
        if not all(type(run) is int and run >= 0 for run in counts):
            yield "segmentation.counts", counts, "whole numbers from 0 on, or a text"
            return
        total = sum(counts)
    elif isinstance(counts, str):
        try:
            total = int(rle.run_lengths(counts.encode(errors="surrogatepass")).sum())
        except ValueError as error:
            yield "segmentation.counts", counts, f"COCO's compressed run lengths: {error}"
            return
    else:
        yield "segmentation.counts", counts, "a list of whole numbers, or a text"
        return
    if total != pixels:
        yield "the sum of segmentation.counts", total, f"{pixels}, the pixels of the picture"


def is_id(value: Any) -> bool:
    """Whether pycocotools can tell this id from others: NumPy makes floats of longer ones."""
    return type(value) is int and -(2**63) <= value < 2**63


def _is_file_name(value: Any) -> bool:
    """The path of a file below the folder, without a way out of it."""
    if not is_text(value) or "\0" in value:
        return False
    path = PurePosixPath(value)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _is_box(box: Any, size: _Size) -> bool:
    if not (isinstance(box, list) and len(box) == 4 and _NUMBERS.issuperset(map(type, box))):
        return False
    (x, y, width, height), (image_height, image_width) = box, size
    # Each alone first: a sum of a float and of an integer of 400 digits has no value.
    return (
        -image_width <= x <= 2 * image_width
        and -image_height <= y <= 2 * image_height
        and 0 <= width <= 3 * image_width
        and 0 <= height <= 3 * image_height
        and x + width <= 2 * image_width
        and y + height <= 2 * image_height
    )


def _is_near(coordinates: Sequence[float], side: int) -> bool:
    if not (-side <= min(coordinates) and max(coordinates) <= 2 * side):
        return False
    # Beside others a NaN may be neither the least nor the largest, but it is in every sum.
    return not math.isnan(sum(coordinates))


def _length(coordinates: Sequence[float]) -> float:
    return sum(abs(a - b) for a, b in itertools.pairwise([*coordinates, coordinates[0]]))
