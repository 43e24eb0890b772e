"""res5 as it runs over RoIs, in one of three forms.

Nine tenths of the network's work is here: thousands of maps of 7×7. No padding has to be masked: a
RoI's map has none.

For tensor cores in fp16 it is made of matrix products: with the channels last, all cells of all
RoIs are the rows of one matrix, and a 1×1 convolution is one large product; only the 3×3
convolution sees the maps.

In an int8 network it is the ordinary stage over maps, with convolutions alone. TensorRT lays the
channels last by itself there, and TensorRT-RTX 1.7 is only safe with convolutions: the sums of an
int8 matrix product it writes as fp16, where they overflow, before it scales them.

For a CPU it is over maps too: ONNX Runtime keeps them in its own layout from one convolution to the
next and has biases, sums and activations in them. And there the first block's products are made
before the pooling.
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
        maps = op.Reshape(op.Relu(self.conv1(op, x)), self.map_shape)
        maps = op.Relu(self.conv2(op, op.Transpose(maps, perm=[0, 3, 1, 2])))
        out = op.Reshape(op.Transpose(maps, perm=[0, 2, 3, 1]), [-1, self.map_shape[-1]])
        return op.Relu(op.Add(self.conv3(op, out), shortcut))


class ProductsBeforePooling(Module):
    """The first block over maps, two of whose products are made of the map that is pooled.

    Fewer products, but more channels to pool, which tensor cores are slow at: with R50-C4 an H100
    in fp16 would lose twice what it saves.
    """

    def __init__(
        self, in_channels: int, bottleneck_channels: int, out_channels: int, dtype: ir.DataType
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.channels = bottleneck_channels, out_channels
        self.shortcut = Conv2d(in_channels, out_channels, 1, dtype, norm=True)
        self.conv1 = Conv2d(in_channels, bottleneck_channels, 1, dtype, norm=True)
        self.conv2 = Conv2d(
            bottleneck_channels, bottleneck_channels, 3, dtype, padding=1, norm=True
        )
        self.conv3 = Conv2d(bottleneck_channels, out_channels, 1, dtype, norm=True)

    def products(self, op: Any, feature_map: ir.Value) -> tuple[ir.Value, ir.Value]:
        """What conv1 and the shortcut make of a map [N, in, H, W], which is then pooled.

        They are linear, as RoIAlign is, but for their biases: these come after it.

        Returns:
            [N, bottleneck, H, W] and [N, out, H, W].
        """
        return op.Conv(feature_map, self.conv1.weight), op.Conv(feature_map, self.shortcut.weight)

    def forward(self, op: Any, out: ir.Value, shortcut: ir.Value) -> ir.Value:
        """The block from the pooled `products`."""
        bottleneck_channels, out_channels = self.channels
        shortcut = self._plus(op, shortcut, self.shortcut.bias, out_channels)
        out = op.Relu(self._plus(op, out, self.conv1.bias, bottleneck_channels))
        out = self.conv3(op, op.Relu(self.conv2(op, out)))
        return op.Relu(op.Add(out, shortcut))

    def _plus(self, op: Any, x: ir.Value, bias: ir.Value, channels: int) -> ir.Value:
        """Maps plus a bias, as a convolution: in the layout that the next one takes."""
        one = op.Expand(op.Cast(1.0, to=self.dtype), [channels, 1, 1, 1])
        return op.Conv(x, one, bias, group=channels)


def res5_stage(
    in_channels: int, bottleneck_channels: int, out_channels: int, side: int, precision: Precision
) -> ModuleList:
    """The blocks of res5 over RoIs whose maps have `side` × `side` cells.

    RoIAlign makes only the bins that the stride of res5 reads, so the first block has stride 1.

    Returns:
        Where the precision says so, `BottleneckBlock`s over maps, maybe with
        `ProductsBeforePooling` as the first; else `RoIBottleneckBlock`s over rows.
    """
    dtype = precision.dtype
    channels = (bottleneck_channels, out_channels)
    if precision.res5_over_maps:
        stage = residual_stage(BLOCKS, in_channels, channels, dtype, first_stride=1)
        if precision.products_before_pooling:
            first = ProductsBeforePooling(in_channels, *channels, dtype)
            return ModuleList([first, *list(stage)[1:]])
        return stage
    return ModuleList(
        [
            RoIBottleneckBlock(out_channels if number else in_channels, *channels, side, dtype)
            for number in range(BLOCKS)
        ]
    )
