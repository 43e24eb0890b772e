"""What a RoI's features say: its class and box, its mask."""

from builder.network.predictors.box_head import FastRCNNConvFCHeadSettings
from builder.network.predictors.mask_head import MaskRCNNConvUpsampleHeadSettings

BOX_HEADS = {"FastRCNNConvFCHead": FastRCNNConvFCHeadSettings}
MASK_HEADS = {"MaskRCNNConvUpsampleHead": MaskRCNNConvUpsampleHeadSettings}
"""By detectron2's names; the settings build the part."""
