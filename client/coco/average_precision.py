"""COCO's average precision, computed by pycocotools the way detectron2 does; LVIS's for LVIS."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from client.coco import cocoeval_process
from client.coco.dataset import CocoDataset, CocoImage, GroundTruth
from client.coco.lvis_average_precision import evaluate_lvis_results
from client.coco.metrics import Metrics, category_labels
from client.coco.result_format import CocoResult
from client.errors import ClientError

METRIC_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def average_precision(
    dataset: CocoDataset, images: Sequence[CocoImage], results: Sequence[CocoResult], *, masks: bool
) -> dict[str, Metrics]:
    """The metrics over `images` by "bbox" and, with `masks` and where annotated, "segm".

    They are LVIS's where the annotation file is, and COCO's otherwise.

    Raises:
        ClientError: the annotations or the results cannot be evaluated.
    """
    evaluate = evaluate_lvis_results if dataset.is_lvis else evaluate_results
    image_ids = [image.id for image in images]
    return {
        iou_type: evaluate(dataset.ground_truth, results, iou_type, image_ids)
        for iou_type in (("bbox", "segm") if masks and dataset.has_segmentations else ("bbox",))
    }


def evaluate_results(
    ground_truth: GroundTruth,
    results: Sequence[CocoResult],
    iou_type: str,
    image_ids: Sequence[int] | None = None,
) -> Metrics:
    """Compare results with a data set's annotations: COCOeval with at most 1, 10, 100 per picture.

    Segmentation results are measured by the area of their mask, not of their box, as in
    detectron2's COCOEvaluator: with `bbox` present pycocotools would take the box's.

    Args:
        ground_truth: of a data set.
        results: in COCO's format.
        iou_type: `bbox` or `segm`.
        image_ids: the pictures that count; None for all.

    Raises:
        ClientError: pycocotools cannot work with the annotations or the results.
    """
    key = "bbox" if iou_type == "bbox" else "segmentation"
    without = [result["image_id"] for result in results if key not in result]
    if without:
        raise ClientError(
            f"{len(without)} detections, the first in image {without[0]}, have no {key}"
        )
    kept = ("image_id", "category_id", "score", key)
    compared = [{name: result[name] for name in kept} for result in results]
    found = _in_a_process(ground_truth, compared, iou_type, image_ids)
    values = dict(zip(METRIC_NAMES, map(_percent, found["stats"]), strict=False))
    labels = category_labels(ground_truth.content["categories"])
    values |= {f"AP-{labels[key]}": _percent(value) for key, value in found["categories"]}
    return Metrics(iou_type, values, found["table"])


def _in_a_process(ground_truth: GroundTruth, *arguments: Any) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, cocoeval_process.__file__],
        input=pickle.dumps((ground_truth.content, *arguments)),
        capture_output=True,
        check=False,
    )
    if ended.returncode == 0:
        return json.loads(ended.stdout)
    if ended.returncode < 0:
        reason = f"it died of {signal.Signals(-ended.returncode).name}"
    else:
        reason = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise ClientError(
        f"pycocotools cannot evaluate {arguments[1]} on {ground_truth.file}: {reason}"
    )


def _percent(value: float) -> float | None:
    return value * 100 if value > -1 else None
