"""docker/Dockerfile, as far as it can be checked without building it."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.docker.conftest import RunHere

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TEXT = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
STAGES = {
    stage.partition("\n")[0].rpartition(" AS ")[2]: stage
    for stage in re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]
}
IMAGES = ("builder", "server", "client")
COPIED = re.findall(r"^COPY (?!--from)(\S+)", TEXT, flags=re.MULTILINE)


def test_hadolint_has_no_complaint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_is_in_the_context(source: str) -> None:
    assert (ROOT / source).exists()
    ignored, *exceptions = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line == "*" or line.startswith("!")
    ]
    assert ignored == "*"
    allowed = {line.rstrip("/") for line in exceptions}
    assert allowed & {f"!{path}" for path in (source, *map(str, Path(source).parents))}


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_copied_is_enough_for_the_command_and_for_every_link(
    image: str, tmp_path: Path
) -> None:
    for source, target in re.findall(r"^COPY (?!--from)(\S+) (\S+)$", STAGES[image], re.MULTILINE):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target, symlinks=True)
        else:
            (tmp_path / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, tmp_path / target)
    help_ = subprocess.run(
        [sys.executable, "-m", image, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert help_.returncode == 0, help_.stderr
    links = [path for path in tmp_path.rglob("*") if path.is_symlink()]
    assert [link for link in links if tmp_path not in link.resolve(strict=True).parents] == []


@pytest.mark.parametrize("image", IMAGES)
def test_images_run_as_an_ordinary_user(image: str) -> None:
    assert re.findall(r"^USER (.*)$", STAGES[image], flags=re.MULTILINE)[-1] == "1000:1000"


@pytest.mark.parametrize("image", IMAGES)
def test_the_default_command_is_one(image: str, run_here: RunHere) -> None:
    (command,) = re.findall(r"^CMD (.*)$", STAGES[image], flags=re.MULTILINE)
    result = run_here(json.loads(command))
    assert result.returncode in (0, 1), result.stderr
    assert "Traceback" not in result.stderr


def test_the_server_has_what_the_python_models_import() -> None:
    (packages,) = re.findall(r"pip install (.*?) &&", STAGES["triton"])
    installed = set(packages.split())
    for code in ROOT.glob("model_repository/*/1/*.py"):
        if code.name.startswith("torch_"):
            continue  # The image serves plans; PyTorch would double its size.
        for module in imported_packages(code):
            assert installed & set(packages_distributions()[module]), f"{code}: {module}"


def imported_packages(code: Path) -> set[str]:
    """The modules that come neither with Python nor with Triton nor lie beside `code`."""
    names = set()
    for node in ast.walk(ast.parse(code.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module.partition(".")[0])
    neighbours = {neighbour.stem for neighbour in code.parent.glob("*.py")}
    return names - sys.stdlib_module_names - neighbours - {"triton_python_backend_utils"}
