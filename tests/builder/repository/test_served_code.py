"""The checked-in modules are tried in new processes: only tests have their folders on the path."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from builder.repository import served_code
from builder.repository.served_code import served_module

ROOT = Path(__file__).parents[3]
TRITONS_SIDE = {"model", "step", "metrics"}
IN_PYTORCH = {"torch_network", "torch_operators", "torch_program"}
"""Imported in tests/model_repository, where there is PyTorch."""
MODULES = [
    (file.parts[-3], file.stem)
    for file in sorted((ROOT / "model_repository").glob("*/1/*.py"))
    if file.stem not in TRITONS_SIDE | IN_PYTORCH
]


EACH_IN_A_FORK = f"""
import os

from builder.repository.served_code import served_module

for model, name in {MODULES}:
    process = os.fork()
    if process == 0:
        served_module(model, name)
        os._exit(0)
    if os.waitpid(process, 0)[1] != 0:
        print(model, name)
"""


def test_a_module_beside_tritons_side_is_imported_with_its_neighbours_without_triton() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EACH_IN_A_FORK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout, done.stderr


def test_a_picture_is_prepared_for_calibration() -> None:
    code = """
from pathlib import Path
from builder.network import load_config
from builder.quantization.pictures import network_inputs
config = load_config("demo/mask_rcnn_R_50_C4_shapes.yaml")
print(network_inputs(Path("demo/val/images/000000.jpg"), config)["canvas"].shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.stdout.startswith("(1, 2"), done.stderr


@pytest.fixture
def two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models with modules of the same names, of which one imports the other."""
    for model in ("one", "other"):
        folder = tmp_path / model / "1"
        folder.mkdir(parents=True)
        (folder / "metrics.py").write_text(f"class Metrics:\n    model = {model!r}\n")
        (folder / "report.py").write_text("from metrics import Metrics\n")
    monkeypatch.setattr(served_code, "CHECKED_IN", tmp_path)


@pytest.mark.usefixtures("two_models")
def test_modules_of_equal_names_are_those_of_the_model_that_was_asked_for() -> None:
    assert served_module("one", "metrics").Metrics.model == "one"
    assert served_module("other", "metrics").Metrics.model == "other"
    assert served_module("other", "report").Metrics.model == "other"
    assert served_module("one", "report").Metrics.model == "one"


@pytest.mark.usefixtures("two_models")
def test_a_module_is_imported_once_for_its_model_and_all_its_neighbours() -> None:
    report = served_module("one", "report")
    assert served_module("one", "report") is report
    assert served_module("one", "metrics").Metrics is report.Metrics


@pytest.mark.usefixtures("two_models")
def test_a_module_of_the_same_name_on_pythons_path_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.py").write_text("THEIRS = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("report", "metrics"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    theirs = importlib.import_module("report")
    assert served_module("one", "report") is not theirs
    assert sys.modules["report"] is theirs
    assert "metrics" not in sys.modules
