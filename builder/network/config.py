"""The part of a detectron2 configuration that decides what the network computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder.config.read import read_settings
from builder.config.rules import exactly, integer
from builder.config.settings import group, part, setting
from builder.config.unread import UNREAD
from builder.network.meta_arch import META_ARCHITECTURES
from builder.network.meta_arch.generalized_rcnn import GeneralizedRCNNSettings


@dataclass(frozen=True)
class InputSettings:
    """How pictures reach the network."""

    min_size_test: int = setting("INPUT.MIN_SIZE_TEST", 800, integer())
    """Length of the short side after resizing, in pixels."""
    max_size_test: int = setting("INPUT.MAX_SIZE_TEST", 1333, integer())
    """Bound of the long side after resizing, in pixels."""
    augmentation: bool = setting(
        "TEST.AUG.ENABLED", False, exactly(False, because="test-time augmentation is not built")
    )

    def __post_init__(self) -> None:
        if self.max_size_test < self.min_size_test:
            raise ValueError(
                f"INPUT.MAX_SIZE_TEST is {self.max_size_test}, below INPUT.MIN_SIZE_TEST, "
                f"{self.min_size_test}: the long side cannot be shorter than the short one"
            )


@dataclass(frozen=True)
class ModelConfig:
    """What the network is built from: its parts, and their settings with detectron2's defaults.

    Boxes, sizes and anchors are in pixels of the resized picture.
    """

    version: int = setting(
        "VERSION", 2, exactly(2, because="let detectron2 load and dump an older configuration once")
    )
    input: InputSettings = group(InputSettings)
    model: GeneralizedRCNNSettings = part(
        "MODEL.META_ARCHITECTURE",
        META_ARCHITECTURES,
        because="only R-CNNs with boxes, masks and keypoints are built",
    )


def load_config(path: str | Path) -> ModelConfig:
    """Reads a detectron2 YAML file, with its `_BASE_` files and detectron2's defaults.

    Raises:
        BuildError: a file cannot be read, or settings ask for something that is not built here,
            have the wrong type, or are unknown to detectron2; the message lists all of them.
    """
    return read_settings(path, ModelConfig, UNREAD)
