"""Anchors: detectron2's `DefaultAnchorGenerator`, made only for the cells that are asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from builder.config import ModelConfig
from builder.network.backbone import RES4_STRIDE
from builder.network.padding import dimension


def cell_anchors(config: ModelConfig) -> npt.NDArray[np.float32]:
    """Anchors of one cell about its corner, FP32 [A, 4] xyxy in pixels, size-major, then ratio h/w.

    Source: detectron2 `DefaultAnchorGenerator.generate_cell_anchors`.
    """
    anchors = []
    for size in config.anchor_sizes:
        for ratio in config.anchor_aspect_ratios:
            width = math.sqrt(size**2.0 / ratio)
            height = ratio * width
            anchors.append([-width / 2, -height / 2, width / 2, height / 2])
    return np.asarray(anchors, np.float32)


def anchors_at(op: Any, indices: ir.Value, features: ir.Value, config: ModelConfig) -> ir.Value:
    """The anchors of flat indices in the order (H, W, A).

    Args:
        indices: INT64 [N, K].
        features: [N, C, H, W], res4, whose grid the anchors stand on.

    Returns:
        FP32 [N, K, 4], xyxy in pixels of the canvas.
    """
    per_cell = cell_anchors(config)
    cells = op.initializer(ir.tensor(per_cell, name="cell_anchors"))
    columns = dimension(op, features, 3)
    cell = op.Div(indices, len(per_cell))
    shape = op.Gather(cells, op.Mod(indices, len(per_cell)), axis=0)
    x = _grid(op, op.Mod(cell, columns), config)
    y = _grid(op, op.Div(cell, columns), config)
    return op.Add(shape, op.Concat(x, y, x, y, axis=2))


def _grid(op: Any, index: ir.Value, config: ModelConfig) -> ir.Value:
    steps = op.Add(op.Cast(index, to=ir.DataType.FLOAT), config.anchor_offset)
    return op.Unsqueeze(op.Mul(steps, float(RES4_STRIDE)), [2])
