"""How long requests took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True)
class Latency:
    """Milliseconds from sending a request until its answer, as the client saw it."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Latency:
        """The mean and the percentiles (linear interpolation) of at least one measurement."""
        return cls(
            float(np.mean(milliseconds)),
            *(float(p) for p in np.percentile(milliseconds, PERCENTILES)),
        )
