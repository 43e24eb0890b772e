"""The part of a detectron2 configuration that decides what the network computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder.config.read import read_settings
from builder.config.rules import FINITE, POSITIVE, exactly, integer, numbers
from builder.config.settings import group, part, setting
from builder.config.unread import UNREAD
from builder.network.backbones.resnet import ResNetSettings
from builder.network.heads.res5 import Res5ROIHeadsSettings
from builder.network.parts import BACKBONES, PROPOSAL_GENERATORS, ROI_HEADS
from builder.network.proposals.rpn import RPNSettings


@dataclass(frozen=True)
class InputSettings:
    """How pictures reach the network."""

    min_size_test: int = setting("INPUT.MIN_SIZE_TEST", 800, integer())
    """Length of the short side after resizing, in pixels."""
    max_size_test: int = setting("INPUT.MAX_SIZE_TEST", 1333, integer())
    """Bound of the long side after resizing, in pixels."""
    format: str = setting(
        "INPUT.FORMAT",
        "BGR",
        exactly("BGR", because="pictures are given to the network as blue, green, red"),
    )
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
    meta_architecture: str = setting(
        "MODEL.META_ARCHITECTURE",
        "GeneralizedRCNN",
        exactly("GeneralizedRCNN", because="only Mask R-CNN and Faster R-CNN are built"),
    )
    input: InputSettings = group(InputSettings)
    pixel_mean: tuple[float, float, float] = setting(
        "MODEL.PIXEL_MEAN", (103.53, 116.28, 123.675), numbers(3, FINITE)
    )
    """Taken off each channel, in the order of INPUT.FORMAT, in grey levels 0…255."""
    pixel_std: tuple[float, float, float] = setting(
        "MODEL.PIXEL_STD", (1.0, 1.0, 1.0), numbers(3, POSITIVE)
    )
    """Each channel is divided by it, in grey levels."""
    backbone: ResNetSettings = part(
        "MODEL.BACKBONE.NAME", BACKBONES, because="other backbones are not built"
    )
    proposal_generator: RPNSettings = part(
        "MODEL.PROPOSAL_GENERATOR.NAME",
        PROPOSAL_GENERATORS,
        because="other proposals are not built",
    )
    roi_heads: Res5ROIHeadsSettings = part(
        "MODEL.ROI_HEADS.NAME",
        ROI_HEADS,
        because="the heads of C4, which share res5, are the only ones built",
    )

    @property
    def num_classes(self) -> int:
        """Foreground classes."""
        return self.roi_heads.box_predictor.num_classes

    @property
    def title(self) -> str:
        """Such as Mask R-CNN R50-C4."""
        detector = "Faster R-CNN" if self.roi_heads.mask_head is None else "Mask R-CNN"
        return f"{detector} {self.backbone.title}-{self.roi_heads.title}"


def load_config(path: str | Path) -> ModelConfig:
    """Reads a detectron2 YAML file, with its `_BASE_` files and detectron2's defaults.

    Raises:
        BuildError: a file cannot be read, or settings ask for something that is not built here,
            have the wrong type, or are unknown to detectron2; the message lists all of them.
    """
    return read_settings(path, ModelConfig, UNREAD)
