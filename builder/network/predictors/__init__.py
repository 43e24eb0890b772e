"""What a RoI's features say: its class and box, its mask."""

from builder.network.predictors.mask import MaskRCNNConvUpsampleHeadSettings

MASK_HEADS = {"MaskRCNNConvUpsampleHead": MaskRCNNConvUpsampleHeadSettings}
"""By detectron2's names, its default first; the settings build the part."""
