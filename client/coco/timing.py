"""When the answer to a picture came, and how long it took."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Of the request for one picture."""

    answered_at: float
    """Seconds since 1970, by the client's clock."""
    latency_ms: float
    """From sending until the answer, retries included."""

    def to_json(self) -> dict[str, float]:
        """As a line of a results file has it."""
        return {"answered_at": round(self.answered_at, 3), "latency_ms": round(self.latency_ms, 3)}

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> Timing | None:
        """From a line of a results file; None where it has none, as those of earlier versions."""
        try:
            timing = cls(float(line["timing"]["answered_at"]), float(line["timing"]["latency_ms"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        usable = math.isfinite(timing.answered_at) and 0 <= timing.latency_ms < math.inf
        return timing if usable else None
