"""What an evaluation found, for people and for programs."""

from __future__ import annotations

import dataclasses
import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from client.coco.metrics import Metrics
from client.coco.shard import Shard
from client.endpoint_counts import EndpointCounts
from client.latency import Latency

LISTED_FAILURES = 20
KIND_NAMES = {"bbox": "box", "segm": "mask", "keypoints": "keypoint"}
PACKAGES = ("tritonclient", "pycocotools", "faster-coco-eval", "numpy")


@dataclass(frozen=True)
class Failure:
    """A picture without a result, and why in the server's or the client's words."""

    image_id: int
    file_name: str
    reason: str


@dataclass(frozen=True)
class Summary:
    """The outcome of an evaluation.

    From `resumed` on it is of this run's requests alone, and empty where it sent none.
    """

    metrics: dict[str, Metrics]
    """By `bbox` and, where the model and the annotations have them, `segm` and `keypoints`."""
    images: int
    """Pictures in the data set or in its shard."""
    detections: int
    """Over all finished pictures."""
    failures: tuple[Failure, ...]
    """Pictures without a result: the metrics count them as pictures in which nothing was found."""
    setting: dict[str, Any]
    """What was evaluated, where and with which versions."""
    notes: tuple[str, ...] = ()
    """What to know of the metrics, a sentence each."""
    shard: Shard | None = None
    """The part of the data set that was evaluated; None for all of it."""
    resumed: int = 0
    """Pictures that were finished by an earlier run."""
    seconds: float | None = None
    """From the first request to the last answer."""
    images_per_second: float | None = None
    latency_ms: Latency | None = None
    """Of the successful requests, retries included."""
    concurrency: int | None = None
    """Requests in flight at once, over all servers."""
    endpoints: tuple[EndpointCounts, ...] = ()
    """What each server did."""
    retries: int = 0
    """Requests that were sent again."""

    @property
    def complete(self) -> bool:
        """Every picture of the data set, or of its share, has a result."""
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """`summary.json`: average precisions in percent under detectron2's names."""
        return {
            "complete": self.complete,
            **{kind: metrics.values for kind, metrics in self.metrics.items()},
            "notes": list(self.notes),
            "shard": str(self.shard) if self.shard else None,
            "images": self.images,
            "resumed_images": self.resumed,
            "detections": self.detections,
            "failures": [dataclasses.asdict(failure) for failure in self.failures],
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "latency_ms": dataclasses.asdict(self.latency_ms) if self.latency_ms else None,
            "concurrency": self.concurrency,
            "endpoints": [dataclasses.asdict(endpoint) for endpoint in self.endpoints],
            "retries": self.retries,
            **self.setting,
        }

    def __str__(self) -> str:
        lines: list[str] = []
        for kind, metrics in self.metrics.items():
            lines += [", ".join([kind, *self._labels()]) + ":", metrics.table, ""]
        lines += [f"note: {note}" for note in self.notes]
        lines += self._throughput_lines()
        lines += self._endpoint_lines()
        if not self.complete:
            lines += ["", *self._failure_lines()]
        lines += ["", self._last_line()]
        return "\n".join(lines)

    def _throughput_lines(self) -> list[str]:
        resumed = f", {self.resumed} of them from the run before" if self.resumed else ""
        lines = [f"{self.images} pictures{resumed}, {self.detections} detections"]
        if self.images_per_second is not None:
            lines.append(
                f"throughput: {self.images_per_second:.2f} images/s ({self.seconds:.1f} s)"
            )
        if self.latency_ms:
            figures = dataclasses.asdict(self.latency_ms)
            lines.append(
                "latency: "
                + ", ".join(f"{name} {value:.1f} ms" for name, value in figures.items())
                + f" at concurrency {self.concurrency}"
            )
        return lines

    def _endpoint_lines(self) -> list[str]:
        lines = []
        if len(self.endpoints) > 1:
            lines += [
                f"{endpoint.url}: answered {endpoint.answered}, went away {endpoint.went_away}"
                for endpoint in self.endpoints
            ]
        if self.retries:
            lines.append(f"{self.retries} requests were sent again")
        return lines

    def _failure_lines(self) -> list[str]:
        count = len(self.failures)
        lines = [f"{count} of {self.images} pictures have no result:"]
        lines += [f"  {f.file_name}: {f.reason}" for f in self.failures[:LISTED_FAILURES]]
        if count > LISTED_FAILURES:
            lines.append(f"  and {count - LISTED_FAILURES} more, all in summary.json")
        lines.append(
            "The average precisions above count them as pictures in which nothing was detected."
        )
        return lines

    def _last_line(self) -> str:
        figures = "; ".join(
            f"{KIND_NAMES[kind]} AP {_figure(metrics.values['AP'])}, "
            f"AP50 {_figure(metrics.values['AP50'])}"
            for kind, metrics in self.metrics.items()
        )
        if not self._labels():
            return figures
        finished = self.images - len(self.failures)
        count = f"{self.images}" if self.complete else f"{finished} of {self.images}"
        return f"{', '.join(self._labels())}, {count} pictures: {figures}"

    def _labels(self) -> list[str]:
        """What keeps the figures from being those of the data set."""
        shard = [] if self.shard is None else [f"shard {self.shard}"]
        return shard if self.complete else [*shard, "INCOMPLETE"]


def time_and_versions(**servers: str) -> dict[str, Any]:
    """`finished_at` and `versions`, for a summary's setting.

    Args:
        servers: versions of other programs than this one.
    """
    return {
        "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {
            **servers,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
