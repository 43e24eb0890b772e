"""Average precision of one kind of detection, and under which names it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CategoryMetrics:
    """Average precision in one category."""

    id: int
    values: dict[str, float | None]
    """In percent: AP, AP50, AP75, APs (not of keypoints), APm, APl; None where there is nothing to
    find."""
    curves: dict[str, Sequence[float]]
    """Precision, 0 to 1, at the recalls 0, 0.01, … 1, by `CURVES`; {} where there is nothing to
    find."""


CURVES = ("0.50", "0.75", "0.50:0.95")
"""Which IoU is asked for: that, or the mean over ten, 0.05 apart."""


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
    categories: tuple[CategoryMetrics, ...] = ()
    """Of each, by rising ids."""


def category_metrics(
    category_id: int, names: Sequence[str], figures: Mapping[str, Any]
) -> CategoryMetrics:
    """What `client.coco.cocoeval_process.category_figures` found.

    Args:
        names: of the `stats`.
        figures: what it returns.
    """
    values = dict(zip(names, map(percent, figures["stats"]), strict=True))
    curves = dict(zip(CURVES, figures["curves"], strict=False))
    return CategoryMetrics(category_id, values, curves)


def percent(value: float) -> float | None:
    """None of COCO's -1, which stands for no value."""
    return value * 100 if value > -1 else None


def category_labels(categories: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """By id the category's name, and the id beside it where several have that name."""
    uses = Counter(category["name"] for category in categories)
    return {
        key: name if uses[name] == 1 else f"{name} (id {key})"
        for key, name in ((category["id"], category["name"]) for category in categories)
    }
