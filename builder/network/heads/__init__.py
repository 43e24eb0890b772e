"""RoI heads: proposals, pooled from feature maps, to detections."""

from builder.network.heads.res5 import Res5ROIHeadsSettings

ROI_HEADS = {"Res5ROIHeads": Res5ROIHeadsSettings}
"""By detectron2's names, its default first; the settings build the part."""
