"""What the parts of the network hand on to each other, beside feature maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from builder.network.feature_map import dimension


@dataclass(frozen=True)
class Proposals:
    """Proposals of a batch, best first; those past a picture's own number are zero boxes."""

    boxes: ir.Value
    """FP32 [N, R, 4], xyxy in pixels of the canvas."""
    exists: ir.Value
    """BOOL [N, R]."""

    def pictures(self, op: Any) -> ir.Value:
        """The picture of each place, one place after the other, INT64 [N · R]."""
        picture = op.Unsqueeze(op.Range(0, dimension(op, self.exists, 0), 1), [1])
        return op.Reshape(op.Expand(picture, op.Shape(self.exists)), [-1])


@dataclass(frozen=True)
class Detections:
    """Detections of a batch, best first; those past a picture's own number are zeros."""

    num_detections: ir.Value
    """INT32 [N, 1]."""
    boxes: ir.Value
    """FP32 [N, D, 4], xyxy in pixels of the canvas."""
    scores: ir.Value
    """FP32 [N, D]."""
    classes: ir.Value
    """INT32 [N, D], contiguous ids."""

    def filled_places(self, op: Any, values: ir.Value) -> ir.Value:
        """`values` [N, D, …] without the places that no picture fills, but with at least one."""
        most = op.ReduceMax(
            op.Max(self.num_detections, op.Cast(1, to=ir.DataType.INT32)), [0], keepdims=0
        )
        return op.Slice(values, [0], op.Cast(most, to=ir.DataType.INT64), [1])
