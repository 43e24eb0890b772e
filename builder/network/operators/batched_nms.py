"""The best boxes that do not overlap one of their own category: torchvision's `batched_nms`.

Categories are the classes of detections, or the feature maps that proposals come from. Of many
candidates (a thousand RoIs of a thousand classes are a million) a hundred or a thousand are asked
for, and worse candidates cannot suppress better ones. So candidates are looked at in rounds, the
best that are left first, until there are enough. The answer is that of NMS over all candidates, on
every input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import onnx_ir as ir

from builder.network.operators.nms import nms, rival_pairs
from builder.network.operators.top_k import NO_SCORE, gather_rows, is_score, top_k

LEAST_ROUND = 384
"""Candidates that are looked at together, at least."""


@dataclass(frozen=True)
class Candidates:
    """Boxes of a batch that may be chosen."""

    boxes: ir.Value
    """FP32 [N, K, 4], xyxy."""
    categories: ir.Value | None
    """INT64 [N, K]; boxes suppress only boxes of their own. None: all are of one."""
    usable: ir.Value | None = None
    """BOOL [N, K]; others are passed over. None: all of them."""


@dataclass(frozen=True)
class Chosen:
    """Boxes of a batch, those of `best` best first; a place without one has `NO_SCORE` and there a
    zero box."""

    scores: ir.Value
    """FP32 [N, K]."""
    boxes: ir.Value
    """FP32 [N, K, 4], xyxy."""
    categories: ir.Value | None = None
    """INT64 [N, K]; None where the candidates have none."""

    def best(self, op: Any, places: int) -> Chosen:
        """The best of them, whatever their order."""
        scores, place = top_k(op, self.scores, places)
        filled = op.Unsqueeze(is_score(op, scores), [2])
        boxes = op.Where(filled, gather_rows(op, self.boxes, place), 0.0)
        categories = self.categories
        if categories is not None:
            categories = gather_rows(op, categories, place)
        return Chosen(scores, boxes, categories)

    def values(self) -> list[ir.Value]:
        """Scores, boxes and, if there are some, categories."""
        found = [self.scores, self.boxes]
        return found if self.categories is None else [*found, self.categories]


def batched_nms(
    op: Any,
    scores: ir.Value,
    candidates_at: Callable[[Any, ir.Value], Candidates],
    *,
    count: int,
    places: int,
    iou_threshold: float,
    dtype: ir.DataType,
) -> Chosen:
    """The best `places` candidates that greedy NMS within each category keeps.

    Args:
        scores: FP32 [N, count], of candidates; `NO_SCORE` for none.
        candidates_at: makes of op and indices INT64 [N, K] into the candidates what else is to be
            known of them.
        count: candidates of a picture.
        places: most boxes of a picture.
        iou_threshold: a box is suppressed by a better kept one when their IoU is greater.
        dtype: type of the matrix products in NMS.
    """
    together = min(count, max(LEAST_ROUND, places))

    def one_round(op: Any, remaining: ir.Value, before: Chosen | None) -> tuple[_Best, Chosen]:
        """The best that remain, and what is chosen of them and before them."""
        best = _Best(*top_k(op, remaining, together))
        scores, indices = best
        found = candidates_at(op, indices)
        categories = found.categories
        valid = is_score(op, scores)
        if found.usable is not None:
            valid = op.And(valid, found.usable)
        boxes = op.Where(op.Unsqueeze(valid, [2]), found.boxes, 0.0)
        if before is not None:
            unsuppressed = _unsuppressed(op, boxes, categories, before, iou_threshold)
            valid = op.And(valid, unsuppressed)
        keep = nms(op, boxes, valid, together, iou_threshold, dtype, categories)
        chosen = Chosen(op.Where(keep, scores, NO_SCORE), boxes, categories)
        if before is not None:
            pairs = zip(before.values(), chosen.values(), strict=True)
            chosen = Chosen(*(op.Concat(old, new, axis=1) for old, new in pairs))
        return best, chosen.best(op, places)

    best, chosen = one_round(op, scores, None)
    if count > together:
        most = -(-count // together) - 1
        chosen = _further_rounds(op, one_round, scores, best, chosen, most)
    return chosen


def _unsuppressed(
    op: Any,
    boxes: ir.Value,
    categories: ir.Value | None,
    chosen: Chosen,
    iou_threshold: float,
) -> ir.Value:
    """Which boxes none of the chosen ones suppresses, BOOL [N, K]."""
    rivals = rival_pairs(op, boxes, chosen.boxes, iou_threshold, categories, chosen.categories)
    rivals = op.Cast(rivals, to=ir.DataType.FLOAT)
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
        op: Any, _round: ir.Value, _going_on: ir.Value, remaining: ir.Value, *before: ir.Value
    ) -> tuple[ir.Value, ...]:
        op.builder.push_module("round")  # Names in a subgraph must differ from those outside.
        best, chosen = one_round(op, remaining, Chosen(*before))
        remaining = best.taken_from(op, remaining)
        return _goes_on(op, best, chosen), remaining, *chosen.values()

    float_, integer, boolean = ir.DataType.FLOAT, ir.DataType.INT64, ir.DataType.BOOL
    state = [best.taken_from(op, scores), *chosen.values()]
    kinds = [float_, float_, float_, integer][: len(state)]
    shapes = [value.shape for value in state]
    graph = op.builder.subgraph(
        body,
        inputs=[
            ir.val("round", integer, []),
            ir.val("going_on", boolean, []),
            *(ir.val(f"before_{n}", *of) for n, of in enumerate(zip(kinds, shapes, strict=True))),
        ],
        outputs=[
            ir.val("goes_on", boolean, []),
            *(ir.val(f"after_{n}", *of) for n, of in enumerate(zip(kinds, shapes, strict=True))),
        ],
        name="batched_nms_round",
    )
    begins = _goes_on(op, best, chosen)
    _, *found = op.Loop(most, begins, *state, body=graph, _outputs=len(state))
    return Chosen(*found)
