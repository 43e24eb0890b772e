"""Outside the tests no model's folder is on Python's path, so each is tried in a new process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = [
    (file.parts[-3], file.stem)
    for file in sorted((ROOT / "model_repository").glob("*/1/*.py"))
    if "triton_python_backend_utils" not in file.read_text()
]


@pytest.mark.parametrize(("model", "name"), MODULES)
def test_a_module_of_a_model_is_imported_with_its_neighbours(model: str, name: str) -> None:
    code = (
        "from builder.repository.served_code import served_module; "
        f"served_module({model!r}, {name!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_picture_is_prepared_for_calibration() -> None:
    code = """
from pathlib import Path
from builder.network import load_config
from builder.quantization.pictures import network_inputs
config = load_config("demo/mask_rcnn_R_50_C4_shapes.yaml")
print(network_inputs(Path("demo/val/images/000000.jpg"), config)["canvas"].shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("(1, 2"), done.stderr
