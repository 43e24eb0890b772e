"""COCO's average precision, computed by pycocotools the way detectron2 does."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from client.coco.dataset import CocoDataset, CocoImage, CocoResult
from client.errors import ClientError

METRIC_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


@dataclass(frozen=True)
class Metrics:
    """Average precision of one kind of detection."""

    iou_type: str
    """`bbox` or `segm`."""
    values: dict[str, float | None]
    """In percent under detectron2's names: AP, AP50, AP75, APs, APm, APl and AP-<category>; None
    where the data set has nothing to find."""
    table: str
    """The twelve lines that pycocotools prints."""


def average_precision(
    dataset: CocoDataset, images: Sequence[CocoImage], results: Sequence[CocoResult], *, masks: bool
) -> dict[str, Metrics]:
    """The metrics over `images` by "bbox" and, with `masks` and where annotated, "segm"."""
    image_ids = [image.id for image in images]
    return {
        iou_type: evaluate_results(dataset.ground_truth, results, iou_type, image_ids)
        for iou_type in (("bbox", "segm") if masks and dataset.has_segmentations else ("bbox",))
    }


def evaluate_results(
    ground_truth: COCO,
    results: Sequence[CocoResult],
    iou_type: str,
    image_ids: Sequence[int] | None = None,
) -> Metrics:
    """Compare results with a data set's annotations: COCOeval with at most 1, 10, 100 per picture.

    Segmentation results are measured by the area of their mask, not of their box, as in
    detectron2's COCOEvaluator: with `bbox` present pycocotools would take the box's.

    Args:
        ground_truth: pycocotools' index of the annotations.
        results: in COCO's format.
        iou_type: `bbox` or `segm`.
        image_ids: the pictures that count; None for all.

    Raises:
        ClientError: pycocotools cannot work with the annotations or the results.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            evaluation = COCOeval(
                ground_truth, _predictions(ground_truth, results, iou_type), iou_type
            )
            if image_ids is not None:
                evaluation.params.imgIds = sorted(image_ids)
            evaluation.evaluate()
            evaluation.accumulate()
            printed.truncate(0)
            printed.seek(0)
            evaluation.summarize()
    except (KeyError, TypeError, ValueError, IndexError, AssertionError) as error:
        raise ClientError(f"pycocotools cannot evaluate {iou_type}: {error!r}") from error

    values = {
        name: _percent(value)
        for name, value in zip(METRIC_NAMES, evaluation.stats[:6], strict=True)
    }
    # precision: [IoU threshold, recall, category, area range, maximum of detections]
    precision = evaluation.eval["precision"]
    for index, category_id in enumerate(evaluation.params.catIds):
        found = precision[:, :, index, 0, -1]
        found = found[found > -1]
        name = ground_truth.cats[category_id]["name"]
        values[f"AP-{name}"] = _percent(np.mean(found)) if found.size else None
    return Metrics(iou_type, values, printed.getvalue().rstrip("\n"))


def _predictions(ground_truth: COCO, results: Sequence[CocoResult], iou_type: str) -> COCO:
    kept = [copy.copy(result) for result in results]
    if iou_type == "segm":
        for result in kept:
            result.pop("bbox", None)
    if kept:
        return ground_truth.loadRes(kept)
    nothing = COCO()
    nothing.dataset = {**ground_truth.dataset, "annotations": []}
    nothing.createIndex()
    return nothing


def _percent(value: float) -> float | None:
    return float(value) * 100 if value > -1 else None
