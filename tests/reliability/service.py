"""`python -m server` as a process of its own, as a person starts it, and the processes below it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"^  (gRPC|HTTP|metrics) +(?:http://)?([^/\s]+)", re.MULTILINE)
START_SECS = 120.0
POLL_SECS = 0.02

ACCESS_KEY = "the-key-of-this-test"


def wait_until(condition: Callable[[], bool], what: str, seconds: float = START_SECS) -> None:
    """Returns when `condition` holds; a failure that says `what` after `seconds`."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"waited {seconds:.0f} s for this: {what}"
        time.sleep(POLL_SECS)


class Service:
    """The launcher on a repository; started again, it takes the same ports.

    Args:
        folder: an existing one, for what the processes print.
        options: for tritonserver itself.
    """

    def __init__(
        self, repository: Path, folder: Path, *, model_config_name: str, options: Sequence[str] = ()
    ) -> None:
        self._repository = repository
        self._model_config_name = model_config_name
        self._options = options
        self._key_file = folder / "access_key"
        self._key_file.write_text(ACCESS_KEY + "\n")
        self._printed = folder / "printed"
        self.log_path = folder / "tritonserver.log"
        self.addresses = {"gRPC": "127.0.0.1:0", "HTTP": "127.0.0.1:0", "metrics": "127.0.0.1:0"}

    @property
    def grpc_url(self) -> str:
        return self.addresses["gRPC"]

    def start(self) -> None:
        """Returns when every model is ready."""
        http, grpc, metrics = (
            self.addresses[name].rpartition(":")[2] for name in ("HTTP", "gRPC", "metrics")
        )
        with self._printed.open("wb") as printed:
            self._launcher = subprocess.Popen(
                [
                    *(sys.executable, "-m", "server", "--repository", self._repository),
                    *("--model-config-name", self._model_config_name),
                    *("--http-port", http, "--grpc-port", grpc, "--metrics-port", metrics),
                    *("--access-key-file", self._key_file, "--log-file", self.log_path),
                    *("--exit-timeout-secs", "1", "--", *self._options),
                ],
                cwd=ROOT,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: "Ready:" in self.printed() or self.ended(), "the server is ready")
        assert not self.ended(), self.printed()
        self.addresses = dict(ADDRESS.findall(self.printed()))

    def stop(self) -> None:
        """Ends it as Ctrl-C does; may be repeated."""
        if not self.ended():
            self._launcher.send_signal(signal.SIGINT)
        self._launcher.wait()

    def restart(self) -> None:
        """A new launcher and server."""
        self.stop()
        self.start()

    def wait(self) -> int:
        """Waits for the launcher to end by itself; returns its exit code."""
        return self._launcher.wait(START_SECS)

    def ended(self) -> bool:
        return self._launcher.poll() is not None

    def printed(self) -> str:
        """All that the launcher has said since it was started."""
        return self._printed.read_text(errors="replace")

    def tritonserver(self) -> int:
        """Its process id."""
        assert not self.ended(), f"the launcher ended by itself:\n{self.printed()}"
        (process,) = children(self._launcher.pid)
        return process

    def stubs(self, model: str) -> list[int]:
        """The processes of a python model: one for each instance."""
        return [
            process
            for process in children(self.tritonserver())
            if f"/{model}/".encode() in command_line(process)
        ]


def children(process: int) -> list[int]:
    """The process ids below one, of all its threads."""
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        found += map(int, thread.read_text().split())
    return found


def command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
