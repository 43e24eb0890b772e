"""The demo at the full cost of COCO's R50-C4 or R50-FPN.

Where no checkpoint of full size can be had, a benchmark needs weights of its shapes that find as
much as a trained network does: random ones find nothing, or a hundred boxes in every picture, and
either distorts what NMS, masks and results cost. So the demo's trained network is widened four
times: each channel stands four times in place of once, and the weights that read it are divided by
four. All shapes become those of the zoo's `mask_rcnn_R_50_C4_1x` or `mask_rcnn_R_50_FPN_1x` while
every activation, and so every detection, stays what it was (Net2WiderNet, Chen et al. 2015,
arXiv:1511.05641).

Written are `config.yaml`, `model_final.pkl`, pictures of 640×480 in `val2017/`, with `--mixed`
every fourth of them upright, and `instances_val2017.json`, whose only annotation is a placeholder:
the set measures speed.
"""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from builder.repository.categories import categories_for
from perf.errors import PerfError
from perf.studies.arguments import Commands, positive

Arrays = dict[str, npt.NDArray[np.float32]]

DEMO = Path(__file__).parents[2] / "demo"
TIMES = 4
COCO_CLASSES = 80
BOX_HEAD_RESOLUTION = 7
SIZE = (640, 480)

CONFIGS = {
    "C4": """\
# The demo's network at four times its width, under COCO's settings.
MODEL:
  META_ARCHITECTURE: "GeneralizedRCNN"
  MASK_ON: True
  BACKBONE: {NAME: "build_resnet_backbone"}
  RESNETS: {DEPTH: 50, NORM: "FrozenBN", OUT_FEATURES: ["res4"]}
  ANCHOR_GENERATOR: {SIZES: [[16, 32, 64, 128, 256]]}
  RPN: {PRE_NMS_TOPK_TEST: 6000, POST_NMS_TOPK_TEST: 1000}
  ROI_HEADS: {NAME: "Res5ROIHeads", NUM_CLASSES: 80}
  ROI_MASK_HEAD: {NAME: "MaskRCNNConvUpsampleHead", CONV_DIM: 256}
INPUT: {MIN_SIZE_TEST: 800, MAX_SIZE_TEST: 1333}
VERSION: 2
""",
    "FPN": """\
# The FPN demo's network at four times its width, under COCO's settings.
MODEL:
  META_ARCHITECTURE: "GeneralizedRCNN"
  MASK_ON: True
  BACKBONE: {NAME: "build_resnet_fpn_backbone"}
  RESNETS: {DEPTH: 50, NORM: "FrozenBN", OUT_FEATURES: ["res2", "res3", "res4", "res5"]}
  FPN: {IN_FEATURES: ["res2", "res3", "res4", "res5"], OUT_CHANNELS: 256}
  ANCHOR_GENERATOR: {SIZES: [[16], [32], [64], [128], [256]]}
  RPN:
    IN_FEATURES: ["p2", "p3", "p4", "p5", "p6"]
    PRE_NMS_TOPK_TEST: 1000
    POST_NMS_TOPK_TEST: 1000
  ROI_HEADS:
    NAME: "StandardROIHeads"
    IN_FEATURES: ["p2", "p3", "p4", "p5"]
    NUM_CLASSES: 80
  ROI_BOX_HEAD: {NAME: "FastRCNNConvFCHead", NUM_FC: 2, FC_DIM: 1024, POOLER_RESOLUTION: 7}
  ROI_MASK_HEAD:
    NAME: "MaskRCNNConvUpsampleHead"
    NUM_CONV: 4
    CONV_DIM: 256
    POOLER_RESOLUTION: 14
INPUT: {MIN_SIZE_TEST: 800, MAX_SIZE_TEST: 1333}
VERSION: 2
""",
}
"""By the family of the demo's models."""


def add_command(commands: Commands) -> None:
    """Adds ``full-size-demo``."""
    parser = commands.add_parser(
        "full-size-demo",
        help="the demo at the cost of COCO's R50-C4 or R50-FPN: weights, pictures",
        description=__doc__,
    )
    parser.set_defaults(command=_run)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="a folder that is made"
    )
    parser.add_argument(
        "--family",
        choices=CONFIGS,
        default="C4",
        help="of the demo's models (default: %(default)s)",
    )
    parser.add_argument(
        "--pictures", type=positive, default=512, metavar="N", help="default: %(default)s"
    )
    parser.add_argument("--mixed", action="store_true", help="every fourth picture is upright")


def _run(options: argparse.Namespace) -> None:
    folder = options.output
    try:
        with checkpoint(options.family).open("rb") as file:
            model = widen(pickle.load(file, encoding="latin1")["model"])
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIGS[options.family])
        with (folder / "model_final.pkl").open("wb") as file:
            pickle.dump({"model": model, "__author__": "mask-rcnn-triton"}, file, protocol=4)
        write_pictures(
            folder / "val2017", folder / "instances_val2017.json", options.pictures, options.mixed
        )
    except OSError as error:
        raise PerfError(f"{error.filename}: {error.strerror}") from None
    print(f"{sum(a.size for a in model.values()):,} values, {options.pictures} pictures")


def checkpoint(family: str) -> Path:
    """The demo's weights of a family."""
    return DEMO / f"mask_rcnn_R_50_{family}_shapes.pkl"


PREDICTORS = ("objectness_logits", "anchor_deltas", "cls_score", "bbox_pred", "mask_head.predictor")
"""Layers whose outputs are not widened."""


def widen(weights: Arrays) -> Arrays:
    """The zoo-format arrays of the demo at `TIMES` their width, its 8 classes the first of 80."""
    wide: Arrays = {}
    for name, array in weights.items():
        array = np.asarray(array, np.float32)
        layer, _, kind = name.rpartition(".")
        is_last = layer.endswith(PREDICTORS)
        if array.ndim == 1:  # biases, and what belongs to a BatchNorm
            wide[name] = array if is_last else np.repeat(array, TIMES)
            continue
        inputs, outputs = (0, 1) if ".deconv." in name else (1, 0)
        if layer.endswith("box_head.fc1"):  # which reads a map, channel by channel
            cells = BOX_HEAD_RESOLUTION**2
            array = array.reshape(len(array), -1, cells).repeat(TIMES, axis=1) / TIMES
            array = array.reshape(len(array), -1)
        elif not layer.endswith("stem.conv1"):  # which reads three colours
            array = np.repeat(array, TIMES, axis=inputs) / TIMES
        wide[name] = array if is_last else np.repeat(array, TIMES, axis=outputs)

    classes = len(wide["roi_heads.mask_head.predictor.bias"])
    missing = COCO_CLASSES - classes
    for kind in ("weight", "bias"):
        score = f"roi_heads.box_predictor.cls_score.{kind}"
        # Behind a bias like this, softmax gives the new classes 0; the background stays last.
        never = np.full((missing, *wide[score].shape[1:]), -100.0 if kind == "bias" else 0.0)
        wide[score] = np.concatenate([wide[score][:-1], never, wide[score][-1:]])
        for predictor, rows in (("box_predictor.bbox_pred", 4), ("mask_head.predictor", 1)):
            array = wide[f"roi_heads.{predictor}.{kind}"]
            zeros = np.zeros((rows * missing, *array.shape[1:]))
            wide[f"roi_heads.{predictor}.{kind}"] = np.concatenate([array, zeros])
    return {name: array.astype(np.float32) for name, array in wide.items()}


def write_pictures(folder: Path, annotations: Path, count: int, mixed: bool) -> None:
    """Writes the demo's pictures at 640×480, mirrored where there are more than it has.

    Args:
        folder: for the pictures; it is made.
        annotations: their COCO-format JSON.
        count: how many.
        mixed: turn every fourth one by a quarter, about as many as are upright in COCO.
    """
    folder.mkdir()
    sources = sorted((DEMO / "val/images").glob("*.jpg"))
    flips = (None, *(Image.Transpose(flip) for flip in (0, 1, 3)))
    images = []
    for index in range(count):
        turn, source = divmod(index, len(sources))
        with Image.open(sources[source]) as picture:
            picture = picture.resize(SIZE, Image.Resampling.BICUBIC)
        if (flip := flips[turn % len(flips)]) is not None:
            picture = picture.transpose(flip)
        if mixed and index % 4 == 3:
            picture = picture.transpose(Image.Transpose.ROTATE_90)
        name = f"{index:012d}.jpg"
        picture.save(folder / name, quality=92)
        images.append(
            {"id": index, "file_name": name, "width": picture.width, "height": picture.height}
        )
    categories = [{"id": c.id, "name": c.name} for c in categories_for(COCO_CLASSES, None)]
    placeholder = {
        **{"id": 1, "image_id": 0, "category_id": 1, "iscrowd": 0, "area": 100.0},
        **{"bbox": [0, 0, 10, 10], "segmentation": [[0, 0, 10, 0, 10, 10, 0, 10]]},
    }
    dataset = {"images": images, "categories": categories, "annotations": [placeholder]}
    annotations.write_text(json.dumps({"info": {}, **dataset}))
