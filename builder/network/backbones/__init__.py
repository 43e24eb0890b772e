"""Backbones: a picture to feature maps."""

from builder.network.backbones.fpn import FPNSettings
from builder.network.backbones.resnet import ResNetSettings

BACKBONES = {"build_resnet_backbone": ResNetSettings, "build_resnet_fpn_backbone": FPNSettings}
"""By detectron2's names, its default first; the settings build the part."""
