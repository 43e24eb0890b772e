"""Commands that run elsewhere than in the clone, as after an editable install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DEMO, ROOT


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # What `pip install --editable` does is to let this folder's packages be found.
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("folder", ["elsewhere", "à b/モデル"])
def test_a_repository_is_built_and_inspected_in_any_folder(folder: str, tmp_path: Path) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    build = run(
        place,
        *("builder", "build", "--config", DEMO / "mask_rcnn_R_50_C4_shapes.yaml"),
        *("--weights", DEMO / "mask_rcnn_R_50_C4_shapes.pkl"),
        *("--categories", DEMO / "val/instances.json", "--repository", "modèles à moi"),
    )
    assert build.returncode == 0, build.stderr
    assert "--repository 'modèles à moi'" in build.stdout
    for code in (ROOT / "model_repository").glob("mask_rcnn_*/1/*.py"):
        copied = place / "modèles à moi" / code.relative_to(ROOT / "model_repository")
        assert not copied.is_symlink()
        assert copied.read_bytes() == code.read_bytes()
    assert "model.onnx: fits" in run(place, "builder", "inspect", "modèles à moi").stdout


@pytest.mark.parametrize("package", ["builder", "client", "perf", "server"])
def test_every_command_is_found_in_any_folder(package: str, tmp_path: Path) -> None:
    assert f"usage: python -m {package}" in run(tmp_path, package, "--help").stdout
