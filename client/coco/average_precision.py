"""COCO's average precision, computed by pycocotools the way detectron2 does; LVIS's for LVIS."""

from __future__ import annotations

from collections.abc import Sequence

from client.coco import cocoeval_process
from client.coco.dataset import CocoDataset, CocoImage, GroundTruth
from client.coco.lvis_average_precision import evaluate_lvis_results
from client.coco.metrics import Metrics, category_labels, category_metrics, percent
from client.coco.own_process import in_own_process
from client.coco.result_format import CocoResult
from client.errors import ClientError

METRIC_NAMES = {
    "bbox": ("AP", "AP50", "AP75", "APs", "APm", "APl"),
    "segm": ("AP", "AP50", "AP75", "APs", "APm", "APl"),
    "keypoints": ("AP", "AP50", "AP75", "APm", "APl"),
}
COMPARED = {
    "bbox": ("bbox",),
    "segm": ("segmentation",),
    "keypoints": ("keypoints", "bbox"),
}
"""Of a result, by what is evaluated. Points are measured by the area of their detection's box."""


def average_precision(
    dataset: CocoDataset,
    images: Sequence[CocoImage],
    results: Sequence[CocoResult],
    *,
    masks: bool,
    keypoint_oks_sigmas: Sequence[float] | None = None,
) -> dict[str, Metrics]:
    """The metrics over `images` by "bbox" and, where annotated, "segm" and "keypoints".

    They are LVIS's where the annotation file is, and COCO's otherwise.

    Args:
        dataset: what is evaluated, which `match` has accepted.
        images: the pictures that count.
        results: of these pictures.
        masks: whether the results have masks.
        keypoint_oks_sigmas: see `match`.

    Raises:
        ClientError: the annotations or the results cannot be evaluated.
    """
    evaluate = evaluate_lvis_results if dataset.is_lvis else evaluate_results
    image_ids = [image.id for image in images]
    metrics = {
        iou_type: evaluate(dataset.ground_truth, results, iou_type, image_ids)
        for iou_type in (("bbox", "segm") if masks and dataset.has_segmentations else ("bbox",))
    }
    if keypoint_oks_sigmas and dataset.keypoint_counts and not dataset.is_lvis:
        metrics["keypoints"] = evaluate_results(
            dataset.ground_truth, results, "keypoints", image_ids, keypoint_oks_sigmas
        )
    return metrics


def evaluate_results(
    ground_truth: GroundTruth,
    results: Sequence[CocoResult],
    iou_type: str,
    image_ids: Sequence[int] | None = None,
    keypoint_oks_sigmas: Sequence[float] | None = None,
) -> Metrics:
    """Compare results with a data set's annotations: COCOeval with at most 1, 10, 100 per picture,
    for keypoints with 20.

    Segmentation results are measured by the area of their mask, not of their box, as in
    detectron2's COCOEvaluator: with `bbox` present pycocotools would take the box's.

    Args:
        ground_truth: of a data set.
        results: in COCO's format.
        iou_type: `bbox`, `segm` or `keypoints`.
        image_ids: the pictures that count; None for all.
        keypoint_oks_sigmas: for `keypoints`, of each point.

    Raises:
        ClientError: pycocotools cannot work with the annotations or the results.
    """
    keys = COMPARED[iou_type]
    key = keys[0]
    without = [result["image_id"] for result in results if key not in result]
    if without:
        raise ClientError(
            f"{len(without)} detections, the first in image {without[0]}, have no {key}"
        )
    if iou_type == "keypoints" and keypoint_oks_sigmas is not None:
        points = len(keypoint_oks_sigmas)
        other = [r["image_id"] for r in results if len(r["keypoints"]) != 3 * points]
        if other:
            raise ClientError(
                f"{len(other)} detections, the first in image {other[0]}, have other than the "
                f"{points} keypoints that the model was built for"
            )
    kept = ("image_id", "category_id", "score", *keys)
    compared = [{name: result[name] for name in kept} for result in results]
    found = in_own_process(
        cocoeval_process.__file__,
        (ground_truth.content, compared, iou_type, image_ids, keypoint_oks_sigmas),
        task=f"evaluate {iou_type} on {ground_truth.file}",
    )
    names = METRIC_NAMES[iou_type]
    values = dict(zip(names, map(percent, found["stats"]), strict=False))
    categories = tuple(category_metrics(each["id"], names, each) for each in found["categories"])
    labels = category_labels(ground_truth.content["categories"])
    values |= {f"AP-{labels[each.id]}": each.values["AP"] for each in categories}
    return Metrics(iou_type, values, found["table"], categories)
