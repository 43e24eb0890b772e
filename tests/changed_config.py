"""Configurations that differ from another one in a few settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from builder.network import ModelConfig
from builder.network.heads.standard import StandardROIHeadsSettings
from builder.network.predictors.keypoint_head import KRCNNConvDeconvUpsampleHeadSettings


def nested(settings: Mapping[str, object]) -> dict[str, Any]:
    """{"A": {"B": value}} for {"A.B": value}."""
    root: dict[str, Any] = {}
    for key, value in settings.items():
        section = root
        *parents, name = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
        section[name] = value
    return root


def write_changed_config(path: Path, base: Path, changes: Mapping[str, object]) -> Path:
    """Writes a YAML file that inherits from `base` and changes settings, by their dotted names."""
    path.write_text(yaml.safe_dump({"_BASE_": str(base), **nested(changes)}), encoding="utf-8")
    return path


def without_masks(config: ModelConfig) -> ModelConfig:
    """The Faster R-CNN of a Mask R-CNN."""
    roi_heads = dataclasses.replace(config.model.roi_heads, mask_on=False, mask_head=None)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, roi_heads=roi_heads))


def with_keypoints(config: ModelConfig, points: int, sigmas: tuple[float, ...]) -> ModelConfig:
    """A Keypoint R-CNN of a model with a pyramid, with a small head."""
    head = KRCNNConvDeconvUpsampleHeadSettings(
        num_keypoints=points, conv_dims=(8,), oks_sigmas=sigmas
    )
    roi_heads = config.model.roi_heads
    assert isinstance(roi_heads, StandardROIHeadsSettings)
    roi_heads = dataclasses.replace(roi_heads, keypoint_on=True, keypoint_head=head)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, roi_heads=roi_heads))
