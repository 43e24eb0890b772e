"""Padding that cannot be seen: where on a canvas a picture ends, at every stride of the network.

A picture lies at the top left of its canvas. After layers of stride s its own part of the feature
map is ceil(height / s) × ceil(width / s); the rest is padding, which biases make non-zero. Every
operator that looks at neighbours (3×3 convolution, max-pool) must read zeros there, as it would
beyond the border of the unpadded picture: then neither the canvas nor the other pictures of the
batch can be seen in the answer.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir


def dimension(op: Any, x: ir.Value, axis: int) -> ir.Value:
    """The length of `x` along `axis`, INT64 []."""
    return op.Squeeze(op.Shape(x, start=axis, end=axis + 1), [0])


def positions(op: Any, length: ir.Value) -> ir.Value:
    """0, 1, …, length - 1, FP32 [length]."""
    return op.Cast(op.Range(0, length, 1), to=ir.DataType.FLOAT)


def picture_extent(op: Any, image_size: ir.Value, stride: int) -> ir.Value:
    """Cells of `stride` pixels that each picture reaches into.

    Args:
        image_size: FP32 [N, 2], height and width in pixels.

    Returns:
        FP32 [N, 2], height and width in cells: ceil(image_size / stride).
    """
    return op.Ceil(op.Mul(image_size, 1.0 / stride)) if stride > 1 else image_size


def picture_cells(op: Any, pixels: ir.Value, image_size: ir.Value, stride: int) -> ir.Value:
    """The cells of a feature map that belong to its picture.

    Args:
        pixels: [N, 3, H, W], the canvas.
        image_size: FP32 [N, 2], height and width of each picture in pixels.
        stride: pixels of the canvas for one cell of the feature map.

    Returns:
        BOOL [N, 1, ceil(H / stride), ceil(W / stride)].
    """
    height, width = op.Split(
        picture_extent(op, image_size, stride), axis=1, num_outputs=2, _outputs=2
    )
    rows = op.Less(positions(op, _cells(op, dimension(op, pixels, 2), stride)), height)
    columns = op.Less(positions(op, _cells(op, dimension(op, pixels, 3), stride)), width)
    return op.And(op.Unsqueeze(rows, [1, 3]), op.Unsqueeze(columns, [1, 2]))


def _cells(op: Any, length: ir.Value, stride: int) -> ir.Value:
    return op.Div(op.Add(length, stride - 1), stride)
