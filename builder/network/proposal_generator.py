"""The region proposal network: detectron2's `RPN` with `StandardRPNHead` and its NMS."""

from __future__ import annotations

from typing import Any, NamedTuple

import onnx_ir as ir
from onnxscript.nn import Module

from builder.config import ModelConfig
from builder.network.anchors import anchors_at, cell_anchors
from builder.network.box_regression import apply_deltas, clip_boxes, finite_boxes
from builder.network.layers import Conv2d
from builder.network.nms import nms
from builder.network.top_k import (
    NO_SCORE,
    finite_or_no_score,
    first_k,
    gather_rows,
    is_score,
    top_k,
)


class Proposals(NamedTuple):
    """Proposals of a batch, best first; those past a picture's own number are zero boxes."""

    boxes: ir.Value
    """FP32 [N, R, 4], xyxy in pixels of the canvas."""
    logits: ir.Value
    """FP32 [N, R], objectness; `NO_SCORE` past the picture's own number."""
    exists: ir.Value
    """BOOL [N, R]."""


class StandardRPNHead(Module):
    """3×3 convolution, then objectness and box deltas for every anchor."""

    def __init__(self, channels: int, anchors: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.dtype = dtype
        self.conv = Conv2d(channels, channels, 3, dtype, padding=1)
        self.objectness_logits = Conv2d(channels, anchors, 1, dtype)
        self.anchor_deltas = Conv2d(channels, 4 * anchors, 1, dtype)

    def forward(self, op: Any, features: ir.Value, cells: ir.Value) -> tuple[ir.Value, ir.Value]:
        """res4 [N, C, H, W] → logits [N, A, H, W] and deltas [N, 4A, H, W]."""
        valid = op.Cast(cells, to=self.dtype)
        hidden = op.Relu(self.conv(op, op.Mul(features, valid)))
        return self.objectness_logits(op, hidden), self.anchor_deltas(op, hidden)


class RPN(Module):
    """Scores all anchors and keeps the best that do not overlap."""

    def __init__(self, config: ModelConfig, channels: int, dtype: ir.DataType) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype
        self.rpn_head = StandardRPNHead(channels, len(cell_anchors(config)), dtype)

    def forward(
        self, op: Any, features: ir.Value, cells: ir.Value, image_size: ir.Value
    ) -> Proposals:
        """Proposals from res4.

        Args:
            features: [N, C, H, W].
            cells: BOOL [N, 1, H, W], the cells that belong to the picture.
            image_size: FP32 [N, 2], height and width in pixels.
        """
        config = self.config
        logits, deltas = self.rpn_head(op, features, cells)
        logits = finite_or_no_score(op, op.Cast(logits, to=ir.DataType.FLOAT))
        logits = op.Where(cells, logits, NO_SCORE)
        logits = op.Flatten(op.Transpose(logits, perm=[0, 2, 3, 1]), axis=1)
        scores, anchors = top_k(op, logits, config.rpn_pre_nms_topk)

        deltas = op.Reshape(
            op.Transpose(deltas, perm=[0, 2, 3, 1]), op.Concat(op.Shape(logits), [4], axis=0)
        )
        deltas = op.Cast(gather_rows(op, deltas, anchors), to=ir.DataType.FLOAT)
        boxes = apply_deltas(
            op, deltas, anchors_at(op, anchors, features, config), config.rpn_bbox_reg_weights
        )
        finite = finite_boxes(op, boxes)
        boxes = clip_boxes(op, boxes, image_size)
        valid = op.And(op.And(is_score(op, scores), finite), _nonempty(op, boxes))
        boxes = op.Where(op.Unsqueeze(valid, [2]), boxes, 0.0)

        count = config.rpn_pre_nms_topk
        keep = nms(op, boxes, valid, count, config.rpn_nms_thresh, self.dtype)
        kept, exists = first_k(op, keep, min(config.rpn_post_nms_topk, count))
        return Proposals(
            boxes=op.Where(op.Unsqueeze(exists, [2]), gather_rows(op, boxes, kept), 0.0),
            logits=op.Where(exists, gather_rows(op, scores, kept), NO_SCORE),
            exists=exists,
        )


def _nonempty(op: Any, boxes: ir.Value) -> ir.Value:
    x1, y1, x2, y2 = op.Split(boxes, axis=2, num_outputs=4, _outputs=4)
    return op.Squeeze(op.And(op.Greater(x2, x1), op.Greater(y2, y1)), [2])
