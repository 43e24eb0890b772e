"""What becomes known of a request: counters for Prometheus, and a line of JSON in the log."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timezone
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metrics import Metrics

_CHOICES = ("all", "refused", "none")
_LOGGED = os.environ.get("RCNN_REQUEST_LOG", "all")
if _LOGGED not in _CHOICES:
    raise ValueError(f"RCNN_REQUEST_LOG is {_LOGGED!r}; expected one of {', '.join(_CHOICES)}")

_LONGEST_ID = 128
"""Characters of a request id in the log: clients choose it, and it may be megabytes."""


class RequestReport:
    """One request in one model, from its arrival to its answer.

    Args:
        ensemble: the name of the ensemble that the model belongs to.
        step: preprocess or postprocess.
        request_id: the client's.
        pictures: in the request.
    """

    detections: int | None = None
    """In the answer; None where this step is not the last."""

    def __init__(
        self, ensemble: str, step: str, metrics: Metrics, request_id: str, pictures: int
    ) -> None:
        self._ensemble = ensemble
        self._step = step
        self._metrics = metrics
        self._request_id = request_id[:_LONGEST_ID]
        self._pictures = pictures
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._arrived = self._step_ended = perf_counter()

    def end_step(self, step: str) -> None:
        """Book the time since the last step ended; a step may come more than once."""
        now = perf_counter()
        self._seconds[step] += now - self._step_ended
        self._step_ended = now

    def finish(self) -> None:
        """The request was served."""
        self._metrics.count_seconds(self._seconds)
        found = {}
        if self.detections is not None:
            self._metrics.count_answer(self._pictures, self.detections)
            found["detections"] = self.detections
        if _LOGGED == "all":
            self._log(found)

    def refuse(self, reason: str) -> None:
        """The request was refused."""
        self._metrics.count_refusal(self._pictures, reason)
        if _LOGGED != "none":
            self._log({"refused": reason})

    def _log(self, outcome: Mapping[str, Any]) -> None:
        line = {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "model": self._ensemble,
            "step": self._step,
            "request_id": self._request_id,
            "pictures": self._pictures,
            "seconds": round(perf_counter() - self._arrived, 6),
            **outcome,
        }
        # Not pb_utils.Logger: it looks up its caller's source for each line, which takes some ten
        # times as long, and Triton would quote and escape the JSON. One write, so that the lines
        # of several processes do not mix.
        sys.stderr.write(json.dumps(line) + "\n")
