"""Feature maps, and the part of each that belongs to its picture: padding that cannot be seen.

A picture lies at the top left of its canvas. Its *extent* is the part of the canvas that may count:
the picture's size, rounded up to the backbone's size divisibility as detectron2 pads a single
picture. On a map of stride s it covers ceil(height / s) × ceil(width / s) cells; the rest is
padding, which biases make non-zero. Every operator that looks at neighbours (3×3 convolution,
max-pool) must read zeros there, as it would beyond the border of a canvas of the extent's own size:
then neither the canvas nor the other pictures of the batch can be seen in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir


@dataclass(frozen=True)
class FeatureShape:
    """What is known of a feature map before any picture: detectron2's `ShapeSpec`."""

    channels: int
    stride: int
    """Pixels of the canvas for one cell."""


@dataclass(frozen=True)
class Grid:
    """The cells of maps of one stride, and which of them belong to their picture."""

    extent: ir.Value
    """FP32 [N, 2], rows and columns that belong to the picture."""
    cells: ir.Value
    """BOOL [N, 1, H, W], the same cell by cell."""


@dataclass(frozen=True)
class FeatureMap:
    """A feature map of a batch of pictures."""

    value: ir.Value
    """[N, channels, H, W]."""
    shape: FeatureShape
    grid: Grid


@dataclass(frozen=True)
class Canvas:
    """Pictures as the backbone gets them."""

    pixels: ir.Value
    """[N, 3, H, W], normalized, zero outside each picture."""
    image_size: ir.Value
    """FP32 [N, 2], height and width of each picture in pixels: boxes are clipped to it."""
    extent: ir.Value
    """FP32 [N, 2], height and width of what may count of the canvas, in pixels."""

    def grid(self, op: Any, stride: int) -> Grid:
        """That of a map of ceil(H / stride) × ceil(W / stride) cells."""
        return grid(op, self.pixels, self.extent, stride)


def grid(op: Any, pixels: ir.Value, extent: ir.Value, stride: int) -> Grid:
    """The cells of `stride` pixels of a canvas [N, 3, H, W] and of an extent in it.

    Args:
        extent: FP32 [N, 2], height and width in pixels.
    """
    if stride > 1:
        extent = op.Ceil(op.Mul(extent, 1.0 / stride))
    height, width = op.Split(extent, axis=1, num_outputs=2, _outputs=2)
    rows = op.Less(positions(op, _cells(op, dimension(op, pixels, 2), stride)), height)
    columns = op.Less(positions(op, _cells(op, dimension(op, pixels, 3), stride)), width)
    return Grid(extent, op.And(op.Unsqueeze(rows, [1, 3]), op.Unsqueeze(columns, [1, 2])))


def dimension(op: Any, x: ir.Value, axis: int) -> ir.Value:
    """The length of `x` along `axis`, INT64 []."""
    return op.Squeeze(op.Shape(x, start=axis, end=axis + 1), [0])


def positions(op: Any, length: ir.Value) -> ir.Value:
    """0, 1, …, length - 1, FP32 [length]."""
    return op.Cast(op.Range(0, length, 1), to=ir.DataType.FLOAT)


def _cells(op: Any, length: ir.Value, stride: int) -> ir.Value:
    return op.Div(op.Add(length, stride - 1), stride)
