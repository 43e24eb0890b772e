"""Backbones: a picture to feature maps."""

from builder.network.backbones.resnet import ResNetSettings

BACKBONES = {"build_resnet_backbone": ResNetSettings}
"""By detectron2's names, its default first; the settings build the part."""
