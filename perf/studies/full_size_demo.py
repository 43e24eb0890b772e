"""The demo at the full cost of COCO's R50-C4.

Where no checkpoint of full size can be had, a benchmark needs weights of its shapes that find as
much as a trained network does: random ones find nothing, or a hundred boxes in every picture, and
either distorts what NMS, masks and results cost. So the demo's trained network is widened four
times: each channel stands four times in place of once, and the weights that read it are divided by
four. All shapes become those of the zoo's `mask_rcnn_R_50_C4_1x` while every activation, and so
every detection, stays what it was (Net2WiderNet, Chen et al. 2015, arXiv:1511.05641).

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
CHECKPOINT = DEMO / "mask_rcnn_R_50_C4_shapes.pkl"
TIMES = 4
COCO_CLASSES = 80
SIZE = (640, 480)

CONFIG = """\
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
"""


def add_command(commands: Commands) -> None:
    """Adds ``full-size-demo``."""
    parser = commands.add_parser(
        "full-size-demo",
        help="the demo at the cost of COCO's R50-C4: weights, pictures",
        description=__doc__,
    )
    parser.set_defaults(command=_run)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="a folder that is made"
    )
    parser.add_argument(
        "--pictures", type=positive, default=512, metavar="N", help="default: %(default)s"
    )
    parser.add_argument("--mixed", action="store_true", help="every fourth picture is upright")


def _run(options: argparse.Namespace) -> None:
    folder = options.output
    try:
        with CHECKPOINT.open("rb") as file:
            model = widen(pickle.load(file, encoding="latin1")["model"])
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG)
        with (folder / "model_final.pkl").open("wb") as file:
            pickle.dump({"model": model, "__author__": "mask-rcnn-triton"}, file, protocol=4)
        write_pictures(
            folder / "val2017", folder / "instances_val2017.json", options.pictures, options.mixed
        )
    except OSError as error:
        raise PerfError(f"{error.filename}: {error.strerror}") from None
    print(f"{sum(a.size for a in model.values()):,} values, {options.pictures} pictures")


def widen(weights: Arrays) -> Arrays:
    """The zoo-format arrays of the demo at `TIMES` their width, its 8 classes the first of 80."""
    wide: Arrays = {}
    for name, array in weights.items():
        wide[name] = array = np.asarray(array, np.float32)
        if ".norm." in name or name.endswith(("deconv.bias", "rpn_head.conv.bias")):
            wide[name] = np.repeat(array, TIMES)
            continue
        if array.ndim < 2:  # biases of predictors
            continue
        inputs, outputs = (0, 1) if ".deconv." in name else (1, 0)
        if name != "backbone.stem.conv1.weight":  # which reads three colours
            array = np.repeat(array, TIMES, axis=inputs) / TIMES
        if not name.endswith(
            (
                "_logits.weight",
                "_deltas.weight",
                "_score.weight",
                "_pred.weight",
                "predictor.weight",
            )
        ):
            array = np.repeat(array, TIMES, axis=outputs)
        wide[name] = array

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
