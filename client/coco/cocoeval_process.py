"""pycocotools' evaluation in a process of its own: started as a script by `average_precision.py`.

Reads a pickle of the arguments of `evaluate` from stdin, writes JSON to stdout.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def evaluate(
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    iou_type: str,
    image_ids: Sequence[int] | None,
    keypoint_oks_sigmas: Sequence[float] | None,
) -> dict[str, Any]:
    """COCOeval with at most 1, 10, 100 detections per picture, for keypoints with 20.

    Args:
        ground_truth: the content of an annotation file.
        results: in COCO's format, with `bbox` or `segmentation`, whichever is evaluated, or with
            `keypoints` and `bbox`.
        iou_type: `bbox`, `segm` or `keypoints`.
        image_ids: the pictures that count; None for all.
        keypoint_oks_sigmas: for `keypoints`, of each point.

    Returns:
        `stats`: the twelve figures, for keypoints ten, -1 for no value; `categories`: the id of
        each, and `category_figures`; `table`: the lines that pycocotools prints.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        annotations = _indexed(ground_truth)
        found = (
            annotations.loadRes(results)
            if results
            else _indexed({**ground_truth, "annotations": []})
        )
        evaluation = COCOeval(annotations, found, iou_type)
        if image_ids is not None:
            evaluation.params.imgIds = sorted(image_ids)
        if keypoint_oks_sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.array(keypoint_oks_sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        printed.truncate(0)
        printed.seek(0)
        evaluation.summarize()
    # precision: [IoU threshold, recall, category, area range, maximum of detections]
    precision = evaluation.eval["precision"][..., -1]
    categories = [
        {"id": int(category_id), **category_figures(precision[:, :, index])}
        for index, category_id in enumerate(evaluation.params.catIds)
    ]
    return {
        "stats": [float(value) for value in evaluation.stats],
        "categories": categories,
        "table": printed.getvalue().rstrip("\n"),
    }


def category_figures(precision: np.ndarray) -> dict[str, Any]:
    """What an evaluation says of one category.

    Args:
        precision: float64 [10 IoU thresholds from 0.5 on, 101 recalls, areas, of which the first is
            all], -1 where there is nothing to find.

    Returns:
        `stats`: AP, AP50, AP75 and AP of each further area, -1 for no value; `curves`: the
        precision at each of the 101 recalls with an IoU of 0.5, of 0.75, and the mean over all;
        none where there is nothing to find.
    """
    everywhere = precision[:, :, 0]
    curves = [everywhere[0], everywhere[5], everywhere.mean(axis=0)]
    counted = [everywhere, everywhere[0], everywhere[5], *np.moveaxis(precision[:, :, 1:], 2, 0)]
    means = [values[values > -1] for values in counted]
    return {
        "stats": [float(np.mean(values)) if values.size else -1.0 for values in means],
        "curves": [curve.tolist() for curve in curves] if means[0].size else [],
    }


def _indexed(content: dict[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = content
    coco.createIndex()
    return coco


if __name__ == "__main__":
    print(json.dumps(evaluate(*pickle.load(sys.stdin.buffer))))
