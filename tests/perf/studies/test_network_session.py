from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from artifact.names import ModelNames
from perf.errors import PerfError
from perf.studies.network_session import network_session

NAMES = ModelNames()


@pytest.fixture
def network_folder(demo_repository: Path, tmp_path: Path) -> Path:
    """That of the demo, for a test to spoil; `tmp_path` is its repository."""
    folder = tmp_path / NAMES.network_folder
    shutil.copytree(demo_repository / NAMES.network_folder, folder)
    return folder


def test_the_network_answers_as_it_does_when_served(network_folder: Path, tmp_path: Path) -> None:
    canvas = np.zeros((1, 64, 96, 3), np.uint8)
    size = np.array([[64, 96]], np.int32)
    session = network_session(tmp_path, NAMES)
    outputs = [output.name for output in session.get_outputs()]
    assert outputs[:2] == ["num_detections", "boxes"]
    count, *_ = session.run(None, {"canvas": canvas, "image_size": size})
    assert count.shape == (1, 1)


def test_without_onnx_runtime_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PerfError, match=r"pip install --editable \.\[perf\].*onnxruntime-gpu"):
        network_session(tmp_path, NAMES)


def test_a_damaged_network_is_named(network_folder: Path, tmp_path: Path) -> None:
    (network_folder / "model.onnx").write_bytes(b"no network")
    with pytest.raises(PerfError, match=r"model\.onnx: ONNX Runtime refuses it: "):
        network_session(tmp_path, NAMES)


def test_a_network_without_its_code_is_no_build(network_folder: Path, tmp_path: Path) -> None:
    (network_folder / "cuda_network.py").unlink()
    with pytest.raises(PerfError, match=r"there is no .*cuda_network\.py; build the repository"):
        network_session(tmp_path, NAMES)
