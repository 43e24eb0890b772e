"""Signs of life from a build that takes minutes, and a way to end it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

INTERVAL_SECONDS = 2.0


def make_progress_monitor(
    trt: Any,
    report: Callable[[str], None],
    cancelled: threading.Event,
    interval_seconds: float = INTERVAL_SECONDS,
) -> Any:
    """A progress monitor for the bindings `trt`.

    Args:
        report: is given a line such as "Timing tactics 1/3, Timing graph nodes 2/13", at most
            one in `interval_seconds`.
        cancelled: once it is set, the build ends at its next step.
    """

    class ProgressMonitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.lock = threading.Lock()  # TensorRT calls from threads of its own too.
            self.phases: dict[str, list[int]] = {}  # steps done and steps in all, outermost first
            self.reported = time.monotonic()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with self.lock:
                self.phases[phase_name] = [0, num_steps]

        def phase_finish(self, phase_name: str) -> None:
            with self.lock:
                self.phases.pop(phase_name, None)

        def step_complete(self, phase_name: str, step: int) -> bool:
            with self.lock:
                if phase_name in self.phases:
                    self.phases[phase_name][0] = step + 1
                now = time.monotonic()
                if now - self.reported >= interval_seconds:
                    self.reported = now
                    innermost = list(self.phases.items())[-2:]
                    report(", ".join(f"{name} {done}/{all_}" for name, (done, all_) in innermost))
            return not cancelled.is_set()

    return ProgressMonitor()


@contextmanager
def ctrl_c_cancels() -> Iterator[threading.Event]:
    """Sets the event at Ctrl-C, and raises KeyboardInterrupt only at the end of the body.

    An exception must not pass through TensorRT, which would end the whole process.
    """
    cancelled = threading.Event()
    handler = signal.signal(signal.SIGINT, lambda *_: cancelled.set())
    try:
        yield cancelled
    finally:
        signal.signal(signal.SIGINT, handler)
    if cancelled.is_set():
        raise KeyboardInterrupt
