"""The mask of each detection: detectron2's `MaskRCNNConvUpsampleHead`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module, Parameter

from builder.config.rules import exactly, integer, text
from builder.config.settings import setting
from builder.network.layers import PointwiseConvTranspose2d
from builder.network.precision import Precision


@dataclass(frozen=True)
class MaskRCNNConvUpsampleHeadSettings:
    """Those of `MaskRCNNConvUpsampleHead`."""

    num_conv: int = setting(
        "MODEL.ROI_MASK_HEAD.NUM_CONV",
        0,
        exactly(
            0, because="the mask head is a transposed convolution and a 1x1 convolution on res5"
        ),
    )
    norm: str = setting("MODEL.ROI_MASK_HEAD.NORM", "", text(may_be_empty=True))
    """Of the NUM_CONV convolutions: of none."""
    conv_dim: int = setting("MODEL.ROI_MASK_HEAD.CONV_DIM", 256, integer())
    """Channels between the two convolutions."""
    cls_agnostic_mask: bool = setting(
        "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK",
        False,
        exactly(False, because="masks are predicted for each class"),
    )

    def build(
        self, channels: int, side: int, num_classes: int, precision: Precision
    ) -> MaskRCNNConvUpsampleHead:
        """The module, for maps of `side` × `side` cells with `channels` channels."""
        return MaskRCNNConvUpsampleHead(self, channels, side, num_classes, precision)


class MaskRCNNConvUpsampleHead(Module):
    """Transposed convolution, then the mask of each detection's own class and of no other."""

    def __init__(
        self,
        settings: MaskRCNNConvUpsampleHeadSettings,
        channels: int,
        side: int,
        num_classes: int,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.hidden = settings.conv_dim
        self.side = side
        self.deconv = PointwiseConvTranspose2d(channels, self.hidden, precision.dtype)
        self.predictor = MaskPredictor(self.hidden, num_classes, precision.dtype)

    def forward(self, op: Any, features: ir.Value, classes: ir.Value) -> ir.Value:
        """Mask probabilities.

        Args:
            features: [N · D · side², channels], the cells of each detection's map, channels last.
            classes: INT32 [N, D].

        Returns:
            FP32 [N, D, 2 · side, 2 · side], the probability of each cell of the box to belong to
            the object.
        """
        side = self.side
        hidden = op.Relu(self.deconv(op, features))
        hidden = op.Reshape(hidden, [-1, side * side * 4, self.hidden])
        logits = self.predictor(op, hidden, op.Reshape(classes, [-1]))
        # (y, x, 2, 2) cells of each map to rows and columns
        logits = op.Transpose(op.Reshape(logits, [-1, side, side, 2, 2]), perm=[0, 1, 3, 2, 4])
        logits = op.Reshape(logits, op.Concat(op.Shape(classes), [2 * side, 2 * side], axis=0))
        return op.Sigmoid(op.Cast(logits, to=ir.DataType.FLOAT))


class MaskPredictor(Module):
    """The 1×1 convolution to one mask for each class, of which one class is computed."""

    def __init__(self, channels: int, num_classes: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.weight = Parameter([num_classes, channels, 1, 1], dtype)
        self.bias = Parameter([num_classes], dtype)

    def forward(self, op: Any, hidden: ir.Value, classes: ir.Value) -> ir.Value:
        """[detections, cells, channels] and INT32 [detections] → [detections, cells, 1]."""
        weight = op.Squeeze(op.Gather(self.weight, classes, axis=0), [3])
        bias = op.Unsqueeze(op.Gather(self.bias, classes, axis=0), [1, 2])
        return op.Add(op.MatMul(hidden, weight), bias)
