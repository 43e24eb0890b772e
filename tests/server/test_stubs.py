"""Made-up python models, as children of this process in place of tritonserver's."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from server.stubs import PROGRAM, StubWatch

Start = Callable[..., Popen[bytes]]


def watch_over(**instances: int) -> StubWatch:
    """A watch over this process's children, where Triton would have so many of each model."""
    return StubWatch(os.getpid(), lambda model: instances.get(model, 0))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process named ``program`` for the model ``name``."""
    with ExitStack() as cleanup:

        def run(name: str, program: str = PROGRAM) -> Popen[bytes]:
            code = tmp_path / "repository" / name / "1" / "model.py"
            code.parent.mkdir(parents=True, exist_ok=True)
            code.write_text("print(flush=True)\nimport time\ntime.sleep(600)\n")
            process = cleanup.enter_context(
                Popen(
                    [f"/somewhere/{program}", code, "region"],
                    executable=sys.executable,
                    stdout=PIPE,
                )
            )
            cleanup.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            return process

        yield run


def kill(process: Popen[bytes]) -> None:
    process.kill()
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0] != "Z":
        time.sleep(0.01)


def test_a_model_whose_process_stays_dead_is_found(start: Start) -> None:
    first, _, _ = start("one"), start("one"), start("two")
    watch = watch_over(one=2, two=1)
    assert watch.dead_models() == []
    kill(first)
    assert watch.dead_models() == []
    assert watch.dead_models() == ["one"]
    assert watch.dead_models() == ["one"]


def test_a_process_that_triton_reaped_when_asked_whether_it_is_ready_is_found(start: Start) -> None:
    """As Triton does since 2.64, before anybody sees that it is dead."""
    first, _ = start("one"), start("one")
    watch = watch_over(one=2)
    kill(first)
    first.wait()
    assert watch.dead_models() == []
    assert watch.dead_models() == ["one"]


def test_a_server_that_does_not_answer_for_a_while_is_asked_again(start: Start) -> None:
    first, _ = start("one"), start("one")
    answers = iter([None, 2, None, 2, 2])
    watch = StubWatch(os.getpid(), lambda model: next(answers))
    kill(first)
    assert [watch.dead_models() for _ in range(5)] == [[], [], [], [], ["one"]]


@pytest.mark.parametrize("instances", [0, 1], ids=["unloaded", "loaded anew with fewer"])
def test_a_process_that_triton_needs_no_more_is_not_missed(start: Start, instances: int) -> None:
    unloaded, _ = start("one"), start("one")
    watch = watch_over(one=instances)
    watch.dead_models()
    kill(unloaded)
    watch.dead_models()
    unloaded.wait()
    assert watch.dead_models() == []


def test_a_process_that_another_one_replaces_is_not_missed(start: Start) -> None:
    first = start("one")
    watch = watch_over(one=1)
    kill(first)
    first.wait()
    assert watch.dead_models() == []
    start("one")
    assert watch.dead_models() == []
    assert watch.dead_models() == []


def test_other_processes_may_die(start: Start) -> None:
    other = start("one", program="nvidia-smi")
    watch = watch_over(one=1)
    watch.dead_models()
    kill(other)
    watch.dead_models()
    assert watch.dead_models() == []


def test_a_process_that_dies_right_after_the_watch_began_is_found(start: Start) -> None:
    first = start("one")
    watch = watch_over(one=1)
    kill(first)
    watch.dead_models()
    assert watch.dead_models() == ["one"]
