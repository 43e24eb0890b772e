from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.errors import PerfError
from perf.runner.analyzer import Analyzer
from perf.runner.measurement import Measurement, measure, read_report

REAL = Path(__file__).parent / "perf_analyzer_output"


def test_the_figures_of_a_real_concurrency_run() -> None:
    measurement = read_report(REAL / "concurrency_4.csv", (386.2, 442.9))
    assert measurement.throughput == 440.79
    assert dataclasses.asdict(measurement.latency_ms) == pytest.approx(
        {"mean": 9.020, "p50": 9.063, "p90": 10.742, "p95": 11.207, "p99": 13.083}
    )
    assert measurement.gpu_utilization is None
    assert measurement.windows == (386.2, 442.9)


def test_the_figures_of_a_real_request_rate_run() -> None:
    measurement = read_report(REAL / "request_rate_20.csv", ())
    assert measurement.throughput == 16.9864
    assert measurement.latency_ms.mean == pytest.approx(11.408)


def test_the_mean_of_an_ensemble_is_the_whole_request() -> None:
    # Its server columns leave out what its models waited for.
    latency = read_report(REAL / "ensemble.csv", ()).latency_ms
    assert latency.mean == pytest.approx(923.819)


def test_gpu_utilization_is_the_mean_over_the_gpus(tmp_path: Path) -> None:
    header, row = (REAL / "concurrency_4.csv").read_text().splitlines()
    report = tmp_path / "report.csv"
    report.write_text(f"{header},Avg GPU Utilization\n{row},GPU-a1:0.9;GPU-b2:0.7;\n")
    assert read_report(report, ()).gpu_utilization == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "", "found 0 rows"),
        (lambda text: text + text.splitlines()[1] + "\n", "found 2 rows"),
        (lambda text: text.replace("p99 latency", "p98 latency"), "p99 latency"),
        (lambda text: text.replace("440.79", "many"), "many"),
        (lambda text: text.splitlines()[0] + "\n4,440.79\n", "is not the CSV"),
    ],
)
def test_another_csv_is_refused(tmp_path: Path, change: Callable[[Any], str], reason: str) -> None:
    report = tmp_path / "report.csv"
    report.write_text(change((REAL / "concurrency_4.csv").read_text()))
    with pytest.raises(PerfError, match=reason) as raised:
        read_report(report, ())
    assert str(report) in str(raised.value)


def fake_analyzer(folder: Path, script: str) -> Analyzer:
    binary = folder / "perf_analyzer"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return Analyzer(binary, "9.9.9", {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/a b"})


def measured(folder: Path, script: str) -> Measurement | None:
    analyzer = fake_analyzer(folder, script)
    return measure(analyzer, [], folder, access_headers={}, regions=(), on_window=print)


def test_command_line_and_output_are_kept_and_windows_reported(tmp_path: Path) -> None:
    csv = REAL / "concurrency_4.csv"
    script = (
        "echo '  Pass [1] throughput: 1.25 infer/sec. p95 latency: 12345 usec'\n"
        "echo '  Pass [2] throughput: 2.5 infer/sec. Avg latency: 1000 usec (std 1 usec). '\n"
        f"cp {csv} report.csv\n"
        "echo $#: $3"
    )
    shown: list[str] = []
    measurement = measure(
        fake_analyzer(tmp_path, script),
        ["-m", "a b"],
        tmp_path,
        access_headers={"key": "secret"},
        regions=(),
        on_window=shown.append,
    )
    assert measurement is not None
    assert measurement.windows == (1.25, 2.5)
    assert shown == ["window 1: 1.25 img/s, p95 12.3 ms", "window 2: 2.50 img/s, Avg 1.0 ms"]
    command = (tmp_path / "command.txt").read_text()
    assert command == f"LD_LIBRARY_PATH='/a b' {tmp_path / 'perf_analyzer'} -m 'a b'\n"
    output = (tmp_path / "perf_analyzer.txt").read_text()
    assert "Pass [1]" in output
    assert output.endswith("3: -Hkey:secret\n")


def test_an_unstable_measurement_is_none(tmp_path: Path) -> None:
    assert measured(tmp_path, "exit 2") is None


def test_a_failure_is_told_with_the_output_but_without_the_list_of_options(tmp_path: Path) -> None:
    script = "echo 'Error: bad flag'\necho 'Usage: perf_analyzer'\necho ' --lots'\nexit 99"
    with pytest.raises(PerfError) as raised:
        measured(tmp_path, script)
    assert "exit code 99" in str(raised.value)
    assert "Error: bad flag" in str(raised.value)
    assert "--lots" not in str(raised.value)
