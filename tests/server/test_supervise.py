"""Python models that lose their processes, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from server import supervise
from server.errors import ServerError
from server.launch import TritonServer
from tests.server.traces import Traces

DYING = """
import os
import pathlib
import threading


class TritonPythonModel:
    def initialize(self, args):
        lives = pathlib.Path(args["model_repository"]) / "lives"
        lives.write_text(lives.read_text()[1:] if lives.exists() else "{lives}")
        if not lives.read_text():
            raise ValueError("no life left")
        threading.Timer(1, os._exit, [1]).start()
"""


@pytest.fixture
def dying_repository(tmp_path: Path, add_model: Callable[..., None]) -> Callable[[int], Path]:
    """A model whose process ends a second after each start, and that starts so many times."""

    def write(starts: int) -> Path:
        repository = tmp_path / "repository"
        add_model(repository, "dying", DYING.format(lives="*" * starts))
        return repository

    return write


def test_a_model_that_dies_again_and_again_is_given_up(
    dying_repository: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "MOST_RESTARTS", 0)
    repository = dying_repository(1)
    with (
        pytest.raises(ServerError, match=r"a process of dying has died, .* 0 times .*: giving up"),
        TritonServer(repository) as server,
    ):
        list(supervise.supervise(server))
    assert Traces.of(repository).processes == {}


def test_a_model_that_does_not_load_again_is_told_with_its_reason(
    dying_repository: Callable[[int], Path], tmp_path: Path
) -> None:
    repository = dying_repository(1)
    server = TritonServer(repository, log_path=tmp_path / "log")
    server.start()
    traces = Traces.of(repository)
    with pytest.raises(ServerError, match="dying: ValueError: no life left"):
        list(supervise.supervise(server))
    assert traces.left() == []
    assert Traces.of(repository).processes == {}
