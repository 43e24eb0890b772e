"""Meta architectures: how the parts of a network work together, from a canvas to its outputs."""

from builder.network.meta_arch.generalized_rcnn import GeneralizedRCNNSettings

META_ARCHITECTURES = {"GeneralizedRCNN": GeneralizedRCNNSettings}
"""By detectron2's names, its default first; the settings build the network."""
