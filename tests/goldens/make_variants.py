"""Writes `variants.npz` anew: what detectron2 computes for each variant of a trained model.

Run from the root of the repository, in an environment that has detectron2 (see README.md beside
this file): `python -m tests.goldens.make_variants`.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from detectron2.config import get_cfg
from detectron2.modeling import build_model
from detectron2.modeling.poolers import assign_boxes_to_levels
from detectron2.structures import Boxes

from tests.builder.network.variants.edge_boxes import edge_boxes
from tests.builder.network.variants.table import MOST_MASKS, PICTURES, VARIANTS, Variant

GOLDENS = Path(__file__).parent
Arrays = dict[str, npt.NDArray[Any]]


def pictures() -> dict[int, npt.NDArray[np.uint8]]:
    """The resized pictures, UINT8 [h, w, 3], BGR, by their numbers."""
    goldens = np.load(GOLDENS / "goldens_demo.npz")
    return {number: goldens[f"{number}.resized"] for number in PICTURES}


def load(model: torch.nn.Module, path: Path) -> None:
    """Loads weights, all of which must fit."""
    with path.open("rb") as file:
        state = {name: torch.from_numpy(v) for name, v in pickle.load(file)["model"].items()}
    unfit = model.load_state_dict(state, strict=False)
    missing = [name for name in unfit.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or unfit.unexpected_keys:
        raise SystemExit(f"error: {path}: missing {missing}, unknown {unfit.unexpected_keys}")


@torch.no_grad()
def goldens_of(variant: Variant) -> Arrays:
    """For each picture boxes, scores, classes and the first masks, and points; for one the
    proposals too."""
    cfg = get_cfg()
    with tempfile.TemporaryDirectory() as folder:
        config, weights = variant.write(Path(folder))
        cfg.merge_from_file(str(config))
        cfg.MODEL.DEVICE = "cpu"
        model = build_model(cfg).eval()
        load(model, weights)
    found: Arrays = {}
    for number, picture in pictures().items():
        if cfg.INPUT.FORMAT == "RGB":
            picture = picture[:, :, ::-1]
        inputs = [{"image": torch.from_numpy(picture.transpose(2, 0, 1).copy())}]
        images = model.preprocess_image(inputs)
        features = model.backbone(images.tensor)
        [proposals], _ = model.proposal_generator(images, features)
        [instances], _ = model.roi_heads(images, features, [proposals])
        if number == PICTURES[0]:
            found[f"{number}.proposal_boxes"] = proposals.proposal_boxes.tensor.numpy()
            found[f"{number}.proposal_logits"] = proposals.objectness_logits.numpy()
        found[f"{number}.boxes"] = instances.pred_boxes.tensor.numpy()
        found[f"{number}.scores"] = instances.scores.numpy()
        found[f"{number}.classes"] = instances.pred_classes.numpy().astype(np.uint8)
        if cfg.MODEL.MASK_ON:
            masks = instances.pred_masks[:MOST_MASKS, 0].numpy()
            found[f"{number}.masks"] = masks.astype(np.float16)
        if cfg.MODEL.KEYPOINT_ON:
            found[f"{number}.keypoints"] = instances.pred_keypoints.numpy()
    return found


def main() -> None:
    goldens: Arrays = {}
    for name, variant in VARIANTS.items():
        found = goldens_of(variant)
        goldens |= {f"{name}.{key}": value for key, value in found.items()}
        counts = [len(found[f"{number}.scores"]) for number in PICTURES]
        print(f"{name}: {counts} detections", file=sys.stderr, flush=True)
    levels = assign_boxes_to_levels([Boxes(torch.from_numpy(edge_boxes()))], 2, 5, 224, 4)
    goldens["edge_boxes.levels"] = levels.numpy().astype(np.uint8) + 2
    np.savez_compressed(GOLDENS / "variants.npz", **goldens)


if __name__ == "__main__":
    main()
