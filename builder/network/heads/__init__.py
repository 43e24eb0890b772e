"""RoI heads: proposals, pooled from feature maps, to detections."""

from builder.network.heads.cascade import CascadeROIHeadsSettings
from builder.network.heads.res5 import Res5ROIHeadsSettings
from builder.network.heads.standard import StandardROIHeadsSettings

ROI_HEADS = {
    "Res5ROIHeads": Res5ROIHeadsSettings,
    "StandardROIHeads": StandardROIHeadsSettings,
    "CascadeROIHeads": CascadeROIHeadsSettings,
}
"""By detectron2's names, its default first; the settings build the part."""
