"""The project's own counters on Triton's metrics page; docs/monitoring.md lists them.

The instances of a model, and the models of a build, share its counters: Triton adds up what is
declared alike. The label `model` keeps the builds on a server apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from threading import Event, Lock, Thread
from typing import Any

import triton_python_backend_utils as pb_utils

_INTERVAL_SECS = 1.0
"""How long a count may wait. Each call into Triton waits for Triton's own process: 30 µs on an idle
machine, milliseconds on a busy one. So a thread hands over the sums, and no request waits."""


class Metrics:
    """What one instance of a model counts. Every label is on the page, as 0, from the start.

    Args:
        ensemble: the name of the ensemble that it belongs to.
        steps: the steps that the model times.
        reasons: those for which it may refuse a request.
    """

    def __init__(self, ensemble: str, steps: Sequence[str], reasons: Sequence[str]) -> None:
        pictures = _counter("rcnn_pictures_total", "Pictures answered")
        detections = _counter("rcnn_detections_total", "Detections in the answers")
        refused = _counter("rcnn_pictures_refused_total", "Pictures in requests that were refused")
        seconds = _counter(
            "rcnn_step_seconds_total", "Seconds in a step of preprocess or postprocess"
        )
        model = {"model": ensemble}
        # A family leaves the page with its object.
        self._families = (pictures, detections, refused, seconds)
        self._pictures = pictures.Metric(labels=model)
        self._detections = detections.Metric(labels=model)
        self._refused = {
            reason: refused.Metric(labels={**model, "reason": reason}) for reason in reasons
        }
        self._seconds = {step: seconds.Metric(labels={**model, "step": step}) for step in steps}
        self._sums: defaultdict[Any, float] = defaultdict(float)
        self._lock = Lock()
        self._closed = Event()
        self._thread = Thread(target=self._hand_over_regularly, daemon=True)
        self._thread.start()

    def count_answer(self, pictures: int, detections: int) -> None:
        self._add({self._pictures: pictures, self._detections: detections})

    def count_refusal(self, pictures: int, reason: str) -> None:
        self._add({self._refused[reason]: pictures})

    def count_seconds(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds that a request spent in each step."""
        self._add({self._seconds[step]: amount for step, amount in seconds.items()})

    def close(self) -> None:
        """Hand over what is left."""
        self._closed.set()
        self._thread.join()
        self._hand_over()

    def _add(self, amounts: Mapping[Any, float]) -> None:
        with self._lock:
            for metric, amount in amounts.items():
                self._sums[metric] += amount

    def _hand_over_regularly(self) -> None:
        while not self._closed.wait(_INTERVAL_SECS):
            self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            sums, self._sums = self._sums, defaultdict(float)
        for metric, amount in sums.items():
            metric.increment(amount)


def _counter(name: str, description: str) -> Any:
    return pb_utils.MetricFamily(
        name=name, description=description, kind=pb_utils.MetricFamily.COUNTER
    )
