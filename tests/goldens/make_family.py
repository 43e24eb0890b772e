"""Writes what detectron2 computes with a trained model: goldens, results and its average precision.

Run from the root of the repository, in an environment that has detectron2 (see README.md beside
this file): `python -m tests.goldens.make_family Cascade`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from detectron2.config import get_cfg
from detectron2.data.datasets import load_coco_json
from detectron2.data.detection_utils import read_image
from detectron2.data.transforms import ResizeShortestEdge
from detectron2.evaluation.coco_evaluation import instances_to_coco_json
from detectron2.modeling import build_model
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.builder.network.trained_models import DEMO, TRAINED_MODELS, TrainedModel
from tests.goldens.make_variants import load

PICTURES = 3
"""Of the goldens of each stage."""

METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")
ANNOTATIONS = DEMO / "val" / "instances.json"

Arrays = dict[str, npt.NDArray[Any]]


def stages(model: Any, picture: dict[str, Any], strides: Any) -> Arrays:
    """What each stage makes of a picture."""
    images = model.preprocess_image([picture])
    features = model.backbone(images.tensor)
    [proposals], _ = model.proposal_generator(images, features)
    [instances], _ = model.roi_heads(images, features, [proposals])
    return {
        "proposal_boxes": proposals.proposal_boxes.tensor.numpy(),
        "proposal_logits": proposals.objectness_logits.numpy(),
        "boxes": instances.pred_boxes.tensor.numpy(),
        "scores": instances.scores.numpy(),
        "classes": instances.pred_classes.numpy(),
        "masks": instances.pred_masks.numpy(),
        **{f"{name}_mean": features[name][0].mean((1, 2)).numpy() for name in strides},
    }


def average_precision(results: list[dict[str, Any]], task: str) -> dict[str, float]:
    """In percent. Masks are measured by their own area, so their results have no box."""
    other = {"bbox": "segmentation", "segm": "bbox"}[task]
    results = [{key: r[key] for key in r if key != other} for r in results]
    annotations = COCO(str(ANNOTATIONS))
    evaluation = COCOeval(annotations, annotations.loadRes(results), task)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return dict(zip(METRICS, (100 * float(each) for each in evaluation.stats), strict=False))


@torch.no_grad()
def write_goldens(trained: TrainedModel) -> None:
    cfg = get_cfg()
    cfg.merge_from_file(str(trained.config))
    cfg.MODEL.DEVICE = "cpu"
    model = build_model(cfg).eval()
    load(model, trained.weights)
    resize = ResizeShortestEdge(cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST)
    ids = sorted(category["id"] for category in json.loads(ANNOTATIONS.read_text())["categories"])
    goldens: Arrays = {}
    results: list[dict[str, Any]] = []
    for number, entry in enumerate(load_coco_json(str(ANNOTATIONS), str(DEMO / "val/images"))):
        pixels = read_image(entry["file_name"], format=cfg.INPUT.FORMAT)
        resized = resize.get_transform(pixels).apply_image(pixels)
        picture = {
            "image": torch.from_numpy(resized.transpose(2, 0, 1).copy()),
            "height": entry["height"],
            "width": entry["width"],
        }
        if number < PICTURES:
            goldens[f"{number}.file"] = np.array(Path(entry["file_name"]).name)
            found = stages(model, picture, trained.strides)
            goldens |= {f"{number}.{key}": value for key, value in found.items()}
        [answer] = model([picture])
        results += instances_to_coco_json(answer["instances"], entry["image_id"])
    for result in results:
        result["category_id"] = ids[result["category_id"]]
    np.savez_compressed(trained.goldens / "goldens_demo.npz", **goldens)
    np.savez_compressed(
        trained.goldens / "detectron2_detections.npz",
        image_ids=np.array([result["image_id"] for result in results], np.uint8),
        category_ids=np.array([result["category_id"] for result in results], np.uint8),
        boxes=np.array([result["bbox"] for result in results], np.float32),
        scores=np.array([result["score"] for result in results], np.float32),
    )
    metrics = {task: average_precision(results, task) for task in ("bbox", "segm")}
    trained.metrics.write_text(json.dumps(metrics, indent=1) + "\n")


if __name__ == "__main__":
    write_goldens(TRAINED_MODELS[sys.argv[1]])
