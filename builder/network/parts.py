"""Which part of the network each of detectron2's names stands for.

By name, the settings of the part; their `build` makes it. detectron2's default is the first. The
heads' own parts are named where the head is: `builder.network.heads`.
"""

from __future__ import annotations

from builder.network.backbones.resnet import ResNetSettings
from builder.network.heads.res5 import Res5ROIHeadsSettings
from builder.network.proposals.rpn import RPNSettings

BACKBONES = {"build_resnet_backbone": ResNetSettings}
PROPOSAL_GENERATORS = {"RPN": RPNSettings}
ROI_HEADS = {"Res5ROIHeads": Res5ROIHeadsSettings}
