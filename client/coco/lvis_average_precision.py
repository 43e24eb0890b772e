"""LVIS's average precision, computed by faster-coco-eval as lvis's LVISEval defines it.

Only what is known of a picture counts: detections of a category that is neither annotated in it nor
in its `neg_category_ids` are left out, and so are those without a match of a category in its
`not_exhaustive_category_ids`.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import faster_coco_eval
import numpy as np

from client.coco.cocoeval_process import category_figures
from client.coco.dataset import GroundTruth
from client.coco.lvis_annotations import FREQUENCIES
from client.coco.metrics import Metrics, category_labels, category_metrics
from client.coco.result_format import CocoResult
from client.errors import ClientError

MAX_DETECTIONS = 300
"""The best of each picture that count, of all categories together (lvis: `LVISResults`)."""

IOU_THRESHOLDS = {"0.50:0.95": slice(0, 10), "0.50": slice(0, 1), "0.75": slice(5, 6)}
"""Which of the ten, 0.05 apart, each is."""
AREAS = ("all", "small", "medium", "large")

FIGURES = {
    "AP": ("0.50:0.95", "all", "all"),
    "AP50": ("0.50", "all", "all"),
    "AP75": ("0.75", "all", "all"),
    "APs": ("0.50:0.95", "small", "all"),
    "APm": ("0.50:0.95", "medium", "all"),
    "APl": ("0.50:0.95", "large", "all"),
    "APr": ("0.50:0.95", "all", "r"),
    "APc": ("0.50:0.95", "all", "c"),
    "APf": ("0.50:0.95", "all", "f"),
}
"""IoU thresholds, area range and categories of each."""

CATEGORY_FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl")
"""Those of `FIGURES` that one category has."""

LINE = " Average Precision  (AP) @[ IoU={:<9} | area={:>6s} | maxDets={} catIds={:>3s}] = {:0.3f}"
"""Of the table, as lvis prints it."""


def evaluate_lvis_results(
    ground_truth: GroundTruth,
    results: Sequence[CocoResult],
    iou_type: str,
    image_ids: Sequence[int] | None = None,
) -> Metrics:
    """Compare results with LVIS's annotations, the 300 best of each picture.

    Segmentation results are measured by the area of their mask, as in detectron2's LVISEvaluator.

    Args:
        ground_truth: of an LVIS data set.
        results: in COCO's format.
        iou_type: `bbox` or `segm`.
        image_ids: the pictures that count; None for all.

    Raises:
        ClientError: faster-coco-eval cannot work with the annotations or the results.
    """
    content = ground_truth.content
    categories = sorted(content["categories"], key=lambda category: category["id"])
    precision = np.full((10, 101, len(categories), len(AREAS)), -1.0)
    try:
        known = _by_category(content, results, image_ids)
        for position, category in enumerate(categories):
            if known[category["id"]].annotations:
                precision[:, :, position] = _precision(category, known[category["id"]], iou_type)
    except (KeyError, TypeError, ValueError, IndexError, AssertionError, RuntimeError) as error:
        raise ClientError(
            f"faster-coco-eval cannot evaluate {iou_type} on {ground_truth.file}: {error!r}"
        ) from error

    of_frequency = {"all": np.full(len(categories), True)} | {
        frequency: np.array([category["frequency"] == frequency for category in categories], bool)
        for frequency in FREQUENCIES
    }
    values: dict[str, float | None] = {}
    lines = []
    for name, (thresholds, area, frequency) in FIGURES.items():
        counted = precision[:, :, of_frequency[frequency], AREAS.index(area)]
        value = values[name] = _mean_percent(counted[IOU_THRESHOLDS[thresholds]])
        shown = -1.0 if value is None else value / 100
        lines.append(LINE.format(thresholds, area, MAX_DETECTIONS, frequency, shown))
    labels = category_labels(categories)
    of_each = tuple(
        category_metrics(category["id"], CATEGORY_FIGURES, category_figures(precision[:, :, n]))
        for n, category in enumerate(categories)
    )
    values |= {f"AP-{labels[each.id]}": each.values["AP"] for each in of_each}
    return Metrics(iou_type, values, "\n".join(lines), of_each)


@dataclass
class _Known:
    """What is known of one category."""

    images: list[dict[str, Any]] = field(default_factory=list)
    """The pictures in which it is annotated, or is known not to be."""
    annotations: list[dict[str, Any]] = field(default_factory=list)
    results: list[CocoResult] = field(default_factory=list)
    """In `images`."""


def _by_category(
    content: Mapping[str, Any], results: Sequence[CocoResult], image_ids: Sequence[int] | None
) -> dict[int, _Known]:
    """What counts of each category.

    Evaluated all at once, faster-coco-eval would take 1 kB for each category and picture, 24 GB for
    LVIS's validation set; and it fails on masks in pictures of which nothing is known.
    """
    results_of, annotations_of = defaultdict(list), defaultdict(list)
    for result in results:
        results_of[result["image_id"]].append(result)
    for annotation in content["annotations"]:
        annotations_of[annotation["image_id"]].append(annotation)
    counted = None if image_ids is None else set(image_ids)
    known: dict[int, _Known] = defaultdict(_Known)
    for image in content["images"]:
        if counted is not None and image["id"] not in counted:
            continue
        annotations = annotations_of[image["id"]]
        category_ids = {annotation["category_id"] for annotation in annotations}
        category_ids.update(image["neg_category_ids"])
        for category_id in category_ids:
            known[category_id].images.append(image)
        for annotation in annotations:
            known[annotation["category_id"]].annotations.append(annotation)
        best = sorted(results_of[image["id"]], key=lambda result: result["score"], reverse=True)
        for result in best[:MAX_DETECTIONS]:
            if result["category_id"] in category_ids:
                known[result["category_id"]].results.append(result)
    return known


def _precision(category: dict[str, Any], known: _Known, iou_type: str) -> np.ndarray:
    """Float64 [10 IoU thresholds, 101 recalls, areas]; -1 where there is nothing to find."""
    annotations = {"images": known.images, "annotations": known.annotations}
    index = faster_coco_eval.COCO({**annotations, "categories": [category]})
    found = [copy.copy(result) for result in known.results]
    if iou_type == "segm":
        for result in found:  # with its box present the area would be the box's
            result.pop("bbox", None)
    evaluation = faster_coco_eval.COCOeval_faster(
        index, index.loadRes(found), iou_type, lvis_style=True
    )
    evaluation.params.maxDets = [MAX_DETECTIONS]
    evaluation.evaluate()
    evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"])[:, :, 0, :, 0]


def _mean_percent(precision: np.ndarray) -> float | None:
    """None where nothing is above -1: the data set has nothing to find."""
    found = precision[precision > -1]
    return float(np.mean(found)) * 100 if found.size else None
