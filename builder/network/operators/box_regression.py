"""Box deltas to boxes: detectron2's `Box2BoxTransform.apply_deltas`, and clipping. Always fp32."""

from __future__ import annotations

import math
from typing import Any

import onnx_ir as ir

SCALE_CLAMP = math.log(1000.0 / 16)
"""Upper limit of dw and dh, detectron2's `_DEFAULT_SCALE_CLAMP`."""


def apply_deltas(
    op: Any, deltas: ir.Value, boxes: ir.Value, weights: tuple[float, float, float, float]
) -> ir.Value:
    """Moves and scales boxes.

    Args:
        deltas: FP32 [N, K, 4], dx, dy, dw, dh, each multiplied by its weight.
        boxes: FP32 [N, K, 4], xyxy in pixels: anchors or proposals.
        weights: BBOX_REG_WEIGHTS.

    Returns:
        FP32 [N, K, 4], xyxy in pixels.
    """
    dx, dy, dw, dh = (
        op.Div(delta, weight) if weight != 1.0 else delta
        for delta, weight in zip(
            op.Split(deltas, axis=2, num_outputs=4, _outputs=4), weights, strict=True
        )
    )
    x1, y1, x2, y2 = op.Split(boxes, axis=2, num_outputs=4, _outputs=4)

    def along_axis(start: ir.Value, end: ir.Value, shift: ir.Value, scale: ir.Value) -> Any:
        length = op.Sub(end, start)
        center = op.Add(op.Mul(shift, length), op.Add(start, op.Mul(length, 0.5)))
        half = op.Mul(op.Mul(op.Exp(op.Min(scale, SCALE_CLAMP)), length), 0.5)
        return op.Sub(center, half), op.Add(center, half)

    left, right = along_axis(x1, x2, dx, dw)
    top, bottom = along_axis(y1, y2, dy, dh)
    return op.Concat(left, top, right, bottom, axis=2)


def clip_boxes(op: Any, boxes: ir.Value, image_size: ir.Value) -> ir.Value:
    """Boxes FP32 [N, K, 4] xyxy cut to their pictures of `image_size` FP32 [N, 2] (h, w) pixels."""
    height, width = op.Split(op.Unsqueeze(image_size, [1]), axis=2, num_outputs=2, _outputs=2)
    limits = op.Concat(width, height, width, height, axis=2)
    return op.Max(op.Min(boxes, limits), 0.0)


def finite_boxes(op: Any, boxes: ir.Value) -> ir.Value:
    """Which boxes FP32 [N, K, 4] have no NaN and no infinity, BOOL [N, K]."""
    finite = op.Cast(op.Less(op.Abs(boxes), 3e38), to=ir.DataType.FLOAT)
    return op.Greater(op.ReduceMin(finite, [2], keepdims=0), 0.5)
