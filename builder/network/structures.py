"""What the parts of the network hand on to each other, beside feature maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from builder.network.feature_map import dimension
from builder.network.runtime_choice import runtime_choice

ALL_PLACES = False
"""Whether places that no picture fills are worked on too: the initializer `all_places`, for which a
runtime may have another value."""


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

    def filled_boxes(self, op: Any) -> ir.Value:
        """`boxes` without the places that no picture fills, but with at least one; see
        `ALL_PLACES`."""

        def every(op: Any) -> list[ir.Value]:
            return [op.Identity(self.boxes)]

        def filled(op: Any) -> list[ir.Value]:
            least = op.Max(self.num_detections, op.Cast(1, to=ir.DataType.INT32))
            most = op.ReduceMax(least, [0], keepdims=0)
            return [op.Slice(self.boxes, [0], op.Cast(most, to=ir.DataType.INT64), [1])]

        outputs = [(ir.DataType.FLOAT, ["N", None, 4])]
        [boxes] = runtime_choice(op, "all_places", ALL_PLACES, every, filled, outputs)
        return boxes
