"""What the statistics of a run say about its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perf.result import Level, Run
from perf.scenario import STEPS


@dataclass(frozen=True)
class LabelledRun:
    """A run with a name that no other run of the report has."""

    label: str
    run: Run
    folder: Path

    @property
    def is_pipeline(self) -> bool:
        """Whether whole pictures went through the real pipeline."""
        return self.run.scenario.step is None and self.run.scenario.network == "served"

    @property
    def best(self) -> Level:
        """The level with the highest throughput."""
        return max(self.run.levels, key=lambda level: level.throughput)


@dataclass(frozen=True)
class ModelTime:
    """Where a request's time in one step goes, in milliseconds: means over the requests."""

    step: str
    """One of `perf.scenario.STEPS`."""
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

    Where they are not all of one build, the build's name comes first: "birds: name".

    Args:
        runs: by their folders.
    """
    one_build = len({run.scenario.model for run in runs.values()}) == 1
    seen: dict[str, int] = {}
    result = []
    for folder, run in runs.items():
        name = run.name if one_build else f"{run.scenario.model}: {run.name}"
        seen[name] = number = seen.get(name, 0) + 1
        label = name if number == 1 else f"{name} ({number})"
        result.append(LabelledRun(label, run, folder))
    return result


def model_times(run: Run, level: Level) -> list[ModelTime]:
    """Of the steps that worked, in the order in which a picture passes them."""
    names = {step: getattr(run.scenario.names, step) for step in STEPS}
    return [
        _model_time(run, level, step, model)
        for step, model in names.items()
        if model in level.statistics
    ]


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


def step_label(run: Run, step: str) -> str:
    """A step's name, which says so if it only plays back what it once answered."""
    recorded = step == "network" and run.scenario.network != "served"
    return f"{step} (recorded)" if recorded else step


def load_label(run: Run, level: Level) -> str:
    """A load as a phrase: "concurrency 4", "2.5 requests/s"."""
    concurrent = run.scenario.load_kind == "concurrency"
    return f"concurrency {level.load:g}" if concurrent else f"{level.load:g} requests/s"


def _model_time(run: Run, level: Level, step: str, model: str) -> ModelTime:
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
        step=step,
        queue=statistics.queue_ns / requests / 1e6,
        input=statistics.input_ns / requests / 1e6,
        infer=statistics.infer_ns / requests / 1e6,
        output=statistics.output_ns / requests / 1e6,
        busy=busy,
        batches={size: batch.executions for size, batch in sorted(statistics.batches.items())},
    )
