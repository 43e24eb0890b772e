"""NMS within each of some groups of one size, such as the proposals of each feature map.

ONNX's own NonMaxSuppression stops as soon as it has enough, but takes one group after the other,
half a millisecond for each of 1000 boxes on an H100. `nms` works on all groups at once, but on all
pairs of their boxes, which is much for a CPU; of large groups `batched_nms` takes a part at a time.
What NonMaxSuppression finds has a size that depends on the boxes; TensorRT-RTX takes neither that
nor the operator.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from builder.network.operators.batched_nms import Candidates, Chosen, batched_nms
from builder.network.operators.nms import nms
from builder.network.operators.top_k import NO_SCORE, gather_rows, is_score
from builder.network.runtime_choice import Outputs, runtime_choice

ONE_BY_ONE = True
"""Whether groups are taken one after the other: the initializer `one_by_one`, for which a runtime
may have another value. On a CPU it is faster for any number of them."""

LARGE_GROUP = 2000
"""Boxes; of a larger group not all pairs are looked at."""


def grouped_nms(
    op: Any,
    scores: ir.Value,
    boxes: ir.Value,
    *,
    groups: int,
    size: int,
    places: int,
    iou_threshold: float,
    dtype: ir.DataType,
    static: bool,
) -> Chosen:
    """The best boxes that greedy NMS within each group keeps.

    Args:
        scores: FP32 [N, groups · size], one group after the other; `NO_SCORE` for no box.
        boxes: FP32 [N, groups · size, 4], xyxy.
        groups: of a picture.
        size: boxes of a group, best first.
        places: most boxes of a picture.
        iou_threshold: a box is suppressed by a better kept one when their IoU is greater.
        dtype: type of the matrix products in NMS.
        static: in no operator whose answer has a size that depends on the boxes.
    """

    def in_rounds(op: Any) -> Chosen:
        def candidates_at(op: Any, indices: ir.Value) -> Candidates:
            group = op.Div(indices, size) if groups > 1 else None
            return Candidates(gather_rows(op, boxes, indices), group)

        return batched_nms(
            op,
            scores,
            candidates_at,
            count=groups * size,
            places=places,
            iou_threshold=iou_threshold,
            dtype=dtype,
        )

    if static:
        return in_rounds(op)

    of_groups = op.Reshape(scores, [-1, size]), op.Reshape(boxes, [-1, size, 4])

    def one_by_one(op: Any) -> tuple[ir.Value, ...]:
        return best(op, _one_by_one(op, *of_groups, places, iou_threshold))

    def together(op: Any) -> tuple[ir.Value, ...]:
        if size > LARGE_GROUP:
            chosen = in_rounds(op)
            return chosen.scores, chosen.boxes
        of_group, boxes_of_group = of_groups
        keep = nms(op, boxes_of_group, is_score(op, of_group), size, iou_threshold, dtype)
        return best(op, op.Where(keep, of_group, NO_SCORE))

    def best(op: Any, kept: ir.Value) -> tuple[ir.Value, ...]:
        chosen = Chosen(op.Reshape(kept, op.Shape(scores)), boxes).best(op, places)
        return chosen.scores, chosen.boxes

    outputs: Outputs = [(ir.DataType.FLOAT, ["N", places]), (ir.DataType.FLOAT, ["N", places, 4])]
    return Chosen(*runtime_choice(op, "one_by_one", ONE_BY_ONE, one_by_one, together, outputs))


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
