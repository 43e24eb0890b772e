"""Writes `keypoints.npz` anew: the points that detectron2 finds in generated heatmaps and pictures.

Run from the root of the repository, in an environment that has detectron2 (see README.md beside
this file): `python -m tests.goldens.make_keypoints`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectron2.config import get_cfg
from detectron2.data.detection_utils import read_image
from detectron2.data.transforms import ResizeShortestEdge
from detectron2.layers import interpolate
from detectron2.modeling import build_model
from detectron2.structures import heatmaps_to_keypoints

from tests.builder.network.trained_models import DEMO
from tests.builder.network.variants.table import VARIANTS
from tests.goldens.make_variants import load
from tests.model_repository.keypoint_cases import keypoint_cases

SERVED = VARIANTS["keypoints-and-masks"]
PICTURES = 8
"""Of the demo, in which it finds the points of served pictures; in one of them there are none."""


@torch.no_grad()
def found_in_pictures() -> dict[str, Any]:
    """Boxes, scores and points in pixels of the original pictures, by their numbers."""
    cfg = get_cfg()
    with tempfile.TemporaryDirectory() as folder:
        config, weights = SERVED.write(Path(folder))
        cfg.merge_from_file(str(config))
        cfg.MODEL.DEVICE = "cpu"
        model = build_model(cfg).eval()
        load(model, weights)
    resize = ResizeShortestEdge(cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST)
    found = {}
    for number in range(PICTURES):
        pixels = read_image(DEMO / "val/images" / f"{number:06}.jpg", format=cfg.INPUT.FORMAT)
        resized = resize.get_transform(pixels).apply_image(pixels)
        picture = {
            "image": torch.from_numpy(resized.transpose(2, 0, 1).copy()),
            "height": pixels.shape[0],
            "width": pixels.shape[1],
        }
        [answer] = model([picture])
        instances = answer["instances"]
        found[f"served.{number}.boxes"] = instances.pred_boxes.tensor.numpy()
        found[f"served.{number}.scores"] = instances.scores.numpy()
        found[f"served.{number}.keypoints"] = instances.pred_keypoints.numpy()
    return found


def main() -> None:
    goldens = found_in_pictures()
    for name, (logits, boxes) in keypoint_cases().items():
        heatmaps = interpolate(
            torch.from_numpy(logits), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        points = heatmaps_to_keypoints(heatmaps, torch.from_numpy(boxes)).numpy()
        goldens[f"{name}.keypoints"] = points[:, :, [0, 1, 3]]
        sums = torch.logsumexp(heatmaps.double(), (2, 3))
        goldens[f"{name}.normalizers"] = sums.numpy().astype(np.float32)
    np.savez_compressed(Path(__file__).parent / "keypoints.npz", **goldens)


if __name__ == "__main__":
    main()
