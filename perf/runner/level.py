"""The measurement of one load of a scenario."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perf.errors import PerfError
from perf.input_data import InputData
from perf.model_statistics import ModelStatistics
from perf.result import Level
from perf.runner.analyzer import Analyzer
from perf.runner.command import ANY_STABILITY, flags
from perf.runner.measurement import Measurement, measure
from perf.runner.metrics import read_metrics
from perf.runner.target import Target
from perf.scenario import Scenario

STATISTICS_BEFORE = "statistics_before.json"
STATISTICS_AFTER = "statistics_after.json"
METRICS_BEFORE = "metrics_before.txt"
METRICS_AFTER = "metrics_after.txt"

SETTLING_SECS = 0.1
LONGEST_SETTLING_SECS = 2.0
"""On a server that others ask as well, statistics never stand still."""


@dataclass(frozen=True)
class Bench:
    """What all loads of a run are measured with."""

    scenario: Scenario
    analyzer: Analyzer
    target: Target
    input_data: InputData
    folder: Path
    """The run's, in which each level gets one of its own."""


def measure_level(
    bench: Bench, number: int, load: float, *, on_window: Callable[[str], None]
) -> Level:
    """Measures one load, and keeps everything in a folder of its own.

    A load whose windows do not agree with each other is measured a second time and taken as it
    comes, as a level that is not stable.

    Args:
        bench: what to measure, and with what.
        number: of the level in its run, from 1.
        load: the concurrency or the request rate.
        on_window: see `perf.runner.measurement.measure`.

    Raises:
        PerfError: perf_analyzer failed, or the server no longer answers.
    """
    scenario, target = bench.scenario, bench.target
    name = f"{number:02d}-{scenario.load_kind}-{load:g}"
    for stability_percent, folder_name in (
        (scenario.stability_percent, name),
        (ANY_STABILITY, f"{name}-unstable"),
    ):
        folder = bench.folder / folder_name
        folder.mkdir()
        started_at = time.time()
        before = _statistics(target, folder / STATISTICS_BEFORE)
        measurement = _measure(bench, load, stability_percent, folder, on_window)
        if measurement is None:
            on_window(f"no stable figure in {scenario.max_windows} windows")
            continue
        after = _statistics(target, folder / STATISTICS_AFTER)
        memory = None
        if target.metrics_url:
            memory = read_metrics(target.metrics_url, folder / METRICS_AFTER).memory_bytes
        return Level(
            load=load,
            folder=folder_name,
            started_at=started_at,
            stable=stability_percent == scenario.stability_percent,
            throughput=measurement.throughput,
            latency_ms=measurement.latency_ms,
            gpu_utilization=measurement.gpu_utilization,
            windows=measurement.windows,
            statistics=_worked_in_between(before, after),
            memory_bytes=memory,
        )
    raise PerfError(f"perf_analyzer has no figure for {name}; its output is in {folder}")


def _measure(
    bench: Bench,
    load: float,
    stability_percent: float,
    folder: Path,
    on_window: Callable[[str], None],
) -> Measurement | None:
    target, input_data = bench.target, bench.input_data
    metrics_url = target.metrics_url
    if metrics_url and not read_metrics(metrics_url, folder / METRICS_BEFORE).has_gpus:
        metrics_url = None
    arguments = flags(
        bench.scenario,
        load,
        url=target.connection.url,
        input_data=input_data,
        stability_percent=stability_percent,
        metrics_url=metrics_url,
    )
    return measure(
        bench.analyzer,
        arguments,
        folder,
        access_headers=target.access_headers if input_data.regions else {},
        regions=input_data.regions,
        on_window=on_window,
    )


def _statistics(target: Target, copy: Path) -> dict[str, ModelStatistics]:
    """Triton's, once they stand still: it counts a request a moment after its answer."""
    statistics = target.connection.statistics()
    deadline = time.monotonic() + LONGEST_SETTLING_SECS
    while time.monotonic() < deadline:
        time.sleep(SETTLING_SECS)
        before, statistics = statistics, target.connection.statistics()
        if statistics == before:
            break
    as_json = {name: dataclasses.asdict(each) for name, each in statistics.items()}
    copy.write_text(json.dumps(as_json, indent=1) + "\n")
    return statistics


def _worked_in_between(
    before: Mapping[str, ModelStatistics], after: Mapping[str, ModelStatistics]
) -> dict[str, ModelStatistics]:
    between = {name: each.since(before.get(name)) for name, each in after.items()}
    return {name: each for name, each in between.items() if each.requests or each.failures}
