"""Latency and throughput in the course of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from client.coco.timing import Timing

LONGEST_PAUSE_S = 120.0
"""Without an answer for longer, the run was broken off and resumed: that time is left out."""
BINS = 40
FEWEST_IN_BIN = 4
"""Answers, on the average."""


@dataclass(frozen=True)
class Span:
    """A part of a run."""

    middle_s: float
    """Seconds after the first request, pauses left out."""
    p50_ms: float
    p95_ms: float
    per_second: float
    """Answers."""


@dataclass(frozen=True)
class Pace:
    """Of a run."""

    spans: tuple[Span, ...]
    """Equally long, those in which there were answers."""
    pauses: int
    seconds: float
    """Altogether, pauses left out."""
    answers: int


def pace(timings: Sequence[Timing]) -> Pace | None:
    """None if fewer than two answers have a time."""
    if len(timings) < 2:
        return None
    ordered = sorted(timings, key=lambda timing: timing.answered_at)
    latency = np.array([timing.latency_ms for timing in ordered])
    at = np.array([timing.answered_at for timing in ordered])
    steps = np.diff(at, prepend=at[0] - latency[0] / 1000)
    is_pause = steps > LONGEST_PAUSE_S
    is_pause[0] = False
    # The first answer after a pause took as long as its request did.
    steps[is_pause] = np.minimum(latency[is_pause] / 1000, LONGEST_PAUSE_S)
    at = np.cumsum(steps)
    seconds = max(float(at[-1]), 1e-3)
    count = int(np.clip(len(at) / FEWEST_IN_BIN, 1, BINS))
    width = seconds / count
    in_bin = np.minimum((at / width).astype(int), count - 1)
    spans = []
    for number in range(count):
        its = latency[in_bin == number]
        if its.size:
            p50, p95 = np.percentile(its, (50, 95))
            span = Span(width * (number + 0.5), float(p50), float(p95), its.size / width)
            spans.append(span)
    return Pace(tuple(spans), int(is_pause.sum()), seconds, len(at))
