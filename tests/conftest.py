"""The demo model, built and served once for all tests that need it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.launch import TritonServer

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"


@pytest.fixture(scope="session")
def demo_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model repository of the demo model, as ``python -m builder build`` writes it."""
    repository = tmp_path_factory.mktemp("demo") / "repository"
    build = subprocess.run(
        [
            *(sys.executable, "-m", "builder", "build"),
            *("--config", DEMO / "mask_rcnn_R_50_C4_shapes.yaml"),
            *("--weights", DEMO / "mask_rcnn_R_50_C4_shapes.pkl"),
            *("--categories", DEMO / "val" / "instances.json"),
            *("--repository", repository),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return repository


@pytest.fixture(scope="session")
def demo_server(
    demo_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TritonServer]:
    """A tritonserver on the demo repository, with ONNX Runtime, on free ports of 127.0.0.1."""
    log_path = tmp_path_factory.mktemp("demo_server") / "tritonserver.log"
    with TritonServer(
        demo_repository, model_config_name="onnxruntime", log_path=log_path
    ) as server:
        yield server
