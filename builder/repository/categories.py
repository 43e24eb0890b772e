"""The data set's categories, in the order in which the network numbers its classes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuildError


@dataclass(frozen=True)
class Category:
    """One category: `id` is the data set's, which need not be contiguous."""

    id: int
    name: str


def categories_for(num_classes: int, path: str | Path | None) -> tuple[Category, ...]:
    """The categories of a network of `num_classes` classes.

    Args:
        num_classes: detectron2's MODEL.ROI_HEADS.NUM_CLASSES.
        path: a COCO-format JSON file with ``categories``, or None for COCO's own 80.

    Returns:
        One for each class. Class i of the network is the i-th of the data set's ids in ascending
        order, which is how detectron2 numbers the classes of a COCO-format data set.

    Raises:
        BuildError: if `path` is None and there are not 80 classes, or if the file does not hold
            `num_classes` categories.
    """
    if path is not None:
        return _read(Path(path), num_classes)
    if num_classes != len(COCO_CATEGORIES):
        raise BuildError(
            f"the configuration has {num_classes} classes and COCO has {len(COCO_CATEGORIES)}, "
            "so the category ids and names are not known; pass --categories FILE, a COCO-format "
            f"JSON (an annotation file will do) whose `categories` are {num_classes}"
        )
    return COCO_CATEGORIES


def categories_json(categories: Sequence[Category]) -> str:
    """What clients read from the ensemble's parameters: ``[{"id": 1, "name": "person"}, …]``.

    One category a line, since people read it too, in ``config.pbtxt``.
    """
    lines = [json.dumps({"id": category.id, "name": category.name}) for category in categories]
    return "[\n" + ",\n".join(lines) + "\n]"


def _read(path: Path, num_classes: int) -> tuple[Category, ...]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise BuildError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BuildError(f"{path}: is not JSON: {error}; expected a COCO-format file") from error
    entries = content.get("categories") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise BuildError(f"{path}: has no list `categories`; expected a COCO-format file")
    categories = sorted((_category(path, entry) for entry in entries), key=lambda c: c.id)
    ids = [category.id for category in categories]
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise BuildError(f"{path}: `categories` has more than one of id {repeated[0]}")
    if len(categories) != num_classes:
        raise BuildError(
            f"{path}: has {len(categories)} categories, but the configuration has {num_classes} "
            "classes (MODEL.ROI_HEADS.NUM_CLASSES); expected the file of the data set that the "
            "weights were trained on"
        )
    return tuple(categories)


def _category(path: Path, entry: object) -> Category:
    if isinstance(entry, dict):
        category_id, name = entry.get("id"), entry.get("name")
        if type(category_id) is int and 0 <= category_id < 2**31 and isinstance(name, str) and name:
            return Category(category_id, name)
    raise BuildError(
        f"{path}: `categories` has the entry {entry!r}; expected an object with `id`, "
        "an integer from 0 to 2147483647, and `name`, a text that is not empty"
    )


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
