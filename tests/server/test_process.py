"""Processes in the place of tritonserver and its python models."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.process import Process

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@pytest.fixture
def inherits_orphans() -> Iterator[None]:
    """As process 1 does."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0)


@pytest.fixture
def parent_and_child(tmp_path: Path) -> Iterator[tuple[Process, int]]:
    """A process that would go on for ten minutes, and the id of a child of it that does so too."""
    log_path = tmp_path / "log"
    with log_path.open("wb") as log:
        process = Process(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], os.environ, log)
    while not log_path.read_text().endswith("\n"):
        time.sleep(0.01)
    yield process, int(log_path.read_text())
    process.end(grace_secs=0)


@pytest.mark.usefixtures("inherits_orphans")
def test_an_inherited_child_is_ended_and_buried(parent_and_child: tuple[Process, int]) -> None:
    process, child = parent_and_child
    assert not process.has_ended()
    process.end(grace_secs=60)
    assert process.has_ended()
    assert not Path(f"/proc/{child}").exists()


def test_a_child_that_takes_a_while_to_die_is_waited_for(
    parent_and_child: tuple[Process, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does on a busy machine, or with much memory to give back."""
    process, child = parent_and_child

    def killpg(group: int, sent: int) -> None:
        os.kill(group, sent)
        slow_death = threading.Timer(0.5, os.kill, (child, signal.SIGKILL))
        slow_death.start()

    monkeypatch.setattr(os, "killpg", killpg)
    process.end(grace_secs=60)
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or stat.read_text().rpartition(") ")[2][0] == "Z"


def test_it_may_be_ended_again(parent_and_child: tuple[Process, int]) -> None:
    process, _ = parent_and_child
    process.end(grace_secs=60)
    process.end(grace_secs=60)
    assert process.has_ended()
