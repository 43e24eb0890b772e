"""What becomes known of a request: counters for Prometheus, and a line of JSON in the log."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from datetime import datetime, timezone
from time import perf_counter
from typing import Any

import triton_python_backend_utils as pb_utils
from metrics import Metrics

_CHOICES = ("all", "refused", "none")
_LOGGED = os.environ.get("MASK_RCNN_REQUEST_LOG", "all")
if _LOGGED not in _CHOICES:
    raise ValueError(f"MASK_RCNN_REQUEST_LOG is {_LOGGED!r}; expected one of {', '.join(_CHOICES)}")

_LONGEST_ID = 128
"""Characters of a request id in the log: clients choose it, and it may be megabytes."""


class RequestReport:
    """One request in one model, from its arrival to its answer.

    Args:
        model: preprocess or postprocess.
        request: as Triton hands it over.
        pictures: in the request.
    """

    def __init__(self, model: str, metrics: Metrics, request: Any, pictures: int) -> None:
        self._model = model
        self._metrics = metrics
        self._request_id = request.request_id()[:_LONGEST_ID]
        self._pictures = pictures
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._arrived = self._step_ended = perf_counter()

    def end_step(self, step: str) -> None:
        """Book the time since the last step ended; a step may come more than once."""
        now = perf_counter()
        self._seconds[step] += now - self._step_ended
        self._step_ended = now

    def finish(self, **fields: int) -> None:
        """The request was served. `fields` are for the log."""
        self._metrics.count_seconds(self._seconds)
        if _LOGGED == "all":
            self._log(fields)

    def refuse(self, reason: str, message: str) -> Any:
        """The response that refuses the request, INVALID_ARGUMENT with `message`."""
        self._metrics.count_refusal(self._pictures, reason)
        if _LOGGED != "none":
            self._log({"refused": reason})
        return pb_utils.InferenceResponse(
            error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG)
        )

    def _log(self, fields: dict[str, Any]) -> None:
        line = {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "step": self._model,
            "request_id": self._request_id,
            "pictures": self._pictures,
            "seconds": round(perf_counter() - self._arrived, 6),
            **fields,
        }
        # Not pb_utils.Logger: it looks up its caller's source for each line, which takes some ten
        # times as long, and Triton would quote and escape the JSON. One write, so that the lines
        # of several processes do not mix.
        sys.stderr.write(json.dumps(line) + "\n")
