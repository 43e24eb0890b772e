"""What the parts of the network hand on to each other, beside feature maps."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir


@dataclass(frozen=True)
class Proposals:
    """Proposals of a batch, best first; those past a picture's own number are zero boxes."""

    boxes: ir.Value
    """FP32 [N, R, 4], xyxy in pixels of the canvas."""
    exists: ir.Value
    """BOOL [N, R]."""


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
