"""`client bulk` in a process of its own, with Ray's, which are known by their TMPDIR."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client.bulk.conftest import PACKAGES

ROOT = Path(__file__).parents[3]
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
"""127.0.0.1 in /proc/net/tcp and tcp6."""

_LISTEN = "0A"


class RayRuns:
    """Runs with one TMPDIR."""

    def __init__(self, temporary: Path) -> None:
        self.temporary = temporary
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(PACKAGES),
            "TMPDIR": str(temporary),
            "HOME": str(temporary),
            # Ray would end its workers when others take up the machine's memory.
            "RAY_memory_monitor_refresh_ms": "0",
        }

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """The command, under way."""
        return subprocess.Popen(
            [sys.executable, "-m", "client", "bulk", *map(str, arguments)],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, *arguments: object) -> str:
        """What a run prints that ends well, with no process left behind."""
        process = self.start(*arguments)
        printed, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        self.wait_for_the_last()
        assert not [*self.temporary.iterdir()]
        return printed + errors

    def wait_for_the_last(self) -> None:
        """Until no process is left. Ray's agents take up to a minute to see that theirs is dead."""
        give_up_at = time.monotonic() + 120
        while self.processes():
            assert time.monotonic() < give_up_at
            time.sleep(0.2)

    def processes(self, name: str = "") -> list[int]:
        """The ids of those that live, with `name` in their command line."""
        marker = f"\0TMPDIR={self.temporary}\0".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if marker not in b"\0" + (folder / "environ").read_bytes():
                    continue
                if name.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:  # it has just ended
                continue
        return found

    def listening_addresses(self) -> set[str]:
        """Those of the TCP sockets of all processes, as /proc/net has them."""
        inodes = set()
        for process in self.processes():
            for descriptor in Path(f"/proc/{process}/fd").iterdir():
                try:
                    inodes.add(os.readlink(descriptor))
                except OSError:  # it has just been closed
                    continue
        found = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == _LISTEN and f"socket:[{inode}]" in inodes:
                    found.add(local.partition(":")[0])
        return found


@contextmanager
def ray_runs() -> Iterator[RayRuns]:
    """Skips the test where there is no Ray."""
    if not (PACKAGES / "ray").is_dir():
        pytest.skip("`make test` installs Ray into .venv/ray")
    # Ray's sockets allow no long path.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
        yield RayRuns(Path(folder))
