"""The result folder of a run: ``run.json``, and beside it everything that it was made from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact.closed_folders import check_open
from artifact.from_json import from_json
from artifact.json_text import parse_json
from artifact.whole_file import whole_file
from client.latency import Latency
from perf.errors import PerfError
from perf.model_statistics import ModelStatistics
from perf.scenario import Scenario

RUN = "run.json"


@dataclass(frozen=True)
class Machine:
    """Where perf_analyzer ran."""

    cpu: str
    cores: int
    memory_gib: float
    gpus: tuple[str, ...]
    """Each one's name, driver and memory."""
    system: str
    busy_before: float
    """The share of the processors' time, 0 to 1, that other programs took before."""


@dataclass(frozen=True)
class Server:
    """What was measured."""

    url: str
    started_here: bool
    """By the measurement itself, and so on this machine."""


@dataclass(frozen=True)
class ServedModel:
    """What of a model's configuration decides how much it can carry."""

    backend: str
    instances: int
    max_batch: int


@dataclass(frozen=True)
class Level:
    """What was measured under one load."""

    load: float
    """The concurrency or the request rate."""
    folder: str
    """In the run's folder: command line, raw output, CSV files, statistics before and after."""
    started_at: float
    """Seconds since the epoch."""
    stable: bool
    """Whether three windows in a row agreed."""
    throughput: float
    latency_ms: Latency
    gpu_utilization: float | None
    windows: tuple[float, ...]
    statistics: Mapping[str, ModelStatistics]
    """By model, over the whole run of perf_analyzer."""
    memory_bytes: float | None
    """In use on the server's machine afterwards, by all programs."""


@dataclass(frozen=True)
class Run:
    """A scenario that was run, or as much of it as was finished.

    `throughput` is in pictures per second throughout.
    """

    scenario: Scenario
    started_at: str
    """In UTC, ISO 8601."""
    complete: bool
    machine: Machine
    versions: Mapping[str, str]
    server: Server
    models: Mapping[str, ServedModel]
    levels: tuple[Level, ...]

    @property
    def name(self) -> str:
        return self.scenario.name


def write_run(folder: Path, run: Run) -> None:
    """Writes ``run.json`` in one step: it is never seen half written."""
    # The only values that JSON has no type for are paths.
    text = json.dumps(dataclasses.asdict(run), indent=1, allow_nan=False, default=str) + "\n"
    with whole_file(folder / RUN) as partial:
        partial.write_text(text)


def read_run(folder: Path) -> Run:
    """Reads what `write_run` wrote.

    Raises:
        PerfError: it is missing, or something else.
    """
    path = folder / RUN
    try:
        value = parse_json(path.read_bytes())
        run: Run = from_json(Run, value, "run")
        if faults := _faults(run):
            raise ValueError("; ".join(faults))
        return run
    except OSError as error:
        raise PerfError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise PerfError(
            f"{path}: is not what python -m perf run writes ({type(error).__name__}: {error})"
        ) from None


def _faults(run: Run) -> list[str]:
    """What no measurement has, and no page can show."""
    faults = [] if run.levels else ["levels is empty"]
    for number, level in enumerate(run.levels):
        if not (level.throughput > 0 and min(dataclasses.astuple(level.latency_ms)) > 0):
            faults.append(f"levels[{number}] has a throughput or a latency that is not above 0")
        if unknown := level.statistics.keys() - run.models.keys():
            faults.append(f"models lacks {', '.join(sorted(unknown))} of levels[{number}]")
    return faults


def read_runs(folders: Sequence[Path]) -> dict[Path, Run]:
    """The results among `folders` and inside them, by their own folders.

    They are in the order of `folders`, and inside each in the order in which they were made.

    Raises:
        PerfError: one of the folders holds none, or one cannot be read.
        OSError: a folder that holds none cannot be read.
    """
    runs: dict[Path, Run] = {}
    for folder in folders:
        if not folder.is_dir():
            raise PerfError(f"{folder}: no such folder")
        inside = {path.parent: read_run(path.parent) for path in folder.rglob(RUN)}
        if not inside:
            check_open(folder)
            raise PerfError(
                f"{folder}: holds no result: no {RUN} in it or below it. "
                f"`python -m perf run SCENARIO.yaml --output {folder}` makes one"
            )
        runs.update(sorted(inside.items(), key=lambda item: item[1].started_at))
    return runs
