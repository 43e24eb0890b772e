"""Mask, Keypoint and Faster R-CNN, from a canvas to detections: detectron2's `GeneralizedRCNN`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.nn import Module

from artifact.manifest import Tensor
from builder.config.rules import FINITE, POSITIVE, exactly, numbers
from builder.config.settings import part, setting
from builder.network.backbones import BACKBONES
from builder.network.backbones.fpn import FPN, FPNSettings
from builder.network.backbones.resnet import ResNet, ResNetSettings
from builder.network.feature_map import Canvas, grid
from builder.network.heads import ROI_HEADS
from builder.network.heads.res5 import Res5ROIHeads, Res5ROIHeadsSettings
from builder.network.heads.standard import PooledROIHeads, StandardROIHeadsSettings
from builder.network.precision import Precision
from builder.network.predictors.keypoint_head import KRCNNConvDeconvUpsampleHeadSettings
from builder.network.proposals import PROPOSAL_GENERATORS
from builder.network.proposals.rpn import RPN, RPNSettings


@dataclass(frozen=True)
class GeneralizedRCNNSettings:
    """Those of `GeneralizedRCNN` and of its parts."""

    input_format: str = setting(
        "INPUT.FORMAT", "BGR", exactly("BGR", "RGB", because="pictures are of three colours")
    )
    """Order of the colours that the backbone looks at; the canvas is BGR whatever it is."""
    pixel_mean: tuple[float, float, float] = setting(
        "MODEL.PIXEL_MEAN", (103.53, 116.28, 123.675), numbers(3, FINITE)
    )
    """Taken off each channel, in the order of INPUT.FORMAT, in grey levels 0…255."""
    pixel_std: tuple[float, float, float] = setting(
        "MODEL.PIXEL_STD", (1.0, 1.0, 1.0), numbers(3, POSITIVE)
    )
    """Each channel is divided by it, in grey levels."""
    backbone: ResNetSettings | FPNSettings = part(
        "MODEL.BACKBONE.NAME", BACKBONES, because="other backbones are not built"
    )
    proposal_generator: RPNSettings = part(
        "MODEL.PROPOSAL_GENERATOR.NAME",
        PROPOSAL_GENERATORS,
        because="other proposals are not built",
    )
    roi_heads: Res5ROIHeadsSettings | StandardROIHeadsSettings = part(
        "MODEL.ROI_HEADS.NAME", ROI_HEADS, because="other heads are not built"
    )

    def __post_init__(self) -> None:
        shapes = self.backbone.output_shape()
        for key, names in (
            ("MODEL.RPN.IN_FEATURES", self.proposal_generator.in_features),
            ("MODEL.ROI_HEADS.IN_FEATURES", self.roi_heads.in_features),
        ):
            if not set(names) <= set(shapes):
                raise ValueError(
                    f"{key} is {list(names)}; supported: maps of the backbone, which are "
                    f"{', '.join(shapes)}"
                )
            if len({shapes[name].channels for name in names}) > 1:
                raise ValueError(
                    f"{key} is {list(names)}; supported: maps with one number of channels, as "
                    "those of a pyramid have, or one map alone"
                )
        strides = [shapes[name].stride for name in self.roi_heads.in_features]
        if any(coarse != 2 * fine for fine, coarse in pairwise(strides)):
            raise ValueError(
                f"MODEL.ROI_HEADS.IN_FEATURES is {list(self.roi_heads.in_features)}; supported: "
                "maps of which each has half the rows and columns of the one before it"
            )

    @property
    def title(self) -> str:
        """Such as Mask R-CNN R50-C4."""
        heads = self.roi_heads
        detector = (
            "Keypoint" if heads.keypoint_on else "Faster" if heads.mask_head is None else "Mask"
        )
        return f"{heads.prefix}{detector} R-CNN {self.backbone.title}{heads.title}"

    @property
    def num_classes(self) -> int:
        """Foreground classes."""
        return self.roi_heads.box_predictor.num_classes

    @property
    def keypoint_head(self) -> KRCNNConvDeconvUpsampleHeadSettings | None:
        """That of a Keypoint R-CNN."""
        return self.roi_heads.keypoint_head

    @property
    def size_divisibility(self) -> int:
        """A picture alone is padded to multiples of it, in pixels."""
        return self.backbone.size_divisibility

    def outputs(self) -> tuple[Tensor, ...]:
        """The network's outputs: of each picture the best detections first, zeros past the last."""
        return self.roi_heads.outputs()

    def build(self, precision: Precision) -> GeneralizedRCNN:
        """The network of the parts that the settings name."""
        backbone = self.backbone.build(precision)
        shapes = self.backbone.output_shape()
        proposal_generator = self.proposal_generator.build(shapes, precision)
        roi_heads = self.roi_heads.build(shapes, proposal_generator.most_proposals, precision)
        return GeneralizedRCNN(self, backbone, proposal_generator, roi_heads, precision)


class GeneralizedRCNN(Module):
    """A backbone, a proposal generator and RoI heads, one after the other."""

    def __init__(
        self,
        settings: GeneralizedRCNNSettings,
        backbone: ResNet | FPN,
        proposal_generator: RPN,
        roi_heads: Res5ROIHeads | PooledROIHeads,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.dtype = precision.dtype
        self.backbone = backbone
        self.proposal_generator = proposal_generator
        self.roi_heads = roi_heads

    def forward(self, op: Any, canvas: ir.Value, image_size: ir.Value) -> dict[str, ir.Value]:
        """The values of `GeneralizedRCNNSettings.outputs`, by name.

        Args:
            canvas: UINT8 [N, H, W, 3], BGR, each picture at the top left.
            image_size: INT32 [N, 2], height and width of each picture in pixels.
        """
        pictures = self.preprocess_image(op, canvas, op.Cast(image_size, to=ir.DataType.FLOAT))
        features = self.backbone(op, pictures)
        for name, feature_map in features.items():
            feature_map.value.name = name
        proposals = self.proposal_generator(op, features, pictures)
        proposals.boxes.name, proposals.exists.name = "proposals.boxes", "proposals.exist"
        return self.roi_heads(op, features, proposals, pictures)

    def preprocess_image(self, op: Any, canvas: ir.Value, image_size: ir.Value) -> Canvas:
        """Pixels less their mean over their deviation, zero in the padding.

        Args:
            canvas, image_size: as for `forward`, but image_size FP32.
        """
        mean, std = (
            np.asarray(v, np.float32)[:, None, None]
            for v in (self.settings.pixel_mean, self.settings.pixel_std)
        )
        pixels = op.Transpose(op.Cast(canvas, to=ir.DataType.FLOAT), perm=[0, 3, 1, 2])
        if self.settings.input_format == "RGB":
            pixels = op.Gather(pixels, [2, 1, 0], axis=1)
        pixels = op.Sub(pixels, op.initializer(ir.tensor(mean, name="pixel_mean")))
        if not np.all(std == 1):
            pixels = op.Div(pixels, op.initializer(ir.tensor(std, name="pixel_std")))
        inside = grid(op, pixels, image_size, stride=1).cells
        pixels = op.Cast(op.Where(inside, pixels, 0.0), to=self.dtype)
        return Canvas(pixels, image_size, self._extent(op, image_size))

    def _extent(self, op: Any, image_size: ir.Value) -> ir.Value:
        """The sizes rounded up to the size divisibility, in pixels."""
        multiple = float(self.settings.size_divisibility)
        if multiple == 1:
            return image_size
        return op.Mul(op.Ceil(op.Div(image_size, multiple)), multiple)
