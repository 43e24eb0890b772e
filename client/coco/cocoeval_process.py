"""pycocotools' evaluation in a process of its own: started as a script by `average_precision.py`.

It is C that can neither be interrupted nor caught when it crashes; a process can be ended, and has
an exit status. Reads a pickle of the arguments of `evaluate` from stdin, writes JSON to stdout.
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
        `stats`: the twelve figures, for keypoints ten, -1 for no value; `categories`: [id, AP] of
        each; `table`: the lines that pycocotools prints.
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
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    categories = []
    for index, category_id in enumerate(evaluation.params.catIds):
        values = precision[:, :, index]
        values = values[values > -1]
        categories.append([int(category_id), float(np.mean(values)) if values.size else -1.0])
    return {
        "stats": [float(value) for value in evaluation.stats],
        "categories": categories,
        "table": printed.getvalue().rstrip("\n"),
    }


def _indexed(content: dict[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = content
    coco.createIndex()
    return coco


if __name__ == "__main__":
    print(json.dumps(evaluate(*pickle.load(sys.stdin.buffer))))
