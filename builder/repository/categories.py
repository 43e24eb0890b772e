"""The data set's categories, in the order in which the network numbers its classes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from artifact.json_text import is_text, parse_json
from builder.errors import BuildError
from builder.repository.coco_keypoints import COCO_KEYPOINTS, COCO_SKELETON


@dataclass(frozen=True)
class Category:
    """One category: `id` is the data set's, which need not be contiguous."""

    id: int
    name: str
    keypoints: tuple[str, ...] = ()
    """Names of its points; none for a model without, or where they are not known."""
    skeleton: tuple[tuple[int, int], ...] = ()
    """Pairs of points that a line is drawn between, counted from 1."""


def categories_for(
    num_classes: int, path: str | Path | None, num_keypoints: int = 0
) -> tuple[Category, ...]:
    """The categories of a network of `num_classes` classes.

    Args:
        num_classes: detectron2's MODEL.ROI_HEADS.NUM_CLASSES.
        path: a COCO-format JSON file with ``categories``, a text file (.txt) of names, one a line,
            or None for COCO's own 80, or its person where there is one class with COCO's points.
        num_keypoints: points of a detection, 0 for a network without. Of a category that does not
            name them they are COCO's, if they are as many.

    Returns:
        One for each class. Class i of the network, counted from 0, is the i-th of the data set's
        ids in ascending order, which is how detectron2 numbers the classes of a COCO-format data
        set. A text file has no ids: there class i has the id i, as detectron2's `pred_classes` and
        the annotations that its COCOEvaluator writes for a data set without ids
        (`convert_to_coco_json`).

    Raises:
        BuildError: if `path` is None and there are not 80 classes, or if the file does not hold
            `num_classes` categories, or some with another number of points.
    """
    categories = _categories_for(num_classes, path, num_keypoints)
    if num_keypoints != len(COCO_KEYPOINTS):
        return categories
    return tuple(
        category
        if category.keypoints
        else dataclasses.replace(category, keypoints=COCO_KEYPOINTS, skeleton=COCO_SKELETON)
        for category in categories
    )


def _categories_for(
    num_classes: int, path: str | Path | None, num_keypoints: int
) -> tuple[Category, ...]:
    if path is not None:
        path = Path(path)
        if path.suffix.lower() == ".txt":
            categories = _read_names(path)
        else:
            categories = _read_coco(path, num_keypoints)
        if len(categories) != num_classes:
            raise BuildError(
                f"{path}: has {len(categories)} categories, but the configuration has "
                f"{num_classes} classes (MODEL.ROI_HEADS.NUM_CLASSES); expected the file of the "
                "data set that the weights were trained on" + _background(categories)
            )
        return categories
    if (num_classes, num_keypoints) == (1, len(COCO_KEYPOINTS)):
        return COCO_CATEGORIES[:1]
    if num_classes != len(COCO_CATEGORIES):
        raise BuildError(
            f"the configuration has {num_classes} classes and COCO has {len(COCO_CATEGORIES)}, "
            "so the category ids and names are not known; pass --categories FILE, a COCO-format "
            f"JSON (an annotation file will do) whose `categories` are {num_classes}, or a .txt of "
            f"{num_classes} names, one a line"
        )
    return COCO_CATEGORIES


def categories_json(categories: Sequence[Category]) -> str:
    """What clients read from the ensemble's parameters: ``[{"id": 1, "name": "person"}, …]``.

    One category a line, since people read it too, in ``config.pbtxt``. A category whose points are
    known has COCO's ``keypoints`` and ``skeleton`` as well.
    """
    lines = [
        json.dumps({key: value for key, value in vars(category).items() if value != ()})
        for category in categories
    ]
    return "[\n" + ",\n".join(lines) + "\n]"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise BuildError(f"{path}: cannot be read: {reason}") from error


def _read_names(path: Path) -> tuple[Category, ...]:
    try:
        text = _content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BuildError(f"{path}: is not a text in UTF-8: {error}") from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line_of: dict[str, int] = {}
    for number, name in enumerate(map(str.strip, lines), start=1):
        if name in line_of:
            raise BuildError(
                f"{path}: has {name!r:.100} twice, in lines {line_of[name]} and {number}"
            )
        if name:
            line_of[name] = number
    return tuple(Category(*item) for item in enumerate(line_of))


def _background(categories: Sequence[Category]) -> str:
    """What to do about a list that counts the background, as other frameworks' lists do."""
    names = [category.name for category in categories]
    first = next((name for name in names if name.strip("_").lower() == "background"), None)
    return "" if first is None else f", without {first!r}, which is no class of detectron2's"


def _read_coco(path: Path, num_keypoints: int) -> tuple[Category, ...]:
    try:
        content = parse_json(_content(path))
    except ValueError as error:
        raise BuildError(
            f"{path}: is not JSON: {error}; expected a COCO-format file (names, one a line, have "
            "to be in a .txt)"
        ) from error
    entries = content.get("categories") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise BuildError(f"{path}: has no list `categories`; expected a COCO-format file")
    categories = sorted(
        (_category(path, entry, num_keypoints) for entry in entries), key=lambda c: c.id
    )
    ids = [category.id for category in categories]
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise BuildError(f"{path}: `categories` has more than one of id {repeated[0]}")
    return tuple(categories)


def _category(path: Path, entry: object, num_keypoints: int) -> Category:
    if isinstance(entry, dict):
        category_id, name = entry.get("id"), entry.get("name")
        if type(category_id) is int and 0 <= category_id < 2**31 and _is_name(name):
            return Category(category_id, name, *_points(path, entry, num_keypoints))
    raise BuildError(
        f"{path}: `categories` has the entry {entry!r}; expected an object with `id`, "
        "an integer from 0 to 2147483647, and `name`, a text that is not empty"
    )


def _is_name(value: object) -> TypeGuard[str]:
    return is_text(value) and value != ""


def _points(
    path: Path, entry: dict[str, Any], num_keypoints: int
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The `keypoints` and `skeleton` of a category, for a network that has points."""
    names, edges = entry.get("keypoints", []), entry.get("skeleton", [])
    if not num_keypoints or not names:
        return (), ()
    where = f"{path}: `categories`, id {entry['id']}"
    if not isinstance(names, list) or not all(map(_is_name, names)):
        raise BuildError(f"{where}: `keypoints` is {names!r:.200}; expected a list of names")
    if len(names) != num_keypoints:
        raise BuildError(
            f"{where}: has {len(names)} `keypoints`, but the configuration has {num_keypoints} "
            "(MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS); expected the file of the data set that the "
            "weights were trained on"
        )
    points = range(1, num_keypoints + 1)
    if not isinstance(edges, list) or not all(
        isinstance(edge, list)
        and len(edge) == 2
        and all(type(end) is int and end in points for end in edge)
        for edge in edges
    ):
        raise BuildError(
            f"{where}: `skeleton` is {edges!r:.200}; expected pairs of points, counted from 1 to "
            f"{num_keypoints}"
        )
    return tuple(names), tuple((first, second) for first, second in edges)


_COCO_NAMES_BY_ID = {
    1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train",
    8: "truck", 9: "boat", 10: "traffic light", 11: "fire hydrant", 13: "stop sign",
    14: "parking meter", 15: "bench", 16: "bird", 17: "cat", 18: "dog", 19: "horse", 20: "sheep",
    21: "cow", 22: "elephant", 23: "bear", 24: "zebra", 25: "giraffe", 27: "backpack",
    28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase", 34: "frisbee", 35: "skis",
    36: "snowboard", 37: "sports ball", 38: "kite", 39: "baseball bat", 40: "baseball glove",
    41: "skateboard", 42: "surfboard", 43: "tennis racket", 44: "bottle", 46: "wine glass",
    47: "cup", 48: "fork", 49: "knife", 50: "spoon", 51: "bowl", 52: "banana", 53: "apple",
    54: "sandwich", 55: "orange", 56: "broccoli", 57: "carrot", 58: "hot dog", 59: "pizza",
    60: "donut", 61: "cake", 62: "chair", 63: "couch", 64: "potted plant", 65: "bed",
    67: "dining table", 70: "toilet", 72: "tv", 73: "laptop", 74: "mouse", 75: "remote",
    76: "keyboard", 77: "cell phone", 78: "microwave", 79: "oven", 80: "toaster", 81: "sink",
    82: "refrigerator", 84: "book", 85: "clock", 86: "vase", 87: "scissors", 88: "teddy bear",
    89: "hair drier", 90: "toothbrush",
}  # fmt: skip

COCO_CATEGORIES = tuple(Category(*item) for item in _COCO_NAMES_BY_ID.items())
"""The 80 categories of COCO 2017's instance annotations."""
