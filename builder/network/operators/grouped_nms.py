"""NMS within each of some groups of one size, such as the proposals of each feature map.

ONNX's own NonMaxSuppression stops as soon as it has enough, but takes one group after the other,
half a millisecond for each of 1000 boxes on an H100. `nms` works on all groups at once, but on all
pairs of their boxes, which is much for a CPU and for a large group. What NonMaxSuppression finds
has a size that depends on the boxes; TensorRT-RTX takes neither that nor the operator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from builder.network.feature_map import dimension
from builder.network.operators.batched_nms import Chosen
from builder.network.operators.nms import nms
from builder.network.operators.top_k import NO_SCORE, is_score

FEW_GROUPS = 8
"""So many are taken one by one: the initializer `few_groups`, for which a runtime may have another
value."""

LARGE_GROUP = 2000
"""Groups of more boxes are always taken one by one."""


def grouped_nms(
    op: Any,
    scores: ir.Value,
    boxes: ir.Value,
    *,
    size: int,
    places: int,
    iou_threshold: float,
    dtype: ir.DataType,
) -> Chosen:
    """The best boxes that greedy NMS within each group keeps.

    Args:
        scores: FP32 [N, groups · size], one group after the other; `NO_SCORE` for no box.
        boxes: FP32 [N, groups · size, 4], xyxy.
        size: boxes of a group, best first.
        places: most boxes of a picture.
        iou_threshold: a box is suppressed by a better kept one when their IoU is greater.
        dtype: type of the matrix products in NMS.
    """
    of_groups = op.Reshape(scores, [-1, size]), op.Reshape(boxes, [-1, size, 4])

    def one_by_one(op: Any) -> ir.Value:
        op.builder.push_module("one_by_one")  # Names in a subgraph must differ from those outside.
        return _one_by_one(op, *of_groups, places, iou_threshold)

    def all_at_once(op: Any) -> ir.Value:
        op.builder.push_module("all_at_once")
        scores, boxes = of_groups
        keep = nms(op, boxes, is_score(op, scores), size, iou_threshold, dtype)
        return op.Where(keep, scores, NO_SCORE)

    if size > LARGE_GROUP:
        kept = one_by_one(op)
    else:
        few_groups = op.initializer(ir.tensor(np.int64(FEW_GROUPS), name="few_groups"))
        few = op.LessOrEqual(dimension(op, of_groups[0], 0), few_groups)
        then_branch, else_branch = (
            op.builder.subgraph(
                branch,
                inputs=[],
                outputs=[ir.val("kept", ir.DataType.FLOAT, of_groups[0].shape)],
                name=branch.__name__,
            )
            for branch in (one_by_one, all_at_once)
        )
        kept = op.If(few, then_branch=then_branch, else_branch=else_branch)
    return Chosen(op.Reshape(kept, op.Shape(scores)), boxes).best(op, places)


def _one_by_one(
    op: Any, scores: ir.Value, boxes: ir.Value, places: int, iou_threshold: float
) -> ir.Value:
    """Scores FP32 [groups, K], with `NO_SCORE` for boxes [groups, K, 4] that are not kept."""
    found = op.NonMaxSuppression(
        boxes, op.Unsqueeze(scores, [1]), [places], [iou_threshold], [NO_SCORE / 2]
    )
    group_and_box = op.Gather(found, [0, 2], axis=1)  # Between them the class, of which each has 1.
    nothing = op.Expand(NO_SCORE, op.Shape(scores))
    return op.ScatterND(nothing, group_and_box, op.GatherND(scores, group_and_box))
