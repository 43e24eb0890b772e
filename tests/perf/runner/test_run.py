"""Real, short runs of perf_analyzer on a live server."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifact.names import ModelNames
from perf.__main__ import main
from perf.result import read_run
from server.launch import TritonServer
from tests.recording_proxy import RecordingProxy

ROOT = Path(__file__).parents[3]
SHM = Path("/dev/shm")

SHORT = ("pictures: 2", "window_requests: 1", "max_windows: 3", "stability_percent: 900")


def only_folder(parent: Path) -> Path:
    (folder,) = parent.iterdir()
    return folder


@pytest.mark.usefixtures("analyzer")
def test_a_run_keeps_everything_and_a_report_shows_it(
    demo_server: TritonServer,
    scenario_file: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    proxy: RecordingProxy,
) -> None:
    path = scenario_file("concurrency: 2", *SHORT)
    output = tmp_path / "results"
    assert main(["run", str(path), "--url", demo_server.grpc_url, "--output", str(output)]) == 0
    assert proxy.asked == []
    folder = only_folder(output)
    run = read_run(folder)
    assert run.complete
    assert (folder / "scenario.yaml").read_text() == path.read_text()
    for name in ("tritonserver", "perf_analyzer", "mask-rcnn-triton", "python", "numpy"):
        assert run.versions[name]
    assert run.machine.cores >= 1
    assert run.models["mask_rcnn_preprocess"].instances >= 1

    (level,) = run.levels
    assert level.throughput > 0
    assert level.latency_ms.p50 <= level.latency_ms.p99
    raw = folder / level.folder
    assert "--concurrency-range 2" in (raw / "command.txt").read_text()
    assert "Inferences/Second" in (raw / "perf_analyzer.txt").read_text()
    assert (raw / "report.csv").read_text().startswith("Concurrency,")
    assert (raw / "mask_rcnn_network_v1.report.csv").exists()
    before, after = (
        json.loads((raw / f"statistics_{when}.json").read_text()) for when in ("before", "after")
    )
    for model, statistics in level.statistics.items():
        assert statistics.requests == after[model]["requests"] - before[model]["requests"]
        assert statistics.requests >= 3
        assert statistics.failures == 0

    assert main(["report", str(output)]) == 0
    assert "pictures per second" in (output / "report.html").read_text()
    assert (output / "report.csv").exists()
    assert str(output / "report.html") in capsys.readouterr().out


@pytest.mark.usefixtures("analyzer")
@pytest.mark.parametrize(
    ("step", "lines"),
    [
        ("preprocess", ["request_rate: 20"]),
        ("network", ["concurrency: 1", "batch: 2"]),
        ("postprocess", ["concurrency: 2"]),
    ],
)
def test_each_step_is_measured_alone_through_shared_memory(
    demo_server: TritonServer,
    demo_address: list[str],
    scenario_file: Callable[..., Path],
    tmp_path: Path,
    step: str,
    lines: list[str],
) -> None:
    path = scenario_file(f"step: {step}", "transport: system_shared_memory", *lines, *SHORT)
    output = tmp_path / "results"
    regions = set(SHM.iterdir())
    assert main(["run", str(path), *demo_address, "--output", str(output)]) == 0
    folder = only_folder(output)
    (level,) = read_run(folder).levels
    assert demo_server.access_key not in (folder / level.folder / "command.txt").read_text()
    model = f"mask_rcnn_{step}"
    assert list(level.statistics) == [model]
    if "batch: 2" in lines:
        assert list(level.statistics[model].batches) == [2]
    assert not {path.name for path in set(SHM.iterdir()) - regions} & {"canvas", "boxes", "scores"}


@pytest.mark.usefixtures("analyzer")
def test_ctrl_c_keeps_what_is_finished_and_leaves_nothing_behind(
    demo_address: list[str], scenario_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = scenario_file(
        *("step: preprocess", "transport: system_shared_memory"),
        *("concurrency: 1", "repeat: 1000"),
        *SHORT,
    )
    output = tmp_path / "results"
    command = [sys.executable, "-m", "perf", "run", str(path)]
    process = subprocess.Popen(
        [*command, *demo_address, "--output", str(output)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "[2/1000]" in line:
            break
    analyzers = children(process.pid)
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130
    process.stderr.close()
    assert "the loads that were finished are kept" in rest
    run = read_run(only_folder(output))
    assert not run.complete
    assert len(run.levels) >= 1
    assert not [pid for pid in analyzers if Path(f"/proc/{pid}").exists()]
    assert not (SHM / "canvas").exists()


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


@pytest.mark.usefixtures("analyzer")
def test_a_picture_that_the_server_refuses_is_named(
    demo_server: TritonServer,
    scenario_file: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "broken.jpg").write_bytes(b"no picture")
    path = scenario_file("concurrency: 1")
    output = str(tmp_path / "results")
    command = ["run", str(path), "--images", str(images), "--output", output]
    assert main([*command, "--url", demo_server.grpc_url]) == 1
    assert f"error: {images / 'broken.jpg'}: " in capsys.readouterr().err


@pytest.fixture
def birds_repository(demo_repository: Path, tmp_path: Path) -> Path:
    """The demo's build under the name of birds."""
    repository = tmp_path / "repository"
    for name, birds in zip(ModelNames(), ModelNames("birds"), strict=True):
        shutil.copytree(demo_repository / name, repository / birds)
    for config in repository.rglob("*.pbtxt"):
        config.write_text(config.read_text().replace('"mask_rcnn', '"birds'))
    return repository


@pytest.mark.long
@pytest.mark.usefixtures("analyzer")
def test_a_build_of_another_name_is_measured_and_reported_under_it(
    birds_repository: Path, scenario_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = scenario_file("concurrency: 1", "network: recorded", *SHORT)
    output = tmp_path / "results"
    repository = ["--repository", str(birds_repository), "--model-config-name", "onnxruntime"]
    assert main(["run", str(path), *repository, "--model", "birds", "--output", str(output)]) == 0
    run = read_run(only_folder(output))
    assert run.scenario.model == "birds"
    assert set(run.models) == set(run.levels[0].statistics) == set(ModelNames("birds"))
    assert main(["report", str(output)]) == 0
    text = (output / "report.html").read_text()
    assert "Performance of birds, served" in text
    assert "network (recorded)" in text


@pytest.mark.usefixtures("analyzer")
def test_a_build_that_the_server_does_not_have_is_told_with_those_that_it_has(
    demo_server: TritonServer,
    scenario_file: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = scenario_file("concurrency: 1", "model: birds")
    command = ["run", str(path), "--url", demo_server.grpc_url]
    assert main([*command, "--output", str(tmp_path / "results")]) == 1
    message = capsys.readouterr().err
    assert f"error: the server at {demo_server.grpc_url}: no build birds there" in message
    assert "Builds there: mask_rcnn" in message


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file"),
        (
            ["run", "{scenario}", "--images", "/nowhere", "--url", "127.0.0.1:1"],
            "no such file or folder: /nowhere",
        ),
        (["run", "{scenario}", "--repository", "/nowhere"], "repository: no such folder: /nowhere"),
        (
            ["run", "{scenario}", "--repository", str(ROOT / "model_repository"), "--model", "a"],
            "no build a there: without a, a_preprocess, a_network, a_postprocess. "
            "Builds there: mask_rcnn; --model says which",
        ),
        (["run", "{recorded}", "--url", "127.0.0.1:1"], "leave out --url"),
        (["report", "/nowhere"], "/nowhere: no such folder"),
    ],
)
def test_what_cannot_be_done_is_one_error_line(
    scenario_file: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    files = {
        "scenario": scenario_file("concurrency: 1"),
        "recorded": scenario_file("concurrency: 1", "network: recorded", name="recorded.yaml"),
    }
    assert main([argument.format(**files) for argument in arguments]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert reason in message
    assert "Traceback" not in message


@pytest.mark.usefixtures("analyzer")
def test_a_server_that_is_not_there_is_explained(
    scenario_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scenario_file("concurrency: 1")
    command = ["run", str(path), "--url", "127.0.0.1:1", "--output", str(tmp_path / "results")]
    assert main(command) == 1
    message = capsys.readouterr().err
    assert "error: the server at 127.0.0.1:1" in message
    assert "python -m server" in message
