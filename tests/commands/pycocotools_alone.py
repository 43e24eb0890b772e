"""What pycocotools makes of an annotation file and results, without anything of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 20
NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def figures_by_pycocotools(
    annotations: Path, results: Path, iou_type: str
) -> dict[str, float | None] | None:
    """AP and its kin in percent, None without a value; None if pycocotools fails on the files.

    Masks are measured by their own area, as detectron2 does it: results without `bbox`.
    """
    try:
        run = subprocess.run(
            [sys.executable, __file__, str(annotations), str(results), iou_type],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    if run.returncode != 0:
        return None
    stats = json.loads(run.stdout.splitlines()[-1])
    return {name: 100 * stats[n] if stats[n] > -1 else None for n, name in enumerate(NAMES)}


def main(annotations: str, results: str, iou_type: str) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    kept = ("image_id", "category_id", "score", "bbox" if iou_type == "bbox" else "segmentation")
    found = [{key: each[key] for key in kept} for each in json.loads(Path(results).read_text())]
    truth = COCO(annotations)
    evaluation = COCOeval(truth, truth.loadRes(found), iou_type)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    print(json.dumps(list(evaluation.stats)))


if __name__ == "__main__":
    main(*sys.argv[1:])
