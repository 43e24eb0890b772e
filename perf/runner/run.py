"""Running scenarios: a server, input data, one perf_analyzer run for each load, a result folder."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from artifact.proxies import without_proxy_for_this_machine
from perf.connection import Connection
from perf.errors import PerfError
from perf.input_data import choose_pictures, prepare_input_data
from perf.result import Level, Machine, Run, ServedModel, Server, write_run
from perf.runner.analyzer import Analyzer, find_perf_analyzer
from perf.runner.level import Bench, measure_level
from perf.runner.machine import describe_machine, describe_versions
from perf.runner.target import Target, check_build, own_server, running_server
from perf.scenario import Scenario

SCENARIO = "scenario.yaml"
SERVER_LOG = "tritonserver.log"
INPUT_DATA = "input_data.json"


def run_scenarios(
    scenarios: Mapping[Path, Scenario],
    output: Path,
    url: str | None,
    access_key: str | None,
    recursive: bool,
) -> Iterator[Path]:
    """Runs scenarios one after another; yields the result folder of each when it is complete.

    Args:
        scenarios: by the file that each was read from.
        output: the folder for the result folders.
        url: the gRPC address of a running server; None starts one for each scenario.
        access_key: opens the running server's shared memory API, if that is closed.
        recursive: pictures in the folders of a scenario's `images` are used too.

    Raises:
        PerfError, ServerError, ClientError: a scenario cannot be run; what was measured by then
            is kept.
    """
    pictures = {
        path: _check(path, scenario, url, recursive) for path, scenario in scenarios.items()
    }
    with TemporaryDirectory(prefix="mask-rcnn-perf-") as libraries:
        environment = without_proxy_for_this_machine(os.environ, *([] if url is None else [url]))
        analyzer = find_perf_analyzer(Path(libraries), environment)
        for path, scenario in scenarios.items():
            folder = _new_folder(output, scenario.name)
            shutil.copy(path, folder / SCENARIO)
            _show(f"{scenario.name}: {scenario.title}. Results: {folder}")
            machine = describe_machine()
            with (
                own_server(scenario, pictures[path], folder / SERVER_LOG)
                if url is None
                else running_server(url, scenario.names, access_key)
            ) as target:
                _run(scenario, pictures[path], folder, machine, analyzer, target)
            yield folder


def _check(path: Path, scenario: Scenario, url: str | None, recursive: bool) -> list[Path]:
    """Finds what is wrong before the first scenario starts; returns the scenario's pictures."""
    if url is None and not scenario.repository.is_dir():
        raise PerfError(
            f"{path}: repository: no such folder: {scenario.repository}. `python -m demo` writes "
            "the demo's; --repository names another, --url a running server"
        )
    if url is None:
        models = [entry.name for entry in scenario.repository.iterdir()]
        check_build(f"{path}: repository {scenario.repository}", scenario.names, models)
    if url is not None and scenario.network != "served":
        raise PerfError(
            f"{path}: network is {scenario.network}, for which a server of its own is started: "
            "leave out --url"
        )
    return choose_pictures(scenario.images, scenario.pictures, recursive=recursive)


def _new_folder(output: Path, name: str) -> Path:
    folder = output / f"{name}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise PerfError(f"{folder}: cannot be made: {error.strerror}") from None
    return folder.resolve()


def _run(
    scenario: Scenario,
    pictures: Sequence[Path],
    folder: Path,
    machine: Machine,
    analyzer: Analyzer,
    target: Target,
) -> None:
    connection = target.connection
    run = Run(
        scenario=scenario,
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        complete=False,
        machine=machine,
        versions={
            "tritonserver": connection.server_version(),
            "perf_analyzer": analyzer.version,
            **describe_versions(),
        },
        server=Server(connection.url, started_here=target.metrics_url is not None),
        models={name: _served_model(connection, name) for name in scenario.names},
        levels=(),
    )
    _show(f"  sending each of {len(pictures)} pictures once")
    input_data = prepare_input_data(connection, scenario, pictures, folder / INPUT_DATA)
    bench = Bench(scenario, analyzer, target, input_data, folder)
    for number, load in enumerate(scenario.loads, 1):
        _show(f"  [{number}/{len(scenario.loads)}] {scenario.load_kind} {load:g}")
        level = measure_level(bench, number, load, on_window=lambda line: _show(f"    {line}"))
        _show(f"    {_figures(level)}")
        run = dataclasses.replace(
            run, levels=(*run.levels, level), complete=number == len(scenario.loads)
        )
        write_run(folder, run)


def _served_model(connection: Connection, name: str) -> ServedModel:
    config = connection.model_config(name)
    groups = config.get("instance_group", [])  # an ensemble has none
    return ServedModel(
        backend=config.get("backend") or config["platform"],
        instances=sum(group["count"] * max(1, len(group.get("gpus", []))) for group in groups),
        max_batch=config.get("max_batch_size", 0),
    )


def _figures(level: Level) -> str:
    latency = level.latency_ms
    return (
        f"{level.throughput:.2f} img/s, latency p50 {latency.p50:.1f} ms, p95 {latency.p95:.1f} "
        f"ms, p99 {latency.p99:.1f} ms{'' if level.stable else ' (not stable)'}"
    )


def _show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
