"""Which detections differ between two evaluations of the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from client.analysis.matching import MATCH_IOU, NONE, PictureMatch, boxes_of
from client.analysis.overlap import box_ious

APPEARED, VANISHED, CATEGORY, MOVED, SCORE = KINDS = (
    *("appeared", "vanished", "category changed", "box moved", "score changed"),
)
MOVED_IOU = 0.9
"""Below it a box has moved."""
CHANGED_SCORE = 0.05
"""From which on a score has changed."""


@dataclass(frozen=True)
class Pair:
    """A detection of one evaluation and what the other has in its place."""

    picture: int
    """Which of the pictures."""
    before: int
    """The place in `PictureMatch.found`, or `NONE`."""
    after: int
    """As `before`."""
    iou: float
    """Of the boxes; 0 if there is but one."""
    scores: tuple[float, float]
    """Before and after, 0 where there is none."""
    kind: str
    """One of `KINDS`; "" of what is as it was."""

    @property
    def size(self) -> float:
        """How large the change is: between 0 and 1, those of a higher score before others."""
        if self.kind in (CATEGORY, MOVED):
            return max(self.scores) * (1.0 if self.kind == CATEGORY else 1 - self.iou)
        return abs(self.scores[1] - self.scores[0])


@dataclass(frozen=True)
class Changes:
    """Of all pictures, of the detections with a score that counts in one of the two."""

    pairs: Sequence[Pair]

    @property
    def kept(self) -> list[Pair]:
        """In both with the same category."""
        return [pair for pair in self.pairs if pair.kind not in (APPEARED, VANISHED, CATEGORY)]

    @property
    def changed(self) -> list[Pair]:
        """The largest changes first."""
        return sorted((p for p in self.pairs if p.kind), key=lambda p: p.size, reverse=True)

    def of_kind(self, kind: str) -> list[Pair]:
        return [pair for pair in self.pairs if pair.kind == kind]


def changes(
    before: Sequence[PictureMatch], after: Sequence[PictureMatch], least_score: float
) -> Changes:
    """What became of each detection.

    Boxes are paired by their IoU, from `MATCH_IOU` on, the highest first: those of the same
    category before others.

    Args:
        before, after: of the same pictures in the same order.
        least_score: a pair counts if one of its scores is that high.
    """
    pairs = []
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        ious = box_ious(boxes_of(one.found), boxes_of(other.found))
        is_same = one.found_ids[:, None] == other.found_ids
        for place, its_place in _pairs(ious, is_same):
            scores = (_score(one, place), _score(other, its_place))
            if max(scores) < least_score:
                continue
            both = NONE not in (place, its_place)
            iou = float(ious[place, its_place]) if both else 0.0
            if both:
                kind = _kind(bool(is_same[place, its_place]), iou, scores)
            else:
                kind = APPEARED if place == NONE else VANISHED
            pairs.append(Pair(number, place, its_place, iou, scores, kind))
    return Changes(pairs)


def _pairs(ious: np.ndarray, is_same: np.ndarray) -> Iterator[tuple[int, int]]:
    """Places in both, `NONE` in one of them where there is nothing."""
    free, others = (np.full(count, True) for count in ious.shape)
    rows, columns = np.nonzero(ious >= MATCH_IOU)
    for n in np.lexsort((-ious[rows, columns], ~is_same[rows, columns])):
        row, column = int(rows[n]), int(columns[n])
        if free[row] and others[column]:
            free[row] = others[column] = False
            yield row, column
    yield from ((int(row), NONE) for row in np.flatnonzero(free))
    yield from ((NONE, int(column)) for column in np.flatnonzero(others))


def _score(match: PictureMatch, place: int) -> float:
    return 0.0 if place == NONE else float(match.scores[place])


def _kind(is_same: bool, iou: float, scores: tuple[float, float]) -> str:
    if not is_same:
        return CATEGORY
    if iou < MOVED_IOU:
        return MOVED
    return SCORE if abs(scores[1] - scores[0]) >= CHANGED_SCORE else ""
