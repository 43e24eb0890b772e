"""The whole network, from a canvas of bytes to detections: detectron2's `GeneralizedRCNN`."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.nn import Module

from builder.network.backbones.resnet import ResNet
from builder.network.config import ModelConfig
from builder.network.feature_map import Canvas, grid
from builder.network.heads.res5 import Res5ROIHeads
from builder.network.precision import Precision
from builder.network.proposals.rpn import RPN


def build_model(config: ModelConfig, precision: Precision) -> GeneralizedRCNN:
    """The network of the parts that a configuration names."""
    backbone = config.backbone.build(precision)
    shapes = backbone.output_shape()
    proposal_generator = config.proposal_generator.build(shapes, precision)
    roi_heads = config.roi_heads.build(shapes, proposal_generator.most_proposals, precision)
    return GeneralizedRCNN(config, backbone, proposal_generator, roi_heads, precision)


class GeneralizedRCNN(Module):
    """A backbone, a proposal generator and RoI heads, one after the other."""

    def __init__(
        self,
        config: ModelConfig,
        backbone: ResNet,
        proposal_generator: RPN,
        roi_heads: Res5ROIHeads,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.config = config
        self.dtype = precision.dtype
        self.backbone = backbone
        self.proposal_generator = proposal_generator
        self.roi_heads = roi_heads

    def forward(self, op: Any, canvas: ir.Value, image_size: ir.Value) -> dict[str, ir.Value]:
        """The outputs of `config.roi_heads.outputs()`, by name: best first, zeros past the last.

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
            np.asarray(v, np.float32) for v in (self.config.pixel_mean, self.config.pixel_std)
        )
        pixels = op.Sub(
            op.Cast(canvas, to=ir.DataType.FLOAT),
            op.initializer(ir.tensor(mean, name="pixel_mean")),
        )
        if not np.all(std == 1):
            pixels = op.Div(pixels, op.initializer(ir.tensor(std, name="pixel_std")))
        pixels = op.Transpose(pixels, perm=[0, 3, 1, 2])
        inside = grid(op, pixels, image_size, stride=1).cells
        pixels = op.Cast(op.Where(inside, pixels, 0.0), to=self.dtype)
        return Canvas(pixels, image_size, self._extent(op, image_size))

    def _extent(self, op: Any, image_size: ir.Value) -> ir.Value:
        """The sizes rounded up to the backbone's size divisibility, in pixels."""
        multiple = float(self.config.backbone.size_divisibility)
        if multiple == 1:
            return image_size
        return op.Mul(op.Ceil(op.Div(image_size, multiple)), multiple)
