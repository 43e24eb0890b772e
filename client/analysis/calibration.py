"""What a score is worth: how often detections with it are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.analysis.matching import PictureMatch

BINS = 10
"""Of scores, equally wide."""


@dataclass(frozen=True)
class ScoreBin:
    """The detections with scores in a tenth of what scores can be."""

    count: int
    mean_score: float
    precision: float
    """The share of them that is right, 0 to 1."""


@dataclass(frozen=True)
class Calibration:
    """Of all detections that count."""

    bins: tuple[ScoreBin, ...]
    """Those that are not empty, by rising scores."""
    expected_error: float
    """The mean distance between score and precision over the detections (expected calibration
    error, https://arxiv.org/abs/1706.04599), 0 to 1."""
    thresholds: npt.NDArray[np.float64]
    """[101], scores from 0 to 1."""
    precision: npt.NDArray[np.float64]
    """[101], of the detections from each threshold on; NaN where there are none."""
    recall: npt.NDArray[np.float64]
    """[101]."""

    @property
    def best_threshold(self) -> float:
        """Where the harmonic mean of precision and recall, F1, is highest."""
        return float(self.thresholds[np.nanargmax(self.f1)])

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        """[101], 0 where nothing is found."""
        precision = np.nan_to_num(self.precision)
        both = precision + self.recall
        product = 2 * precision * self.recall
        return np.divide(product, both, out=np.zeros_like(both), where=both > 0)


def calibration(matches: Sequence[PictureMatch]) -> Calibration | None:
    """None if nothing was found, or there is nothing to find."""
    objects = sum(len(match.objects) for match in matches)
    scores = _joined([match.scores[~match.is_ignored] for match in matches])
    is_correct = _joined([match.is_correct[~match.is_ignored] for match in matches]).astype(bool)
    if not scores.size or not objects:
        return None
    bins = []
    in_bin = np.clip(scores * BINS, 0, BINS - 1).astype(int)
    for number in range(BINS):
        chosen = in_bin == number
        if chosen.any():
            mean_score, precision = scores[chosen].mean(), is_correct[chosen].mean()
            bins.append(ScoreBin(int(chosen.sum()), float(mean_score), float(precision)))
    error = sum(each.count * abs(each.mean_score - each.precision) for each in bins) / len(scores)

    order = np.argsort(-scores, kind="stable")
    correct = np.concatenate([[0], np.cumsum(is_correct[order])])
    thresholds = np.linspace(0, 1, 101)
    above = np.searchsorted(-scores[order], -thresholds, side="right")
    with np.errstate(invalid="ignore"):
        precision = correct[above] / above
    return Calibration(tuple(bins), error, thresholds, precision, correct[above] / objects)


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)
