"""TIDE: how much average precision each kind of error costs (https://arxiv.org/abs/2008.08115).

A wrong detection is of one of five kinds, by how much its box overlaps with objects of its category
and of others; the sixth is an object that nothing points at. What a kind costs, dAP, is how much AP
at an IoU of 0.5 would be higher if that kind alone were mended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.analysis.matching import MATCH_IOU, NONE, PictureMatch

BACKGROUND_IOU = 0.1
"""Below it a box has nothing to do with an object (the paper's t_b)."""

CLS, LOC, BOTH, DUP, BKG, MISS = KINDS = ("Cls", "Loc", "Both", "Dup", "Bkg", "Miss")
"""The paper's names."""

RECALLS = np.linspace(0, 1, 101)
"""At which precision is taken, as COCO does."""


@dataclass(frozen=True)
class PictureErrors:
    """Of the detections and objects of one `PictureMatch`."""

    kinds: npt.NDArray[np.str_]
    """[n], one of `KINDS`; "" of what is correct or ignored."""
    meant: npt.NDArray[np.int64]
    """[n], the place of the object that a detection of `CLS` or `LOC` is of once it is mended;
    `NONE` of others, and of those that would only be the object's second."""
    is_missed: npt.NDArray[np.bool_]
    """[m], of objects that no detection is of, or is meant for."""


@dataclass(frozen=True)
class ErrorCosts:
    """What the errors of a data set cost."""

    ap50: float
    """In percent, as it is."""
    gains: dict[str, float]
    """dAP by kind: percentage points that AP50 would gain without it."""
    counts: dict[str, int]
    """By kind."""


def picture_errors(match: PictureMatch) -> PictureErrors:
    """The kind of each error.

    Where the paper leaves a choice it is as in the authors' program, tidecv: a box that lies badly
    on an object of its own category is `LOC` whatever else it overlaps with; and of several errors
    that would be mended to the same object, only the one with the best score is.
    """
    count = len(match.found)
    kinds, meant = np.full(count, "", dtype="<U4"), np.full(count, NONE)
    is_same = match.found_ids[:, None] == match.object_ids
    same, other = np.where(is_same, match.ious, -1.0), np.where(is_same, -1.0, match.ious)
    is_free = match.found_as == NONE
    for place in np.flatnonzero(match.is_wrong):
        best_same, best_other = (max(ious[place], default=-1.0) for ious in (same, other))
        if BACKGROUND_IOU <= best_same < MATCH_IOU:
            kinds[place], its_object = LOC, same[place].argmax()
        elif best_other >= MATCH_IOU:
            kinds[place], its_object = CLS, other[place].argmax()
        elif best_same >= MATCH_IOU:
            kinds[place] = DUP
        elif best_other < BACKGROUND_IOU:
            kinds[place] = BKG
        else:
            kinds[place] = BOTH
        if kinds[place] in (CLS, LOC) and is_free[its_object]:
            meant[place], is_free[its_object] = its_object, False
    return PictureErrors(kinds, meant, is_missed=is_free)


def error_costs(
    matches: Sequence[PictureMatch], errors: Sequence[PictureErrors], category_ids: Iterable[int]
) -> ErrorCosts:
    """What each kind costs.

    Args:
        matches: of the pictures.
        errors: of each of them.
        category_ids: those that average precision is the mean over; of them those count of which
            there is something to find.
    """
    ids = set(category_ids)
    missed: dict[int, int] = defaultdict(int)
    objects: dict[int, int] = defaultdict(int)
    for match, error in zip(matches, errors, strict=True):
        for category_id, is_missed in zip(match.object_ids.tolist(), error.is_missed, strict=True):
            objects[category_id] += 1
            missed[category_id] += bool(is_missed)
    objects = {key: count for key, count in objects.items() if key in ids}
    as_it_is = _Detections.of(matches, errors, mended="")
    ap50 = as_it_is.average_precision(objects)
    gains, counts = {}, {}
    for kind in KINDS:
        counts[kind] = sum(int(np.count_nonzero(error.kinds == kind)) for error in errors)
        mended = _Detections.of(matches, errors, mended=kind)
        gains[kind] = mended.average_precision(objects) - ap50
    found = {key: count - missed[key] for key, count in objects.items() if count > missed[key]}
    gains[MISS] = as_it_is.average_precision(found) - ap50
    counts[MISS] = sum(missed.values())
    return ErrorCosts(ap50, gains, counts)


@dataclass(frozen=True)
class _Detections:
    """Of all pictures."""

    scores: npt.NDArray[np.float64]
    category_ids: npt.NDArray[np.int64]
    is_correct: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls, matches: Sequence[PictureMatch], errors: Sequence[PictureErrors], mended: str
    ) -> _Detections:
        """Without the errors of one kind: put right where that can be, or else left out."""
        scores, ids, correct = [], [], []
        for match, error in zip(matches, errors, strict=True):
            is_of_kind = match.is_wrong & (error.kinds == mended)
            is_kept = ~match.is_ignored & ~is_of_kind
            is_mended = is_of_kind & (error.meant != NONE)
            its_ids = match.found_ids.copy()
            its_ids[is_mended] = match.object_ids[error.meant[is_mended]]
            is_kept |= is_mended
            scores.append(match.scores[is_kept])
            ids.append(its_ids[is_kept])
            correct.append((match.is_correct | is_mended)[is_kept])
        return cls(_joined(scores), _joined(ids), _joined(correct).astype(bool))

    def average_precision(self, objects: dict[int, int]) -> float:
        """In percent, the mean over the categories.

        Args:
            objects: how many there are, by the categories' ids.
        """
        each = []
        for category_id, count in objects.items():
            is_of_it = self.category_ids == category_id
            order = np.argsort(-self.scores[is_of_it], kind="stable")
            correct = np.cumsum(self.is_correct[is_of_it][order])
            precision = correct / np.arange(1, len(correct) + 1)
            precision = np.maximum.accumulate(precision[::-1])[::-1]
            places = np.searchsorted(correct / count, RECALLS, side="left")
            each.append(np.append(precision, 0.0)[places].mean())
        return 100 * float(np.mean(each)) if each else 0.0


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)
