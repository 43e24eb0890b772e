"""The mask of each detection: detectron2's `MaskRCNNConvUpsampleHead`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module, Parameter

from builder.config.rules import FOLDABLE_NORM, boolean, integer
from builder.config.settings import setting
from builder.network.layers import Conv2d, PointwiseConvTranspose2d
from builder.network.precision import Precision


@dataclass(frozen=True)
class MaskRCNNConvUpsampleHeadSettings:
    """Those of `MaskRCNNConvUpsampleHead`."""

    num_conv: int = setting("MODEL.ROI_MASK_HEAD.NUM_CONV", 0, integer(least=0))
    """3×3 convolutions before the transposed one."""
    norm: str = setting(
        "MODEL.ROI_MASK_HEAD.NORM",
        "",
        FOLDABLE_NORM,
    )
    """Of the 3×3 convolutions."""
    conv_dim: int = setting("MODEL.ROI_MASK_HEAD.CONV_DIM", 256, integer())
    """Channels after each convolution but the last."""
    cls_agnostic_mask: bool = setting("MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK", False, boolean())
    """Whether there is one mask for all classes."""

    def build(
        self, channels: int, side: int, num_classes: int, precision: Precision
    ) -> MaskRCNNConvUpsampleHead:
        """The module, for maps of `side` × `side` cells with `channels` channels."""
        return MaskRCNNConvUpsampleHead(self, channels, side, num_classes, precision)


class MaskRCNNConvUpsampleHead(Module):
    """Convolutions, a transposed one, then the mask of each detection's own class and no other."""

    def __init__(
        self,
        settings: MaskRCNNConvUpsampleHeadSettings,
        channels: int,
        side: int,
        num_classes: int,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.hidden = settings.conv_dim
        self.side = side
        for number in range(1, settings.num_conv + 1):
            norm = bool(settings.norm)
            conv = Conv2d(channels, self.hidden, 3, precision.dtype, padding=1, norm=norm)
            setattr(self, f"mask_fcn{number}", conv)
            channels = self.hidden
        self.channels = channels
        self.deconv = PointwiseConvTranspose2d(channels, self.hidden, precision.dtype)
        masks = 1 if settings.cls_agnostic_mask else num_classes
        self.predictor = MaskPredictor(self.hidden, masks, precision.dtype)

    def forward(
        self, op: Any, features: ir.Value, classes: ir.Value, channels_last: bool = False
    ) -> ir.Value:
        """Mask probabilities.

        Args:
            features: the maps of T detections, [T, channels, side, side]; with their channels last
                the cells, [T · side², channels], for a head without 3×3 convolutions.
            classes: INT32 [T].
            channels_last: which of the two `features` are.

        Returns:
            FP32 [T, 2 · side, 2 · side], the probability of each cell of the box to belong to
            the object.
        """
        side = self.side
        for number in range(1, self.settings.num_conv + 1):
            features = op.Relu(getattr(self, f"mask_fcn{number}")(op, features))
        if not channels_last:
            cells = op.Transpose(features, perm=[0, 2, 3, 1])
            features = op.Reshape(cells, [-1, self.channels])
        hidden = op.Relu(self.deconv(op, features))
        hidden = op.Reshape(hidden, [-1, side * side * 4, self.hidden])
        mask = classes
        if self.settings.cls_agnostic_mask:
            mask = op.Mul(mask, op.Cast(0, to=ir.DataType.INT32))
        logits = self.predictor(op, hidden, mask)
        # (y, x, 2, 2) cells of each map to rows and columns
        logits = op.Transpose(op.Reshape(logits, [-1, side, side, 2, 2]), perm=[0, 1, 3, 2, 4])
        logits = op.Reshape(logits, [-1, 2 * side, 2 * side])
        return op.Sigmoid(op.Cast(logits, to=ir.DataType.FLOAT))


class MaskPredictor(Module):
    """The 1×1 convolution to some masks, of which one is computed for each detection."""

    def __init__(self, channels: int, masks: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.weight = Parameter([masks, channels, 1, 1], dtype)
        self.bias = Parameter([masks], dtype)

    def forward(self, op: Any, hidden: ir.Value, mask: ir.Value) -> ir.Value:
        """[detections, cells, channels] and INT32 [detections] → [detections, cells, 1]."""
        weight = op.Squeeze(op.Gather(self.weight, mask, axis=0), [3])
        bias = op.Unsqueeze(op.Gather(self.bias, mask, axis=0), [1, 2])
        return op.Add(op.MatMul(hidden, weight), bias)
