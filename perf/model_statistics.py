"""Triton's own statistics of a model: how often it ran, and where its time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Batches:
    """The executions of one batch size.

    The times are sums over executions, in nanoseconds; an execution is one run of the model on
    one instance.
    """

    executions: int
    input_ns: int
    infer_ns: int
    output_ns: int

    @property
    def compute_ns(self) -> int:
        return self.input_ns + self.infer_ns + self.output_ns


@dataclass(frozen=True)
class ModelStatistics:
    """What a model has done since it was loaded, or between two moments (`since`).

    The times are sums over requests, in nanoseconds: every request of a batch waits for the whole
    batch, so they say what a request sees. `batches` say what an instance does.
    """

    requests: int
    """Answered ones."""
    failures: int
    pictures: int
    total_ns: int
    """From a request's arrival until its answer, of the answered ones."""
    queue_ns: int
    input_ns: int
    infer_ns: int
    output_ns: int
    batches: Mapping[int, Batches]
    """By batch size."""

    def since(self, before: ModelStatistics | None) -> ModelStatistics:
        """What was added to `before`; None for a model that was not there yet."""
        if before is None:
            return self
        batches = {}
        for size, now in self.batches.items():
            then = before.batches.get(size, Batches(0, 0, 0, 0))
            if now.executions > then.executions:
                batches[size] = Batches(
                    now.executions - then.executions,
                    now.input_ns - then.input_ns,
                    now.infer_ns - then.infer_ns,
                    now.output_ns - then.output_ns,
                )
        return ModelStatistics(
            self.requests - before.requests,
            self.failures - before.failures,
            self.pictures - before.pictures,
            self.total_ns - before.total_ns,
            self.queue_ns - before.queue_ns,
            self.input_ns - before.input_ns,
            self.infer_ns - before.infer_ns,
            self.output_ns - before.output_ns,
            batches,
        )

    @classmethod
    def from_triton(cls, model_stats: Mapping[str, Any]) -> ModelStatistics:
        """From an entry of Triton's ``model_stats``, in which what is 0 may be missing."""
        stats = model_stats.get("inference_stats", {})
        success = stats.get("success", {})
        return cls(
            requests=_number(success, "count"),
            failures=_number(stats.get("fail", {}), "count"),
            pictures=_number(model_stats, "inference_count"),
            total_ns=_number(success, "ns"),
            queue_ns=_number(stats.get("queue", {}), "ns"),
            input_ns=_number(stats.get("compute_input", {}), "ns"),
            infer_ns=_number(stats.get("compute_infer", {}), "ns"),
            output_ns=_number(stats.get("compute_output", {}), "ns"),
            batches={
                _number(batch, "batch_size"): Batches(
                    _number(batch.get("compute_infer", {}), "count"),
                    _number(batch.get("compute_input", {}), "ns"),
                    _number(batch.get("compute_infer", {}), "ns"),
                    _number(batch.get("compute_output", {}), "ns"),
                )
                for batch in model_stats.get("batch_stats", [])
            },
        )


def _number(fields: Mapping[str, Any], name: str) -> int:
    """Of a protobuf message in JSON, where 64-bit numbers are strings."""
    return int(fields.get(name, 0))
