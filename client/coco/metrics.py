"""Average precision of one kind of detection, and under which names it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metrics:
    """Average precision of one kind of detection."""

    iou_type: str
    """`bbox`, `segm` or `keypoints`."""
    values: dict[str, float | None]
    """In percent under detectron2's names: AP, AP50, AP75, APs (not of keypoints), APm, APl, for
    LVIS also APr, APc and APf, and AP-<category>; None where the data set has nothing to find. Of
    a name that several categories have each is AP-<category> (id <id>)."""
    table: str
    """The twelve lines that pycocotools prints, ten for keypoints, or the nine of average precision
    that lvis does."""


def category_labels(categories: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """By id the category's name, and the id beside it where several have that name."""
    uses = Counter(category["name"] for category in categories)
    return {
        key: name if uses[name] == 1 else f"{name} (id {key})"
        for key, name in ((category["id"], category["name"]) for category in categories)
    }
