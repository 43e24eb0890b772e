"""The best detections over all classes, where only boxes of the same class suppress each other.

A thousand RoIs of a thousand classes are a million candidates, of which a hundred or three are
asked for. Worse candidates cannot suppress better ones, so they are looked at in rounds, the best
that are left first, until there are enough: on most pictures in one round. The answer is that of
NMS over all candidates, on every input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import onnx_ir as ir

from builder.network.operators.nms import nms, pairwise_iou
from builder.network.operators.top_k import NO_SCORE, gather_rows, is_score, top_k

ROUND = 2048
"""Candidates that are looked at together."""


@dataclass(frozen=True)
class Chosen:
    """Boxes of a batch, best first; a place that is not filled has `NO_SCORE` and a zero box."""

    scores: ir.Value
    """FP32 [N, K]."""
    boxes: ir.Value
    """FP32 [N, K, 4], xyxy."""
    classes: ir.Value
    """INT64 [N, K]."""


def multiclass_nms(
    op: Any,
    scores: ir.Value,
    boxes_of: Callable[[Any, ir.Value], tuple[ir.Value, ir.Value]],
    *,
    candidates: int,
    num_classes: int,
    places: int,
    iou_threshold: float,
    dtype: ir.DataType,
) -> Chosen:
    """The best `places` candidates that greedy NMS within each class keeps.

    Args:
        scores: FP32 [N, M], of candidates; `NO_SCORE` for none. Candidate m is of the class
            m mod num_classes.
        boxes_of: makes of op and indices INT64 [N, K] into the candidates their boxes FP32
            [N, K, 4], xyxy, and whether they can be used, BOOL [N, K].
        candidates: M.
        num_classes: as said.
        places: most boxes of a picture.
        iou_threshold: a box is suppressed by a better kept one when their IoU is greater.
        dtype: type of the matrix products in NMS.
    """
    count = min(candidates, ROUND)

    def one_round(op: Any, remaining: ir.Value, before: Chosen | None) -> tuple[_Best, Chosen]:
        """The best that remain, and what is chosen of them and before them."""
        best = _Best(*top_k(op, remaining, count))
        scores, indices = best
        boxes, usable = boxes_of(op, indices)
        classes = op.Mod(indices, num_classes)
        valid = op.And(is_score(op, scores), usable)
        boxes = op.Where(op.Unsqueeze(valid, [2]), boxes, 0.0)
        if before is not None:
            valid = op.And(valid, _unsuppressed(op, boxes, classes, before, iou_threshold))
        keep = nms(op, boxes, valid, count, iou_threshold, dtype, classes)
        scores = op.Where(keep, scores, NO_SCORE)
        if before is not None:
            scores, boxes, classes = (
                op.Concat(old, new, axis=1)
                for old, new in (
                    (before.scores, scores),
                    (before.boxes, boxes),
                    (before.classes, classes),
                )
            )
        scores, place = top_k(op, scores, places)
        filled = op.Unsqueeze(is_score(op, scores), [2])
        boxes = op.Where(filled, gather_rows(op, boxes, place), 0.0)
        return best, Chosen(scores, boxes, gather_rows(op, classes, place))

    best, chosen = one_round(op, scores, None)
    if candidates > ROUND:
        most = -(-candidates // ROUND) - 1
        chosen = _further_rounds(op, one_round, scores, best, chosen, most)
    return chosen


def _unsuppressed(
    op: Any, boxes: ir.Value, classes: ir.Value, chosen: Chosen, iou_threshold: float
) -> ir.Value:
    """Which boxes none of the chosen ones suppresses, BOOL [N, K]."""
    overlaps = op.Greater(pairwise_iou(op, boxes, chosen.boxes), iou_threshold)
    same = op.Equal(op.Unsqueeze(classes, [2]), op.Unsqueeze(chosen.classes, [1]))
    rivals = op.Cast(op.And(overlaps, same), to=ir.DataType.FLOAT)
    return op.Less(op.ReduceMax(rivals, [2], keepdims=0), 0.5)


class _Best(NamedTuple):
    """What a round looks at."""

    scores: ir.Value
    """FP32 [N, K], best first."""
    indices: ir.Value
    """INT64 [N, K]."""

    def taken_from(self, op: Any, remaining: ir.Value) -> ir.Value:
        """`remaining` FP32 [N, M] without them."""
        none = op.Expand(NO_SCORE, op.Shape(self.indices))
        return op.ScatterElements(remaining, self.indices, none, axis=1)


def _goes_on(op: Any, best: _Best, chosen: Chosen) -> ir.Value:
    """Whether some picture has a place left, and maybe candidates for it: BOOL [].

    Where the last of a round was a candidate, others may have been behind it.
    """
    lacks = op.Not(is_score(op, op.ReduceMin(chosen.scores, [1], keepdims=0)))
    left = is_score(op, op.Squeeze(op.Slice(best.scores, [-1], [2**31], [1]), [1]))
    both = op.Cast(op.And(lacks, left), to=ir.DataType.FLOAT)
    return op.Greater(op.ReduceMax(both, keepdims=0), 0.5)


def _further_rounds(
    op: Any,
    one_round: Callable[[Any, ir.Value, Chosen | None], tuple[_Best, Chosen]],
    scores: ir.Value,
    best: _Best,
    chosen: Chosen,
    most: int,
) -> Chosen:
    """Rounds until each picture has as many boxes as there are places, or no candidate is left."""

    def body(
        op: Any, _round: ir.Value, _going_on: ir.Value, remaining: ir.Value, *values: ir.Value
    ) -> tuple[ir.Value, ...]:
        op.builder.push_module("round")  # Names in a subgraph must differ from those outside.
        best, chosen = one_round(op, remaining, Chosen(*values))
        remaining = best.taken_from(op, remaining)
        goes_on = _goes_on(op, best, chosen)
        return goes_on, remaining, chosen.scores, chosen.boxes, chosen.classes

    float_, integer, boolean = ir.DataType.FLOAT, ir.DataType.INT64, ir.DataType.BOOL
    state = [
        (best.taken_from(op, scores), float_),
        (chosen.scores, float_),
        (chosen.boxes, float_),
        (chosen.classes, integer),
    ]
    graph = op.builder.subgraph(
        body,
        inputs=[
            ir.val("round", integer, []),
            ir.val("going_on", boolean, []),
            *(ir.val(f"before_{n}", kind, value.shape) for n, (value, kind) in enumerate(state)),
        ],
        outputs=[
            ir.val("goes_on", boolean, []),
            *(ir.val(f"after_{n}", kind, value.shape) for n, (value, kind) in enumerate(state)),
        ],
        name="multiclass_nms_round",
    )
    begins = _goes_on(op, best, chosen)
    _, *found = op.Loop(most, begins, *(value for value, _ in state), body=graph, _outputs=4)
    return Chosen(*found)
