from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server.libnvinfer import linked_library, tensorrt_version, version_in_name
from server.locate import Installation


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("libnvinfer.so.10.16.1", "10.16.1"),
        ("libnvinfer.so.8.6.1.6", "8.6.1.6"),
        ("libnvinfer.so.10", None),
        ("libnvinfer.so", None),
        ("libnvinfer_plugin.so.old", None),
    ],
)
def test_the_version_is_in_the_librarys_name(name: str, version: str | None) -> None:
    assert version_in_name(Path("/usr/lib") / name) == version


def test_the_library_is_the_one_that_the_loader_takes() -> None:
    library = linked_library(Path(sys.executable), "libc.so")
    assert library is not None
    assert library.name.startswith("libc.so.")
    assert library.exists()


def test_a_library_that_is_not_linked_is_not_found() -> None:
    assert linked_library(Path(sys.executable), "libnvinfer.so") is None


def test_a_tritonserver_without_the_backend_has_no_version(tmp_path: Path) -> None:
    assert tensorrt_version(Installation("", tmp_path / "tritonserver", tmp_path, {})) is None
