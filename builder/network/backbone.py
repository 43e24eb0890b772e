"""ResNet of bottleneck blocks up to res4: detectron2's `build_resnet_backbone`, C4 form.

The stride of a stage is in its first block's 1×1 convolution and shortcut (STRIDE_IN_1X1), so a
block looks at neighbours in one place only, its 3×3 convolution, and padding is masked just there.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module, ModuleList

from builder.config import ModelConfig
from builder.network.layers import Conv2d
from builder.network.padding import picture_cells

BLOCKS_PER_STAGE = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Bottleneck blocks of res2, res3, res4, res5 by ResNet depth (He et al. 2015, table 1)."""

RES4_STRIDE = 16
"""Pixels of the canvas for one cell of res4, the feature map that the heads use."""


class BasicStem(Module):
    """7×7/2 convolution, ReLU, 3×3/2 max-pool: stride 4."""

    def __init__(self, out_channels: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.dtype = dtype
        self.conv1 = Conv2d(3, out_channels, 7, dtype, stride=2, padding=3)

    def forward(self, op: Any, pixels: ir.Value, image_size: ir.Value) -> ir.Value:
        x = op.Relu(self.conv1(op, pixels))
        x = op.Mul(x, op.Cast(picture_cells(op, pixels, image_size, stride=2), to=self.dtype))
        return op.MaxPool(x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


class BottleneckBlock(Module):
    """1×1 → 3×3 → 1×1 convolutions beside a shortcut, which is a 1×1 where the shape changes."""

    def __init__(
        self,
        in_channels: int,
        bottleneck_channels: int,
        out_channels: int,
        dtype: ir.DataType,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.projects = in_channels != out_channels
        if self.projects:
            self.shortcut = Conv2d(in_channels, out_channels, 1, dtype, stride)
        self.conv1 = Conv2d(in_channels, bottleneck_channels, 1, dtype, stride)
        self.conv2 = Conv2d(bottleneck_channels, bottleneck_channels, 3, dtype, padding=1)
        self.conv3 = Conv2d(bottleneck_channels, out_channels, 1, dtype)

    def forward(self, op: Any, x: ir.Value, valid: ir.Value | None = None) -> ir.Value:
        """`valid` [N, 1, H', W'] is 1 inside the picture, 0 in its padding; None: no padding."""
        out = op.Relu(self.conv1(op, x))
        if valid is not None:
            out = op.Mul(out, valid)
        out = op.Relu(self.conv2(op, out))
        out = self.conv3(op, out)
        return op.Relu(op.Add(out, self.shortcut(op, x) if self.projects else x))


def residual_stage(
    blocks: int,
    in_channels: int,
    bottleneck_channels: int,
    out_channels: int,
    dtype: ir.DataType,
    first_stride: int,
) -> ModuleList:
    """A ResNet stage; only its first block has a stride and a change of channels."""
    first = BottleneckBlock(in_channels, bottleneck_channels, out_channels, dtype, first_stride)
    rest = [
        BottleneckBlock(out_channels, bottleneck_channels, out_channels, dtype)
        for _ in range(blocks - 1)
    ]
    return ModuleList([first, *rest])


class ResNet(Module):
    """Stem, res2, res3 and res4: (N, 3, H, W) → (N, 1024, ceil(H / 16), ceil(W / 16)) for R50."""

    def __init__(self, config: ModelConfig, dtype: ir.DataType) -> None:
        super().__init__()
        self.dtype = dtype
        blocks = BLOCKS_PER_STAGE[config.resnet_depth]
        stem, out, width = (
            config.stem_out_channels,
            config.res2_out_channels,
            config.width_per_group,
        )
        self.stem = BasicStem(stem, dtype)
        self.res2 = residual_stage(blocks[0], stem, width, out, dtype, first_stride=1)
        self.res3 = residual_stage(blocks[1], out, 2 * width, 2 * out, dtype, first_stride=2)
        self.res4 = residual_stage(blocks[2], 2 * out, 4 * width, 4 * out, dtype, first_stride=2)

    def forward(self, op: Any, pixels: ir.Value, image_size: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Features of res4, and its cells that belong to the picture.

        Args:
            pixels: [N, 3, H, W], normalized, zero outside each picture.
            image_size: FP32 [N, 2], height and width of each picture in pixels.

        Returns:
            res4 [N, C, H / 16, W / 16] and BOOL [N, 1, H / 16, W / 16].
        """
        x = self.stem(op, pixels, image_size)
        for stage, stride in ((self.res2, 4), (self.res3, 8), (self.res4, RES4_STRIDE)):
            cells = picture_cells(op, pixels, image_size, stride)
            valid = op.Cast(cells, to=self.dtype)
            for block in stage:
                x = block(op, x, valid)
        return x, cells
