from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.errors import PerfError
from perf.result import Run, read_run
from perf.runner.analyzer import Analyzer, find_perf_analyzer
from server.launch import TritonServer

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
"""Real results on the demo: of the pipeline, and of the pipeline with a recorded network."""

SCENARIO = f"""
title: A scenario for tests
repository: {ROOT / "demo/output/model_repository"}
model_config_name: onnxruntime
images: {ROOT / "demo/val/images"}
"""


@pytest.fixture(scope="session")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    """The perf_analyzer of this machine."""
    try:
        return find_perf_analyzer(tmp_path_factory.mktemp("libraries"), os.environ)
    except PerfError as error:
        pytest.skip(str(error))


@pytest.fixture
def scenario_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a scenario with these lines beside the ones that every scenario needs."""

    def write(*lines: str, name: str = "tested.yaml") -> Path:
        path = tmp_path / name
        path.write_text(SCENARIO + "\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def demo_address(demo_server: TritonServer, tmp_path: Path) -> list[str]:
    """The options by which `python -m perf run` measures the demo's server."""
    key = tmp_path / "access_key"
    key.write_text(demo_server.access_key)
    return ["--url", demo_server.grpc_url, "--access-key-file", str(key)]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of the real results that a test may change."""
    return Path(shutil.copytree(RESULTS, tmp_path / "results"))


@pytest.fixture
def run() -> Run:
    """The real result of the pipeline, at concurrency 1 and 4."""
    return read_run(RESULTS / "short")


@pytest.fixture
def birds(tmp_path: Path) -> Run:
    """The same result, of a build called birds."""
    text = (RESULTS / "short" / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace("mask_rcnn", "birds"))
    return read_run(tmp_path)


@pytest.fixture
def capacity_run() -> Run:
    """The real result of the pipeline with a recorded network."""
    return read_run(RESULTS / "short_pipeline_capacity")
