"""From a RoI's pooled map to its features: detectron2's `FastRCNNConvFCHead`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module

from builder.config.rules import FOLDABLE_NORM, integer
from builder.config.settings import setting
from builder.network.layers import Conv2d, Linear
from builder.network.precision import Precision


@dataclass(frozen=True)
class FastRCNNConvFCHeadSettings:
    """Those of `FastRCNNConvFCHead`."""

    num_conv: int = setting("MODEL.ROI_BOX_HEAD.NUM_CONV", 0, integer(least=0))
    conv_dim: int = setting("MODEL.ROI_BOX_HEAD.CONV_DIM", 256, integer())
    """Channels of the convolutions."""
    num_fc: int = setting("MODEL.ROI_BOX_HEAD.NUM_FC", 0, integer(least=0))
    fc_dim: int = setting("MODEL.ROI_BOX_HEAD.FC_DIM", 1024, integer())
    """Outputs of the fully connected layers."""
    norm: str = setting(
        "MODEL.ROI_BOX_HEAD.NORM",
        "",
        FOLDABLE_NORM,
    )

    def __post_init__(self) -> None:
        if self.num_conv + self.num_fc == 0:
            raise ValueError(
                "MODEL.ROI_BOX_HEAD.NUM_CONV and NUM_FC are 0; supported: at least one layer"
            )

    def build(self, channels: int, resolution: int, precision: Precision) -> FastRCNNConvFCHead:
        """The module, for maps of `resolution` × `resolution` cells with `channels` channels."""
        return FastRCNNConvFCHead(self, channels, resolution, precision)


class FastRCNNConvFCHead(Module):
    """3×3 convolutions, then fully connected layers, each with a ReLU."""

    def __init__(
        self,
        settings: FastRCNNConvFCHeadSettings,
        channels: int,
        resolution: int,
        precision: Precision,
    ) -> None:
        super().__init__()
        self.settings = settings
        for number in range(1, settings.num_conv + 1):
            conv = Conv2d(
                channels,
                settings.conv_dim,
                3,
                precision.dtype,
                padding=1,
                norm=bool(settings.norm),
            )
            setattr(self, f"conv{number}", conv)
            channels = settings.conv_dim
        self.out_channels = channels * resolution**2
        for number in range(1, settings.num_fc + 1):
            linear = Linear(self.out_channels, settings.fc_dim, precision.dtype)
            setattr(self, f"fc{number}", linear)
            self.out_channels = settings.fc_dim

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        """Maps [N · R, channels, resolution, resolution] → features [N · R, out_channels]."""
        for number in range(1, self.settings.num_conv + 1):
            x = op.Relu(getattr(self, f"conv{number}")(op, x))
        x = op.Flatten(x, axis=1)
        for number in range(1, self.settings.num_fc + 1):
            x = op.Relu(getattr(self, f"fc{number}")(op, x))
        return x
