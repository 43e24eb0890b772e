from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from perf.__main__ import main
from tests.perf.studies.conftest import DataSet

DEMO = Path(__file__).parents[3] / "demo"


def has(python: str, *modules: str) -> bool:
    imports = f"import {', '.join(modules)}"
    return subprocess.run([python, "-c", imports], capture_output=True, check=False).returncode == 0


def has_cuda() -> bool:
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def side_by_side(repository: Path, pictures: DataSet, *options: str) -> list[str]:
    return [
        *("side-by-side", "--config", str(DEMO / "mask_rcnn_R_50_C4_shapes.yaml")),
        *("--weights", str(DEMO / "mask_rcnn_R_50_C4_shapes.pkl")),
        *("--repository", str(repository), *pictures.options, *options),
    ]


@pytest.mark.skipif(has(sys.executable, "detectron2"), reason="this Python has detectron2")
def test_a_python_without_detectron2_is_told_before_anything_is_measured(
    two_pictures: DataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "figures.json"
    command = side_by_side(tmp_path / "nowhere", two_pictures, "--output", str(output))
    assert main(command) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"error: --detectron2-python {sys.executable}: ")
    assert "it needs detectron2, PyTorch and a GPU" in message
    assert "ModuleNotFoundError: No module named " in message
    assert not output.exists()


def test_a_python_that_is_not_there_is_named(
    two_pictures: DataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--detectron2-python", "/no/python"]
    assert main(side_by_side(tmp_path, two_pictures, *options)) == 1
    expected = "error: --detectron2-python /no/python: No such file or directory\n"
    assert capsys.readouterr().err == expected


def test_a_repository_that_is_not_there_is_named(
    two_pictures: DataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--detectron2-python", "/bin/true"]  # stands for one that has detectron2
    assert main(side_by_side(tmp_path / "nowhere", two_pictures, *options)) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert str(tmp_path / "nowhere") in message


@pytest.mark.skipif(
    not (has(sys.executable, "detectron2", "torch") and has_cuda()),
    reason="needs detectron2, PyTorch and onnxruntime-gpu in this Python, and a GPU",
)
def test_both_are_measured_and_compared(
    demo_repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "figures.json"
    all_pictures = DataSet(DEMO / "val" / "images", DEMO / "val" / "instances.json")
    options = ["--concurrency", "4", "--output", str(output)]
    assert main(side_by_side(demo_repository, all_pictures, *options)) == 0
    table = capsys.readouterr().out
    assert "served, 4 requests in flight" in table
    assert "ONNX Runtime, CUDA" in table
    figures = json.loads(output.read_text())
    assert figures["served_images_per_second"]["4"] > 0
    assert figures["detectron2"]["fp16"]["model_ms_batch_8"] > 0
