"""Non-maximum suppression as a fixed point of matrix products.

With boxes sorted by score, let M[i, j] = 1 where box j precedes box i and overlaps it by more than
the threshold. Greedy NMS keeps box i exactly when no *kept* box j has M[i, j] = 1, that is, its
answer is the one fixed point of keep ← valid · (M · keep = 0). Starting from keep = valid, round r
settles every box whose longest chain of suppressions is shorter than r (Cluster-NMS, Zheng et al.
2020, arXiv:2005.03572): some 20 rounds on 6000 real proposals.

The rounds run in a `Loop` that ends when nothing changes, rather than a fixed number of times: it
is exact on every input, however long its chains, and does no round that the picture does not need.
Shapes are static, so there is no plugin and no data-dependent shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

STEPS = 4
"""Rounds of the fixed point between two looks at whether it is reached."""


def nms(
    op: Any,
    boxes: ir.Value,
    valid: ir.Value,
    count: int,
    iou_threshold: float,
    dtype: ir.DataType,
    classes: ir.Value | None = None,
) -> ir.Value:
    """Greedy NMS of boxes that are sorted by descending score.

    Args:
        boxes: FP32 [N, K, 4], xyxy.
        valid: BOOL [N, K]; a box that is not valid is neither kept nor suppresses another.
        count: K.
        iou_threshold: a box is suppressed by a better kept one when their IoU is greater.
        dtype: type of the matrix product; 0 and 1 are exact in all of them.
        classes: INT64 [N, K]; boxes suppress only boxes of their own class. None: all of them.

    Returns:
        BOOL [N, K], the boxes that are kept.
    """
    suppresses = suppression_matrix(op, boxes, count, iou_threshold, dtype, classes)
    candidates = op.Unsqueeze(op.Cast(valid, to=dtype), [2])

    def one_round(
        op: Any, _round: ir.Value, _changing: ir.Value, keep: ir.Value
    ) -> tuple[ir.Value, ir.Value]:
        op.builder.push_module("nms_round")  # Names in a subgraph must differ from those outside.
        for _ in range(STEPS):
            before = keep
            unsuppressed = op.Cast(op.Less(op.MatMul(suppresses, keep), 0.5), to=dtype)
            keep = op.Mul(unsuppressed, candidates)
        changes = op.ReduceMax(op.Abs(op.Sub(keep, before)), keepdims=0)
        return op.Greater(changes, 0.5), keep

    body = op.builder.subgraph(
        one_round,
        inputs=[
            ir.val("round", ir.DataType.INT64, []),
            ir.val("changing", ir.DataType.BOOL, []),
            ir.val("keep", dtype, candidates.shape),
        ],
        outputs=[
            ir.val("still_changing", ir.DataType.BOOL, []),
            ir.val("kept", dtype, candidates.shape),
        ],
        name="nms_round",
    )
    # Round r settles box r at the latest, and one more finds that nothing changes.
    keep = op.Loop(count + 1, op.Cast(1, to=ir.DataType.BOOL), candidates, body=body)
    return op.Greater(op.Squeeze(keep, [2]), 0.5)


def suppression_matrix(
    op: Any,
    boxes: ir.Value,
    count: int,
    iou_threshold: float,
    dtype: ir.DataType,
    classes: ir.Value | None = None,
) -> ir.Value:
    """M of the module's docstring, [N, K, K] of `dtype`; the arguments are those of `nms`."""
    rivals = rival_pairs(op, boxes, boxes, iou_threshold, classes, classes)
    rank = op.initializer(ir.tensor(np.arange(count, dtype=np.float32), name="rank"))
    return op.Cast(op.And(rivals, op.Less(rank, op.Unsqueeze(rank, [1]))), to=dtype)


def rival_pairs(
    op: Any,
    boxes: ir.Value,
    others: ir.Value,
    iou_threshold: float,
    classes: ir.Value | None = None,
    other_classes: ir.Value | None = None,
) -> ir.Value:
    """Which boxes cannot both be kept: of one class, and overlapping by more than the threshold.

    Args:
        boxes, others: FP32 [N, K, 4] and [N, L, 4], xyxy.
        iou_threshold: as for `nms`.
        classes, other_classes: INT64 [N, K] and [N, L]; None: all are of one.

    Returns:
        BOOL [N, K, L].
    """
    overlaps = op.Greater(pairwise_iou(op, boxes, others), iou_threshold)
    if classes is None:
        return overlaps
    same = op.Equal(op.Unsqueeze(classes, [2]), op.Unsqueeze(other_classes, [1]))
    return op.And(overlaps, same)


def pairwise_iou(op: Any, boxes: ir.Value, others: ir.Value) -> ir.Value:
    """Intersection over union, FP32 [N, K, 4] and [N, L, 4], xyxy → FP32 [N, K, L].

    The order of operations is torchvision's, so that a pair at the very threshold falls the same
    way. Boxes that do not meet give 0 or less; two empty boxes give NaN, greater than no threshold.
    """
    x1, y1, x2, y2 = op.Split(boxes, axis=2, num_outputs=4, _outputs=4)
    area = op.Mul(op.Sub(x2, x1), op.Sub(y2, y1))
    other_x1, other_y1, other_x2, other_y2 = (
        op.Reshape(side, [0, 1, -1]) for side in op.Split(others, axis=2, num_outputs=4, _outputs=4)
    )
    other_area = op.Mul(op.Sub(other_x2, other_x1), op.Sub(other_y2, other_y1))

    width = op.Sub(op.Min(x2, other_x2), op.Max(x1, other_x1))
    height = op.Sub(op.Min(y2, other_y2), op.Max(y1, other_y1))
    # One side at 0 keeps two negative ones from making a positive area; both need no clamp.
    intersection = op.Mul(op.Relu(width), height)
    union = op.Sub(op.Add(area, other_area), intersection)
    return op.Div(intersection, union)
