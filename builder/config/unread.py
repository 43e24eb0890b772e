"""detectron2's settings that nothing here reads, because they cannot change an answer.

Together with what the parts declare they are every setting of detectron2's configuration, version 2
(`detectron2/config/defaults.py`), so that whatever is in neither is a misspelling or an extension.
A setting that decides what a part computes must be declared by that part, never listed here.
"""

from __future__ import annotations

_TRAINING_AND_EVALUATION = {
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
    "MODEL.ROI_BOX_CASCADE_HEAD.": "IOUS",
    "MODEL.ROI_KEYPOINT_HEAD.": "MIN_KEYPOINTS_PER_IMAGE NORMALIZE_LOSS_BY_VISIBLE_KEYPOINTS "
    "LOSS_WEIGHT",
    "TEST.": "EXPECTED_RESULTS EVAL_PERIOD PRECISE_BN",
}
"""Also the machine, and settings of the same name but for training."""

PARTS_NOT_BUILT = {
    "RetinaNet": "MODEL.RETINANET",
    "SemanticSegmentor": "MODEL.SEM_SEG_HEAD",
    "PanopticFPN": "MODEL.PANOPTIC_FPN",
    "RotatedAnchorGenerator": "MODEL.ANCHOR_GENERATOR.ANGLES",
    "DeformBottleneckBlock": "MODEL.RESNETS.DEFORM_MODULATED MODEL.RESNETS.DEFORM_NUM_GROUPS",
    "GeneralizedRCNNWithTTA": "TEST.AUG.MIN_SIZES TEST.AUG.MAX_SIZE TEST.AUG.FLIP",
}
"""Parts that cannot be chosen, by detectron2's name, with the settings that they alone read.

Whoever builds one takes its entry out: then its settings have to be declared.
"""

UNREAD: frozenset[str] = frozenset(
    [
        section + name
        for section, names in _TRAINING_AND_EVALUATION.items()
        for name in names.split()
    ]
    + [key for keys in PARTS_NOT_BUILT.values() for key in keys.split()]
)
"""Settings, and whole sections."""
