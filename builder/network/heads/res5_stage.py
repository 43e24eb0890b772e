"""res5 as it runs over RoIs: channels last, its 1×1 convolutions as matrix products.

Nine tenths of the network's work is here: thousands of maps of 7×7. With the channels last, all
cells of all RoIs are the rows of one matrix, and a 1×1 convolution is one large product; only the
3×3 convolution sees the maps. No padding has to be masked: a RoI's map has none.

In an int8 network res5 is the ordinary stage over maps instead, with convolutions alone. TensorRT
lays the channels last by itself there, and TensorRT-RTX 1.7 is only safe with convolutions: the
sums of an int8 matrix product it writes as fp16, where they overflow, before it scales them.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from onnxscript.nn import Module, ModuleList

from builder.network.backbones.resnet import residual_stage
from builder.network.layers import Conv2d, PointwiseConv2d
from builder.network.precision import Precision

BLOCKS = 3
"""Of res5, in a ResNet of any depth (detectron2 `Res5ROIHeads._build_res5_block`)."""


class RoIBottleneckBlock(Module):
    """A bottleneck block over maps of `side` × `side` cells: (rows, in) → (rows, out)."""

    def __init__(
        self,
        in_channels: int,
        bottleneck_channels: int,
        out_channels: int,
        side: int,
        dtype: ir.DataType,
    ) -> None:
        super().__init__()
        self.projects = in_channels != out_channels
        self.map_shape = [-1, side, side, bottleneck_channels]
        if self.projects:
            self.shortcut = PointwiseConv2d(in_channels, out_channels, dtype, norm=True)
        self.conv1 = PointwiseConv2d(in_channels, bottleneck_channels, dtype, norm=True)
        self.conv2 = Conv2d(
            bottleneck_channels, bottleneck_channels, 3, dtype, padding=1, norm=True
        )
        self.conv3 = PointwiseConv2d(bottleneck_channels, out_channels, dtype, norm=True)

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        """The block on the cells of pooled maps."""
        shortcut = self.shortcut(op, x) if self.projects else x
        return self._joined(op, self.conv1(op, x), shortcut)

    def _joined(self, op: Any, out: ir.Value, shortcut: ir.Value) -> ir.Value:
        """The block from what conv1 makes."""
        maps = op.Transpose(op.Reshape(op.Relu(out), self.map_shape), perm=[0, 3, 1, 2])
        maps = op.Relu(self.conv2(op, maps))
        out = op.Reshape(op.Transpose(maps, perm=[0, 2, 3, 1]), [-1, self.map_shape[-1]])
        return op.Relu(op.Add(self.conv3(op, out), shortcut))


class ProductsBeforePooling(RoIBottleneckBlock):
    """The first block, over pooled products; see `Precision.products_before_pooling`."""

    def products(self, op: Any, feature_map: ir.Value) -> ir.Value:
        """What conv1 and the shortcut make of a map [N, in, H, W] that is then pooled.

        They are linear, as RoIAlign is, but for their biases: these come after it.

        Returns:
            [N, bottleneck + out, H, W].
        """
        return op.Conv(feature_map, op.Concat(self.conv1.weight, self.shortcut.weight, axis=0))

    def forward(self, op: Any, x: ir.Value) -> ir.Value:
        """The block on the cells of the pooled `products`."""
        x = op.Add(x, op.Concat(self.conv1.bias, self.shortcut.bias, axis=0))
        bottleneck = self.map_shape[-1]
        return self._joined(
            op, op.Slice(x, [0], [bottleneck], [1]), op.Slice(x, [bottleneck], [2**31], [1])
        )


def res5_stage(
    in_channels: int, bottleneck_channels: int, out_channels: int, side: int, precision: Precision
) -> ModuleList:
    """The blocks of res5 over RoIs whose maps have `side` × `side` cells.

    RoIAlign makes only the bins that the stride of res5 reads, so the first block has stride 1.

    Returns:
        `RoIBottleneckBlock`s over rows; in an int8 network `BottleneckBlock`s over maps.
    """
    dtype = precision.dtype
    if precision.int8:
        channels = (bottleneck_channels, out_channels)
        return residual_stage(BLOCKS, in_channels, channels, dtype, first_stride=1)
    sizes = bottleneck_channels, out_channels, side, dtype
    kind = ProductsBeforePooling if precision.products_before_pooling else RoIBottleneckBlock
    others = [RoIBottleneckBlock(out_channels, *sizes) for _ in range(BLOCKS - 1)]
    return ModuleList([kind(in_channels, *sizes), *others])
