"""Which categories are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from client.analysis.matching import MATCH_IOU, NONE, PictureMatch

NOTHING = -1
"""In place of a category's id: an object that was missed, or a detection where there is none."""


@dataclass(frozen=True)
class Confusion:
    """How often objects of one category were found as another."""

    counts: Counter[tuple[int, int]]
    """By the annotated category's id, or `NOTHING`, and the detected one's, or `NOTHING`."""

    @property
    def mistakes(self) -> Counter[int]:
        """By a category's id its objects found as another one's, and others' found as its."""
        counts: Counter[int] = Counter()
        for (truth, found), count in self.counts.items():
            if NOTHING not in (truth, found) and truth != found:
                counts[truth] += count
                counts[found] += count
        return counts


def confusion(matches: Sequence[PictureMatch], least_score: float) -> Confusion:
    """Of the detections with a score of `least_score` or more.

    What is matched as `match_pictures` does counts first; of the rest the best score first takes
    the object of any category with which it overlaps most, by `MATCH_IOU` or more.
    """
    counts: Counter[tuple[int, int]] = Counter()
    for match in matches:
        is_shown = match.scores >= least_score
        object_of = np.where(is_shown, match.object_of, NONE)
        is_free = np.full(len(match.objects), True)
        is_free[object_of[object_of != NONE]] = False
        for place in np.flatnonzero(is_shown & match.is_wrong):
            overlaps = np.where(is_free, match.ious[place], 0.0)
            if (overlaps >= MATCH_IOU).any():
                object_of[place] = overlaps.argmax()
                is_free[object_of[place]] = False
        for place in np.flatnonzero(is_shown & ~match.is_ignored):
            its_object = object_of[place]
            truth = NOTHING if its_object == NONE else int(match.object_ids[its_object])
            counts[truth, int(match.found_ids[place])] += 1
        for category_id in match.object_ids[is_free].tolist():
            counts[category_id, NOTHING] += 1
    return Confusion(counts)
