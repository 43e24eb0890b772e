"""Where the time of a request went, from Triton's statistics before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STEPS = ("preprocess", "network", "postprocess")


@dataclass(frozen=True)
class Timings:
    """Milliseconds; of the server's figures the mean of the requests that it had meanwhile."""

    steps: dict[str, float]
    """By the end of the step's name; without its time in queues. Empty if Triton told nothing."""
    queued: float
    """In the queues of all steps."""
    transport: float
    """Of the client's time what the server does not account for."""
    total: float
    """As the client saw it, from sending to the answer."""
    requests: int
    """That the server answered meanwhile: with more than one, others were asking too."""

    @property
    def complete(self) -> bool:
        """Whether Triton has counted the request in every step."""
        return self.requests > 0 and len(self.steps) == len(STEPS)


@dataclass(frozen=True)
class Spent:
    """What a model has done since its server began."""

    count: int = 0
    total_ns: int = 0
    queue_ns: int = 0


def spent(servers: Iterable[Iterable[Mapping[str, Any]]]) -> dict[str, Spent]:
    """By the name of each model, over all servers and versions.

    Args:
        servers: Triton's `model_stats` of each.
    """
    found: dict[str, Spent] = {}
    for statistics in servers:
        for model in statistics:
            its = model.get("inference_stats", {})
            success, queue = its.get("success", {}), its.get("queue", {})
            known = found.get(model["name"], Spent())
            found[model["name"]] = Spent(
                known.count + int(success.get("count", 0)),
                known.total_ns + int(success.get("ns", 0)),
                known.queue_ns + int(queue.get("ns", 0)),
            )
    return found


def timings(
    model: str, before: Mapping[str, Spent], after: Mapping[str, Spent], total: float
) -> Timings:
    """What a request to the ensemble `model` took.

    Args:
        before, after: of `spent`, when the request was sent and when it was answered; empty where
            the server did not tell.
        total: milliseconds, as the client saw it.
    """
    steps = {}
    queued = 0.0
    for step in STEPS:
        per_request = _mean(f"{model}_{step}", before, after)
        if per_request is not None:
            steps[step] = per_request[0] - per_request[1]
            queued += per_request[1]
    whole = _mean(model, before, after)
    requests = after.get(model, Spent()).count - before.get(model, Spent()).count
    transport = total - whole[0] if whole is not None else 0.0
    return Timings(steps, queued, max(transport, 0.0), total, requests)


def _mean(
    model: str, before: Mapping[str, Spent], after: Mapping[str, Spent]
) -> tuple[float, float] | None:
    """Milliseconds in all and in the queue, of one request."""
    first, last = before.get(model, Spent()), after.get(model, Spent())
    count = last.count - first.count
    if count < 1:
        return None
    scale = 1e6 * count
    return (last.total_ns - first.total_ns) / scale, (last.queue_ns - first.queue_ns) / scale
