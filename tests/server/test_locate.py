from __future__ import annotations

from pathlib import Path

import pytest

from server import locate, wheel
from server.errors import ServerError
from server.locate import find_tritonserver


def make_installation(folder: Path) -> Path:
    binary = folder / "bin" / "tritonserver"
    binary.parent.mkdir(parents=True)
    binary.touch(0o755)
    (folder / "backends").mkdir()
    return binary


@pytest.fixture
def no_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "CONTAINER_BINARY", tmp_path / "no" / "container")


def test_one_on_path_comes_first_and_keeps_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = make_installation(tmp_path / "on_path")
    monkeypatch.setattr(locate, "CONTAINER_BINARY", make_installation(tmp_path / "container"))
    environment = {"PATH": str(on_path.parent)}
    found = find_tritonserver(tmp_path, environment)
    assert found.binary == on_path
    assert found.backends == tmp_path / "on_path" / "backends"
    assert found.environment == environment


def test_the_containers_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container = make_installation(tmp_path / "container")
    monkeypatch.setattr(locate, "CONTAINER_BINARY", container)
    assert find_tritonserver(tmp_path, {"PATH": "/nowhere"}).binary == container


@pytest.mark.usefixtures("no_container")
def test_the_wheels_comes_third(tmp_path: Path) -> None:
    found = find_tritonserver(tmp_path, {"PATH": "/nowhere"})
    assert found.binary.match("pytriton/tritonserver/bin/tritonserver")
    assert found.source == "from the nvidia-pytriton==0.7.0 wheel"


@pytest.mark.usefixtures("no_container")
def test_where_there_is_none_the_places_and_the_remedy_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "find", lambda: None)
    with pytest.raises(ServerError) as error:
        find_tritonserver(tmp_path, {"PATH": "/nowhere"})
    assert f"none on PATH, none at {tmp_path}/no/container" in str(error.value)
    assert "pip install nvidia-pytriton==0.7.0 'numpy<2' (Python 3.10 to 3.12)" in str(error.value)
