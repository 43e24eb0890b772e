"""What the statistics of a run say about its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.repository.models import ENSEMBLE, NAMES, NETWORK
from perf.result import Level, Run

STEPS = tuple(name for name in NAMES if name != ENSEMBLE)
"""The models that compute, in the order in which a picture passes them."""
SHORT_NAMES = {name: name.removeprefix(f"{ENSEMBLE}_") for name in NAMES} | {ENSEMBLE: "pipeline"}
"""Names for places where the full ones would be in the way."""


@dataclass(frozen=True)
class LabelledRun:
    """A run with a name that no other run of the report has."""

    label: str
    run: Run
    folder: Path

    @property
    def is_pipeline(self) -> bool:
        """Whether whole pictures went through the real pipeline."""
        return self.run.scenario["model"] == ENSEMBLE and self.run.scenario["network"] == "served"

    @property
    def best(self) -> Level:
        """The level with the highest throughput."""
        return max(self.run.levels, key=lambda level: level.throughput)


@dataclass(frozen=True)
class ModelTime:
    """Where a request's time in one model goes, in milliseconds: means over the requests."""

    model: str
    queue: float
    input: float
    infer: float
    output: float
    busy: float | None
    """The share of its instances' time in which they work, 0 to 1; None if it has none."""
    batches: dict[int, int]
    """How many executions had each batch size."""

    @property
    def total(self) -> float:
        return self.queue + self.input + self.infer + self.output

    @property
    def mean_batch(self) -> float:
        pictures = sum(size * count for size, count in self.batches.items())
        return pictures / max(1, sum(self.batches.values()))


def labelled(runs: Mapping[Path, Run]) -> list[LabelledRun]:
    """Runs under their scenarios' names; the second one of a scenario is "name (2)".

    Args:
        runs: by their folders.
    """
    seen: dict[str, int] = {}
    result = []
    for folder, run in runs.items():
        seen[run.name] = number = seen.get(run.name, 0) + 1
        label = run.name if number == 1 else f"{run.name} ({number})"
        result.append(LabelledRun(label, run, folder))
    return result


def model_times(run: Run, level: Level) -> list[ModelTime]:
    """Of the models that worked, in the order in which a picture passes them."""
    return [_model_time(run, level, model) for model in STEPS if model in level.statistics]


def outside_models(run: Run, level: Level) -> float:
    """Milliseconds of a request's mean latency in which no model had it: the way between client
    and server, and from model to model.

    The client's mean is over the windows that count, the server's over some requests more: with
    few requests the difference can come out a little below zero, and is then 0.
    """
    return max(0.0, level.latency_ms.mean - sum(each.total for each in model_times(run, level)))


def accounted(run: Run, level: Level) -> float:
    """Milliseconds that a request spends in the models and outside, what shares are shares of."""
    return outside_models(run, level) + sum(each.total for each in model_times(run, level))


def model_label(run: Run, model: str) -> str:
    """A short name, which says so if the model only plays back what it once answered."""
    recorded = model == NETWORK and run.scenario["network"] != "served"
    return SHORT_NAMES[model] + (" (recorded)" if recorded else "")


def _model_time(run: Run, level: Level, model: str) -> ModelTime:
    statistics = level.statistics[model]
    requests = max(1, statistics.requests)
    instances = run.models[model].instances
    busy = None
    if instances and statistics.pictures:
        # At the measured throughput, and not over the whole time of the statistics, in which
        # perf_analyzer also starts and ends.
        compute_ns = sum(batch.compute_ns for batch in statistics.batches.values())
        busy = min(1.0, level.throughput * compute_ns / statistics.pictures / 1e9 / instances)
    return ModelTime(
        model=model,
        queue=statistics.queue_ns / requests / 1e6,
        input=statistics.input_ns / requests / 1e6,
        infer=statistics.infer_ns / requests / 1e6,
        output=statistics.output_ns / requests / 1e6,
        busy=busy,
        batches={size: batch.executions for size, batch in sorted(statistics.batches.items())},
    )
