from __future__ import annotations

import os
import signal
import threading

import pytest

from builder.tensorrt.bindings import Bindings
from builder.tensorrt.progress import ctrl_c_cancels, make_progress_monitor


def test_the_innermost_phases_are_reported_with_their_steps(rtx: Bindings) -> None:
    lines: list[str] = []
    monitor = make_progress_monitor(rtx.trt, lines.append, threading.Event(), interval_seconds=0)
    monitor.phase_start("Building engine", None, 6)
    monitor.phase_start("Timing tactics", "Building engine", 3)
    monitor.phase_start("Timing graph nodes", "Timing tactics", 13)
    assert monitor.step_complete("Timing graph nodes", 4)
    monitor.phase_finish("Timing graph nodes")
    assert monitor.step_complete("Timing tactics", 0)
    assert lines == [
        "Timing tactics 0/3, Timing graph nodes 5/13",
        "Building engine 0/6, Timing tactics 1/3",
    ]


def test_little_is_said_of_a_build_that_is_quick(rtx: Bindings) -> None:
    lines: list[str] = []
    monitor = make_progress_monitor(rtx.trt, lines.append, threading.Event(), interval_seconds=60)
    monitor.phase_start("Building engine", None, 2)
    assert monitor.step_complete("Building engine", 0)
    assert lines == []


def test_ctrl_c_ends_the_build_at_its_next_step(rtx: Bindings) -> None:
    def build() -> None:
        with ctrl_c_cancels() as cancelled:
            monitor = make_progress_monitor(rtx.trt, print, cancelled)
            assert monitor.step_complete("Building engine", 0)
            os.kill(os.getpid(), signal.SIGINT)
            assert not monitor.step_complete("Building engine", 1)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        build()
    assert signal.getsignal(signal.SIGINT) == before
