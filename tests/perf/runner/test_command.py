from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.input_data import InputData
from perf.runner.command import flags
from perf.scenario import Scenario, load_scenario


def flags_of(scenario: Scenario, load: float, metrics_url: str | None = None) -> list[str]:
    return flags(
        scenario,
        load,
        url="127.0.0.1:8001",
        input_data=InputData(Path("/results/input_data.json"), 4096, ()),
        stability_percent=scenario.stability_percent,
        metrics_url=metrics_url,
    )


@pytest.mark.parametrize(
    ("lines", "load", "expected", "absent"),
    [
        (["concurrency: 4"], 4, "--concurrency-range 4", "--request-rate-range"),
        (["concurrency: 4"], 4, "-m mask_rcnn -b 1 -i grpc -u 127.0.0.1:8001", "--async"),
        (["concurrency: 4"], 4, "--input-data /results/input_data.json", "--shared-memory"),
        (["request_rate: 2.5"], 2.5, "--request-rate-range 2.5 --async", "--concurrency-range"),
        (["request_rate: 9"], 9, "--request-distribution poisson", "constant"),
        (
            ["request_rate: 9", "request_distribution: constant"],
            9,
            "--request-distribution constant",
            "poisson",
        ),
        (["concurrency: 1", "batch: 8"], 1, "-b 8", "-b 1 "),
        (["concurrency: 1", "step: network"], 1, "-m mask_rcnn_network", ""),
        (["concurrency: 1", "model: birds"], 1, "-m birds", "mask_rcnn"),
        (["concurrency: 1", "model: birds", "step: preprocess"], 1, "-m birds_preprocess", ""),
        (
            ["concurrency: 1", "transport: system_shared_memory"],
            1,
            "--shared-memory system --output-shared-memory-size 4096",
            "plain",
        ),
        (["concurrency: 1", "percentile: 99"], 1, "--percentile 99", "95"),
        (
            ["concurrency: 1", "window_requests: 7"],
            1,
            "--measurement-mode count_windows --measurement-request-count 7",
            "time_windows",
        ),
        (["concurrency: 1", "stability_percent: 2.5"], 1, "--stability-percentage 2.5", ""),
        (["concurrency: 1", "max_windows: 12"], 1, "--max-trials 12", ""),
        (["concurrency: 1"], 1, "-f report.csv --verbose-csv -v", "--collect-metrics"),
    ],
)
def test_a_scenario_becomes_flags(
    scenario_file: Callable[..., Path], lines: list[str], load: float, expected: str, absent: str
) -> None:
    command = " ".join(flags_of(load_scenario(scenario_file(*lines)), load)) + " "
    assert f"{expected} " in command
    assert not absent or absent not in command


def test_gpu_metrics_are_asked_for_where_the_server_has_them(
    scenario_file: Callable[..., Path],
) -> None:
    scenario = load_scenario(scenario_file("concurrency: 1"))
    command = flags_of(scenario, 1, metrics_url="127.0.0.1:8002/metrics")
    assert command[-3:] == ["--collect-metrics", "--metrics-url", "127.0.0.1:8002/metrics"]
