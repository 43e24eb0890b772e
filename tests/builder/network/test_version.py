from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builder.network import version
from builder.network.version import CODE, network_version


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the network's code, in place of it."""
    copy = shutil.copytree(CODE, tmp_path / "network")
    monkeypatch.setattr(version, "CODE", copy)
    return copy


def test_where_the_code_lies_does_not_matter(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = network_version()
    monkeypatch.setattr(version, "CODE", CODE)
    assert network_version() == copied


@pytest.mark.parametrize("file", ["layers.py", "operators/nms.py", "backbones/new.py"])
def test_it_differs_once_a_file_does_in_whichever_folder(code: Path, file: str) -> None:
    before = network_version()
    (code / file).write_text("STRIP = 2000\n")
    assert network_version() != before


def test_it_differs_with_another_onnxscript(monkeypatch: pytest.MonkeyPatch) -> None:
    before = network_version()
    monkeypatch.setattr(version, "version", lambda name: f"another {name}")
    assert network_version() != before
