"""Models of detectron2's zoo, by the settings in which they differ from detectron2's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.changed_config import nested

Settings = Mapping[str, object]

_HEADS: Settings = {
    "MODEL.MASK_ON": True,
    "MODEL.ROI_HEADS.NAME": "StandardROIHeads",
    "MODEL.ROI_BOX_HEAD.NAME": "FastRCNNConvFCHead",
    "MODEL.ROI_BOX_HEAD.NUM_FC": 2,
    "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION": 7,
    "MODEL.ROI_MASK_HEAD.NAME": "MaskRCNNConvUpsampleHead",
    "MODEL.ROI_MASK_HEAD.NUM_CONV": 4,
    "MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION": 14,
}
_DC5: Settings = {
    **_HEADS,
    "MODEL.RESNETS.OUT_FEATURES": ["res5"],
    "MODEL.RESNETS.RES5_DILATION": 2,
    "MODEL.RPN.IN_FEATURES": ["res5"],
    "MODEL.ROI_HEADS.IN_FEATURES": ["res5"],
}
_FPN: Settings = {
    **_HEADS,
    "MODEL.BACKBONE.NAME": "build_resnet_fpn_backbone",
    "MODEL.RESNETS.OUT_FEATURES": ["res2", "res3", "res4", "res5"],
    "MODEL.FPN.IN_FEATURES": ["res2", "res3", "res4", "res5"],
    "MODEL.ANCHOR_GENERATOR.SIZES": [[32], [64], [128], [256], [512]],
    "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS": [[0.5, 1.0, 2.0]],
    "MODEL.RPN.IN_FEATURES": ["p2", "p3", "p4", "p5", "p6"],
    "MODEL.RPN.PRE_NMS_TOPK_TEST": 1000,
    "MODEL.ROI_HEADS.IN_FEATURES": ["p2", "p3", "p4", "p5"],
}

ZOO: Mapping[str, Settings] = {
    "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x": _FPN,
    "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x": {**_FPN, "MODEL.RESNETS.DEPTH": 101},
    "COCO-InstanceSegmentation/mask_rcnn_X_101_32x8d_FPN_3x": {
        **_FPN,
        "MODEL.PIXEL_STD": [57.375, 57.12, 58.395],
        "MODEL.RESNETS.DEPTH": 101,
        "MODEL.RESNETS.NUM_GROUPS": 32,
        "MODEL.RESNETS.WIDTH_PER_GROUP": 8,
        "MODEL.RESNETS.STRIDE_IN_1X1": False,
    },
    "COCO-InstanceSegmentation/mask_rcnn_R_50_DC5_3x": _DC5,
    "LVISv1-InstanceSegmentation/mask_rcnn_R_50_FPN_1x": {
        **_FPN,
        "MODEL.ROI_HEADS.NUM_CLASSES": 1203,
        "MODEL.ROI_HEADS.SCORE_THRESH_TEST": 0.0001,
        "TEST.DETECTIONS_PER_IMAGE": 300,
    },
    "Cityscapes/mask_rcnn_R_50_FPN": {
        **_FPN,
        "MODEL.ROI_HEADS.NUM_CLASSES": 8,
        "INPUT.MIN_SIZE_TEST": 1024,
        "INPUT.MAX_SIZE_TEST": 2048,
    },
    "COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x": {
        **_FPN,
        "MODEL.MASK_ON": False,
        "MODEL.KEYPOINT_ON": True,
        "MODEL.ROI_HEADS.NUM_CLASSES": 1,
    },
    "Misc/cascade_mask_rcnn_R_50_FPN_3x": {
        **_FPN,
        "MODEL.ROI_HEADS.NAME": "CascadeROIHeads",
        "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG": True,
        "MODEL.RPN.POST_NMS_TOPK_TRAIN": 2000,
    },
    "PascalVOC-Detection/faster_rcnn_R_50_FPN": {
        **_FPN,
        "MODEL.MASK_ON": False,
        "MODEL.ROI_HEADS.NUM_CLASSES": 20,
    },
    "Misc/mask_rcnn_R_50_FPN_1x_cls_agnostic": {
        **_FPN,
        "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG": True,
        "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK": True,
    },
    "Misc/mask_rcnn_R_50_FPN_3x_syncbn": {
        **_FPN,
        "MODEL.RESNETS.NORM": "SyncBN",
        "MODEL.FPN.NORM": "SyncBN",
        "MODEL.ROI_BOX_HEAD.NUM_CONV": 4,
        "MODEL.ROI_BOX_HEAD.NUM_FC": 1,
        "MODEL.ROI_BOX_HEAD.NORM": "SyncBN",
        "MODEL.ROI_MASK_HEAD.NORM": "SyncBN",
    },
}
"""By the zoo's own names; every other setting is left at detectron2's default."""

REFUSED: Mapping[str, tuple[Settings, str]] = {
    "COCO-PanopticSegmentation/panoptic_fpn_R_50_3x": (
        {**_FPN, "MODEL.META_ARCHITECTURE": "PanopticFPN"},
        "MODEL.META_ARCHITECTURE",
    ),
    "COCO-Detection/fast_rcnn_R_50_FPN_1x": (
        {**_FPN, "MODEL.PROPOSAL_GENERATOR.NAME": "PrecomputedProposals"},
        "MODEL.PROPOSAL_GENERATOR.NAME",
    ),
    "Misc/mask_rcnn_R_50_FPN_3x_gn": (
        {**_FPN, "MODEL.RESNETS.NORM": "GN", "MODEL.RESNETS.STRIDE_IN_1X1": False},
        "MODEL.RESNETS.NORM",
    ),
    "Misc/mask_rcnn_R_50_FPN_3x_dconv_c3-c5": (
        {**_FPN, "MODEL.RESNETS.DEFORM_ON_PER_STAGE": [False, True, True, True]},
        "MODEL.RESNETS.DEFORM_ON_PER_STAGE",
    ),
}
"""Others, and the setting for which the builder refuses them."""


def write_settings(path: Path, settings: Settings) -> Path:
    """Writes a YAML file of settings with dotted names."""
    path.write_text(yaml.safe_dump({"VERSION": 2, **nested(settings)}), encoding="utf-8")
    return path
