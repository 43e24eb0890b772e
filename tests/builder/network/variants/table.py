"""Models with other settings than the trained ones, for each setting that decides what is computed.

Both sides read this table: `tests/goldens/make_variants.py`, which runs detectron2 on each variant,
and `test_variants.py`, which holds the exported network against what detectron2 found.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.builder.network.trained_models import TRAINED_MODELS
from tests.builder.network.variants import surgery
from tests.changed_config import write_changed_config

PICTURES = (0, 5)
"""Those of `goldens_demo.npz` that the variants see: 288×382 and 270×480 pixels."""

MOST_MASKS = 8
"""Masks that are kept of each picture, those of the best detections."""


@dataclass(frozen=True)
class Variant:
    """A trained model with other settings."""

    model: str
    """A key of `TRAINED_MODELS`."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """By the dotted names of detectron2's settings."""
    surgeries: tuple[surgery.Surgery, ...] = ()
    """What makes the weights fit them."""

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The configuration and the weights as files in `folder`, as detectron2 reads them."""
        trained = TRAINED_MODELS[self.model]
        config = write_changed_config(folder / "variant.yaml", trained.config, self.settings)
        with trained.weights.open("rb") as file:
            tensors = pickle.load(file, encoding="latin1")["model"]
        weights = {name: value.astype(np.float32) for name, value in tensors.items()}
        for operate in self.surgeries:
            operate(weights)
        weights = {name: np.ascontiguousarray(value) for name, value in weights.items()}
        path = folder / "variant.pkl"
        with path.open("wb") as file:
            pickle.dump({"model": weights, "__author__": "variant"}, file, protocol=4)
        return config, path


def _maps(name: str, first: int, last: int) -> list[str]:
    return [f"{name}{level}" for level in range(first, last + 1)]


_BOX = "MODEL.ROI_BOX_HEAD"
_MASK = "MODEL.ROI_MASK_HEAD"
_KEYPOINT = "MODEL.ROI_KEYPOINT_HEAD"
_ANCHORS = "MODEL.ANCHOR_GENERATOR"
_P3_TO_P6 = {
    f"{_ANCHORS}.SIZES": [[32], [64], [128], [256]],
    "MODEL.RPN.IN_FEATURES": _maps("p", 3, 6),
}
_NO_MASKS = {"MODEL.MASK_ON": False}, (surgery.without(r"roi_heads\.mask_head\."),)
_NO_STRIDE_IN_1X1 = {"MODEL.RESNETS.STRIDE_IN_1X1": False}

VARIANTS: dict[str, Variant] = {
    # The backbone.
    "fpn-fuse-avg": Variant("FPN", {"MODEL.FPN.FUSE_TYPE": "avg"}, (surgery.halved_fusion,)),
    "fpn-norm-bn": Variant(
        "FPN", {"MODEL.FPN.NORM": "BN"}, (surgery.normalized(r"backbone\.fpn_.*"),)
    ),
    "fpn-norm-syncbn": Variant(
        "FPN", {"MODEL.FPN.NORM": "SyncBN"}, (surgery.normalized(r"backbone\.fpn_.*"),)
    ),
    "fpn-of-res3-to-res5": Variant(
        "FPN",
        {
            **_P3_TO_P6,
            "MODEL.FPN.IN_FEATURES": _maps("res", 3, 5),
            "MODEL.ROI_HEADS.IN_FEATURES": _maps("p", 3, 5),
        },
        (surgery.without(r"backbone\.fpn_\w+2\."),),
    ),
    "fpn-of-res5": Variant(
        "FPN",
        {
            "MODEL.FPN.IN_FEATURES": ["res5"],
            f"{_ANCHORS}.SIZES": [[64], [128]],
            "MODEL.RPN.IN_FEATURES": ["p5", "p6"],
            "MODEL.ROI_HEADS.IN_FEATURES": ["p5"],
        },
        (surgery.without(r"backbone\.fpn_\w+[234]\."),),
    ),
    "fpn-101": Variant("FPN", {"MODEL.RESNETS.DEPTH": 101}, (surgery.deeper({"res4": 23}),)),
    "fpn-152": Variant(
        "FPN", {"MODEL.RESNETS.DEPTH": 152}, (surgery.deeper({"res3": 8, "res4": 36}),)
    ),
    "fpn-stride-in-3x3": Variant("FPN", _NO_STRIDE_IN_1X1),
    "dc5-stride-in-3x3": Variant("DC5", _NO_STRIDE_IN_1X1),
    "x50-stride-in-1x1": Variant("X50", {"MODEL.RESNETS.STRIDE_IN_1X1": True}),
    "x101-norm-bn": Variant(
        "X50",
        {"MODEL.RESNETS.DEPTH": 101, "MODEL.RESNETS.NORM": "BN"},
        (surgery.deeper({"res4": 23}),),
    ),
    "x50-rgb": Variant(
        "X50",
        {
            "INPUT.FORMAT": "RGB",
            "MODEL.PIXEL_MEAN": [123.675, 116.28, 103.53],
            "MODEL.PIXEL_STD": [58.395, 57.12, 57.375],
        },
        (surgery.of_rgb,),
    ),
    # Anchors and proposals.
    "anchors-several-sizes": Variant(
        "FPN",
        {f"{_ANCHORS}.SIZES": [[16, 20], [32, 40], [64, 80], [128, 160], [256, 320]]},
        (surgery.anchors([0, 1, 2, 0, 1, 2]),),
    ),
    "anchors-one-list": Variant(
        "FPN", {f"{_ANCHORS}.SIZES": [[24, 64]]}, (surgery.anchors([0, 1, 2, 0, 1, 2]),)
    ),
    "anchors-flat-lists": Variant(
        "FPN",
        {f"{_ANCHORS}.SIZES": [20, 72.5], f"{_ANCHORS}.ASPECT_RATIOS": [0.5, 2]},
        (surgery.anchors([0, 2, 0, 2]),),
    ),
    "anchors-ratios-by-map": Variant(
        "FPN",
        {f"{_ANCHORS}.ASPECT_RATIOS": [[0.5, 2], [0.4, 1.5], [1, 2.5], [0.7, 3], [0.5, 2]]},
        (surgery.anchors([0, 2]),),
    ),
    "anchors-offset": Variant("FPN", {f"{_ANCHORS}.OFFSET": 0.5}),
    "dc5-anchors-offset": Variant("DC5", {f"{_ANCHORS}.OFFSET": 0.3}),
    "rpn-p2-to-p5": Variant(
        "FPN",
        {
            f"{_ANCHORS}.SIZES": [[16], [32], [64], [128]],
            "MODEL.RPN.IN_FEATURES": _maps("p", 2, 5),
        },
    ),
    "rpn-p3-to-p6": Variant("FPN", _P3_TO_P6),
    "rpn-p4": Variant(
        "FPN",
        {f"{_ANCHORS}.SIZES": [[32, 64]], "MODEL.RPN.IN_FEATURES": ["p4"]},
        (surgery.anchors([0, 1, 2, 0, 1, 2]),),
    ),
    "rpn-coarse-to-fine": Variant(
        "FPN",
        {
            f"{_ANCHORS}.SIZES": [[128], [64], [32], [16]],
            "MODEL.RPN.IN_FEATURES": _maps("p", 2, 5)[::-1],
        },
    ),
    "rpn-odd-counts": Variant(
        "FPN", {"MODEL.RPN.PRE_NMS_TOPK_TEST": 333, "MODEL.RPN.POST_NMS_TOPK_TEST": 77}
    ),
    "rpn-asks-for-more-than-passed-on": Variant(
        "FPN", {"MODEL.RPN.PRE_NMS_TOPK_TEST": 13, "MODEL.RPN.POST_NMS_TOPK_TEST": 1000}
    ),
    "rpn-asks-for-more-than-anchors": Variant("FPN", {"MODEL.RPN.PRE_NMS_TOPK_TEST": 2000}),
    "rpn-thresholds-and-weights": Variant(
        "FPN",
        {"MODEL.RPN.NMS_THRESH": 0.55, "MODEL.RPN.BBOX_REG_WEIGHTS": [1.25, 0.75, 1.5, 0.875]},
    ),
    # Pooling.
    "heads-p3-to-p5": Variant("FPN", {"MODEL.ROI_HEADS.IN_FEATURES": _maps("p", 3, 5)}),
    "heads-p2-to-p6": Variant("FPN", {"MODEL.ROI_HEADS.IN_FEATURES": _maps("p", 2, 6)}),
    "heads-p3": Variant("FPN", {"MODEL.ROI_HEADS.IN_FEATURES": ["p3"]}),
    "roi-align-v1": Variant(
        "FPN", {f"{_BOX}.POOLER_TYPE": "ROIAlign", f"{_MASK}.POOLER_TYPE": "ROIAlign"}
    ),
    "roi-align-v1-two-samples": Variant(
        "FPN",
        {
            f"{part}.{name}": value
            for part in (_BOX, _MASK)
            for name, value in {"POOLER_TYPE": "ROIAlign", "POOLER_SAMPLING_RATIO": 2}.items()
        },
    ),
    "two-samples-for-boxes": Variant("FPN", {f"{_BOX}.POOLER_SAMPLING_RATIO": 2}),
    "three-samples-for-masks": Variant("FPN", {f"{_MASK}.POOLER_SAMPLING_RATIO": 3}),
    "boxes-at-5-masks-at-10": Variant(
        "FPN",
        {f"{_BOX}.POOLER_RESOLUTION": 5, f"{_MASK}.POOLER_RESOLUTION": 10},
        (surgery.box_pooled_at(5),),
    ),
    "dc5-poolers": Variant(
        "DC5",
        {
            f"{_BOX}.POOLER_TYPE": "ROIAlign",
            f"{_MASK}.POOLER_SAMPLING_RATIO": 2,
            f"{_MASK}.POOLER_RESOLUTION": 9,
        },
    ),
    # Heads.
    "box-head-convolutions": Variant(
        "FPN",
        {f"{_BOX}.NUM_CONV": 2, f"{_BOX}.CONV_DIM": 128, f"{_BOX}.NUM_FC": 1},
        (surgery.box_head_convolutions(2), surgery.box_head_of_fcs(1)),
    ),
    "box-head-convolutions-norm": Variant(
        "FPN",
        {f"{_BOX}.NUM_CONV": 2, f"{_BOX}.CONV_DIM": 128, f"{_BOX}.NORM": "BN"},
        (
            surgery.box_head_convolutions(2),
            surgery.normalized(r"roi_heads\.box_head\.conv\d"),
        ),
    ),
    "box-head-no-fc": Variant(
        "FPN",
        {f"{_BOX}.NUM_CONV": 1, f"{_BOX}.CONV_DIM": 128, f"{_BOX}.NUM_FC": 0},
        (surgery.box_head_convolutions(1), surgery.box_head_of_fcs(0)),
    ),
    "box-head-three-fcs": Variant("FPN", {f"{_BOX}.NUM_FC": 3}, (surgery.box_head_of_fcs(3),)),
    "mask-head-norm": Variant(
        "FPN",
        {f"{_MASK}.NORM": "SyncBN"},
        (surgery.normalized(r"roi_heads\.mask_head\.mask_fcn\d"),),
    ),
    "mask-head-of-two-narrow": Variant(
        "FPN", {f"{_MASK}.NUM_CONV": 2, f"{_MASK}.CONV_DIM": 48}, (surgery.mask_head_of(2, 48),)
    ),
    "mask-head-without-convolutions": Variant(
        "FPN", {f"{_MASK}.NUM_CONV": 0, f"{_MASK}.CONV_DIM": 48}, (surgery.mask_head_of(0, 48),)
    ),
    "box-for-all-classes": Variant(
        "FPN", {f"{_BOX}.CLS_AGNOSTIC_BBOX_REG": True}, (surgery.one_box_for_all_classes,)
    ),
    "mask-for-all-classes": Variant(
        "FPN", {f"{_MASK}.CLS_AGNOSTIC_MASK": True}, (surgery.one_mask_for_all_classes,)
    ),
    "c4-for-all-classes": Variant(
        "C4",
        {f"{_BOX}.CLS_AGNOSTIC_BBOX_REG": True, f"{_MASK}.CLS_AGNOSTIC_MASK": True},
        (surgery.one_box_for_all_classes, surgery.one_mask_for_all_classes),
    ),
    "one-class": Variant("FPN", {"MODEL.ROI_HEADS.NUM_CLASSES": 1}, (surgery.of_class(5),)),
    "cascade": Variant(
        "FPN",
        {"MODEL.ROI_HEADS.NAME": "CascadeROIHeads", f"{_BOX}.CLS_AGNOSTIC_BBOX_REG": True},
        (surgery.three_stages,),
    ),
    "keypoints-and-masks": Variant(
        "FPN",
        {
            "MODEL.KEYPOINT_ON": True,
            "MODEL.ROI_HEADS.NUM_CLASSES": 1,
            f"{_KEYPOINT}.NUM_KEYPOINTS": 5,
            f"{_KEYPOINT}.CONV_DIMS": [48] * 8,
        },
        (surgery.of_class(0), surgery.keypoint_head(5, [48] * 8, 0.7)),
    ),
    "keypoints-roi-align-v1": Variant(
        "FPN",
        {
            **_NO_MASKS[0],
            "MODEL.KEYPOINT_ON": True,
            f"{_KEYPOINT}.CONV_DIMS": [48, 32],
            f"{_KEYPOINT}.POOLER_TYPE": "ROIAlign",
            f"{_KEYPOINT}.POOLER_SAMPLING_RATIO": 2,
            f"{_KEYPOINT}.POOLER_RESOLUTION": 9,
        },
        (*_NO_MASKS[1], surgery.keypoint_head(17, [48, 32], 0.7)),
    ),
    "keypoints-dc5-without-convolutions": Variant(
        "DC5",
        {
            "MODEL.KEYPOINT_ON": True,
            f"{_KEYPOINT}.NUM_KEYPOINTS": 3,
            f"{_KEYPOINT}.CONV_DIMS": [],
        },
        (surgery.keypoint_head(3, [], 2.5),),
    ),
    "keypoints-cascade": Variant(
        "Cascade",
        {
            "MODEL.KEYPOINT_ON": True,
            f"{_KEYPOINT}.NUM_KEYPOINTS": 2,
            f"{_KEYPOINT}.CONV_DIMS": [16],
        },
        (surgery.keypoint_head(2, [16], 0.4),),
    ),
    "faster-rcnn-fpn": Variant("FPN", *_NO_MASKS),
    "faster-rcnn-dc5": Variant("DC5", *_NO_MASKS),
    "faster-rcnn-c4": Variant("C4", *_NO_MASKS),
    # Which detections are given.
    "seven-detections": Variant("FPN", {"TEST.DETECTIONS_PER_IMAGE": 7}),
    "fewer-candidates-than-places": Variant("FPN", {"MODEL.RPN.POST_NMS_TOPK_TEST": 9}),
    "nothing-found": Variant("FPN", {"MODEL.ROI_HEADS.SCORE_THRESH_TEST": 1.0}),
    "any-score": Variant("FPN", {"MODEL.ROI_HEADS.SCORE_THRESH_TEST": 0.0}),
    "detection-thresholds-and-weights": Variant(
        "FPN",
        {
            "MODEL.ROI_HEADS.SCORE_THRESH_TEST": 0.01,
            "MODEL.ROI_HEADS.NMS_THRESH_TEST": 0.3,
            f"{_BOX}.BBOX_REG_WEIGHTS": [11.0, 9.0, 6.0, 4.5],
        },
    ),
}
