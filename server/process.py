"""A running tritonserver, together with the processes of its python models."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
POLL_SECS = 0.1
KILLED_POLL_SECS = 0.01
KILLED_WITHIN_SECS = 10.0
DEAD = "ZX"  # proc_pid_stat(5)


class Process:
    """One that also ends when the thread that started it does, even by SIGKILL.

    Args:
        command: tritonserver and its options.
        environment: the whole of it.
        log: where all that is printed goes.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: BinaryIO
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid()), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A process group of its own: Ctrl-C in the terminal is for the launcher alone.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """tritonserver's process id."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether tritonserver, though not its python models, has ended."""
        # WNOWAIT leaves its id in use, so that no signal sent to it later can reach a stranger.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return (
            self._process.returncode is not None
            or os.waitid(os.P_PID, self._process.pid, flags) is not None
        )

    def end(self, grace_secs: float) -> None:
        """Ends it and its python models, by force after ``grace_secs``; may be repeated."""
        if self._process.returncode is not None:
            return
        group = self._process.pid
        try:
            os.kill(group, signal.SIGTERM)
            deadline = time.monotonic() + grace_secs
            while not self.has_ended() and time.monotonic() < deadline:
                time.sleep(POLL_SECS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            # Its python models are not its own children: the system takes a while to end them.
            deadline = time.monotonic() + KILLED_WITHIN_SECS
            while _has_living(group) and time.monotonic() < deadline:
                time.sleep(KILLED_POLL_SECS)
            # Not earlier: until then, no stranger can have the group's id.
            self._process.wait()
            # Process 1 of a container inherits the python models, and has to bury them too.
            with suppress(ChildProcessError):
                while True:
                    os.waitpid(-group, 0)


def _has_living(group: int) -> bool:
    """Whether the process group has a member that is neither dead nor a zombie."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        # The name before them, in parentheses, may itself hold parentheses and spaces.
        state, _, member_of = stat.rpartition(") ")[2].split()[:3]
        if int(member_of) == group and state not in DEAD:
            return True
    return False
