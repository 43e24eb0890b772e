"""Which of detectron2's settings must have which value, and which of them do not matter here.

Together with the fields of `builder.config.ModelConfig` these tables hold every setting of
detectron2's configuration, version 2 (`detectron2/config/defaults.py`), so that whatever is in none
of them is a misspelling or an extension.
"""

from __future__ import annotations

from typing import NamedTuple


class Required(NamedTuple):
    """What a setting has to be, because nothing else is built."""

    values: tuple[object, ...]
    """Any of these; detectron2's default is among them."""
    because: str


_C4 = "only the C4 network, which has one feature map, res4, is built"

REQUIRED: dict[str, Required] = {
    "VERSION": Required((2,), "let detectron2 load and dump an older configuration once"),
    "MODEL.META_ARCHITECTURE": Required(
        ("GeneralizedRCNN",), "only Mask R-CNN and Faster R-CNN are built"
    ),
    "MODEL.BACKBONE.NAME": Required(("build_resnet_backbone",), _C4),
    "MODEL.RESNETS.OUT_FEATURES": Required((["res4"],), _C4),
    "MODEL.RPN.IN_FEATURES": Required((["res4"],), _C4),
    "MODEL.ROI_HEADS.IN_FEATURES": Required((["res4"],), _C4),
    "MODEL.RESNETS.RES5_DILATION": Required((1,), "a dilated res5 (DC5) is not built"),
    "MODEL.RESNETS.NUM_GROUPS": Required((1,), "grouped convolutions (ResNeXt) are not built"),
    "MODEL.RESNETS.STRIDE_IN_1X1": Required(
        (True,), "the stride is built into the 1x1 convolution, and pooling relies on it"
    ),
    "MODEL.RESNETS.NORM": Required(
        ("FrozenBN", "BN", "SyncBN"),
        "these are the same at inference and fold into the convolutions; others do not",
    ),
    "MODEL.RESNETS.DEFORM_ON_PER_STAGE": Required(
        ([False] * 4,), "deformable convolutions are not built"
    ),
    "MODEL.PROPOSAL_GENERATOR.NAME": Required(("RPN",), "other proposals are not built"),
    "MODEL.PROPOSAL_GENERATOR.MIN_SIZE": Required(
        (0,), "small proposals are kept, only empty ones are dropped"
    ),
    "MODEL.RPN.HEAD_NAME": Required(("StandardRPNHead",), "other RPN heads are not built"),
    "MODEL.RPN.CONV_DIMS": Required(
        ([-1],), "the RPN has one 3x3 convolution that keeps the number of channels"
    ),
    "MODEL.ANCHOR_GENERATOR.NAME": Required(
        ("DefaultAnchorGenerator",), "rotated boxes are not built"
    ),
    "MODEL.ROI_HEADS.NAME": Required(
        ("Res5ROIHeads",), "the heads of C4, which share res5, are the only ones built"
    ),
    "MODEL.ROI_BOX_HEAD.POOLER_TYPE": Required(("ROIAlignV2",), "other poolers are not built"),
    "MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO": Required(
        (0,), "the number of samples of a bin follows the size of the region"
    ),
    "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG": Required(
        (False,), "boxes are predicted for each class"
    ),
    "MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE": Required((False,), "scores are a softmax over classes"),
    "MODEL.ROI_BOX_HEAD.USE_FED_LOSS": Required((False,), "scores are a softmax over classes"),
    "MODEL.KEYPOINT_ON": Required((False,), "keypoints are not built"),
    "MODEL.LOAD_PROPOSALS": Required((False,), "proposals come from the network's own RPN"),
    "INPUT.FORMAT": Required(("BGR",), "pictures are given to the network as blue, green, red"),
    "TEST.AUG.ENABLED": Required((False,), "test-time augmentation is not built"),
}

REQUIRED_FOR_MASKS: dict[str, Required] = {
    "MODEL.ROI_MASK_HEAD.NAME": Required(
        ("MaskRCNNConvUpsampleHead",), "other mask heads are not built"
    ),
    "MODEL.ROI_MASK_HEAD.NUM_CONV": Required(
        (0,), "the mask head is a transposed convolution and a 1x1 convolution on res5"
    ),
    "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK": Required(
        (False,), "masks are predicted for each class"
    ),
}
"""What must hold where MODEL.MASK_ON is True; Faster R-CNN never looks at them."""


_FOR_TRAINING = {
    "": "SOLVER DATASETS DATALOADER OUTPUT_DIR SEED CUDNN_BENCHMARK FLOAT32_PRECISION VIS_PERIOD "
    "GLOBAL",
    "INPUT.": "MIN_SIZE_TRAIN MIN_SIZE_TRAIN_SAMPLING MAX_SIZE_TRAIN RANDOM_FLIP CROP MASK_FORMAT",
    "MODEL.": "DEVICE WEIGHTS",
    "MODEL.BACKBONE.": "FREEZE_AT",
    "MODEL.RPN.": "BOUNDARY_THRESH IOU_THRESHOLDS IOU_LABELS BATCH_SIZE_PER_IMAGE "
    "POSITIVE_FRACTION BBOX_REG_LOSS_TYPE BBOX_REG_LOSS_WEIGHT SMOOTH_L1_BETA LOSS_WEIGHT "
    "PRE_NMS_TOPK_TRAIN POST_NMS_TOPK_TRAIN",
    "MODEL.ROI_HEADS.": "IOU_THRESHOLDS IOU_LABELS BATCH_SIZE_PER_IMAGE POSITIVE_FRACTION "
    "PROPOSAL_APPEND_GT",
    "MODEL.ROI_BOX_HEAD.": "BBOX_REG_LOSS_TYPE BBOX_REG_LOSS_WEIGHT SMOOTH_L1_BETA "
    "TRAIN_ON_PRED_BOXES FED_LOSS_FREQ_WEIGHT_POWER FED_LOSS_NUM_CLASSES",
    "TEST.": "EXPECTED_RESULTS EVAL_PERIOD KEYPOINT_OKS_SIGMAS PRECISE_BN",
}
"""Training, evaluation, the machine, and settings of the same name but for training."""

_NOT_IN_C4 = {
    "MODEL.": "FPN RETINANET SEM_SEG_HEAD PANOPTIC_FPN ROI_KEYPOINT_HEAD ROI_BOX_CASCADE_HEAD",
    "MODEL.ANCHOR_GENERATOR.": "ANGLES",
    "MODEL.RESNETS.": "DEFORM_MODULATED DEFORM_NUM_GROUPS",
    "MODEL.ROI_BOX_HEAD.": "NAME NUM_FC FC_DIM NUM_CONV CONV_DIM NORM",
    "MODEL.ROI_MASK_HEAD.": "POOLER_RESOLUTION POOLER_SAMPLING_RATIO POOLER_TYPE NORM",
    "TEST.AUG.": "MIN_SIZES MAX_SIZE FLIP",
}
"""Settings of parts that are absent once everything in `REQUIRED` holds."""

IGNORED: frozenset[str] = frozenset(
    section + name
    for table in (_FOR_TRAINING, _NOT_IN_C4)
    for section, names in table.items()
    for name in names.split()
)
"""Settings, and whole sections, that cannot change what the network computes."""
