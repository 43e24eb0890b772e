"""What a RoI's features say: its class and box, its mask, its points."""

from builder.network.predictors.box_head import FastRCNNConvFCHeadSettings
from builder.network.predictors.keypoint_head import KRCNNConvDeconvUpsampleHeadSettings
from builder.network.predictors.mask_head import MaskRCNNConvUpsampleHeadSettings

BOX_HEADS = {"FastRCNNConvFCHead": FastRCNNConvFCHeadSettings}
MASK_HEADS = {"MaskRCNNConvUpsampleHead": MaskRCNNConvUpsampleHeadSettings}
KEYPOINT_HEADS = {"KRCNNConvDeconvUpsampleHead": KRCNNConvDeconvUpsampleHeadSettings}
"""By detectron2's names; the settings build the part."""
