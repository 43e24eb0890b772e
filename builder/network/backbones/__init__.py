"""Backbones: a picture to feature maps."""
