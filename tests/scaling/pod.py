"""`python -m server` at an address of its own, as a pod runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import tritonclient.grpc

from tests.reliability.service import ROOT, children, wait_until

MODEL = "mask_rcnn"


class Pod:
    """A server that can be killed, stopped and started again; it is at the same place every time.

    Args:
        address: one of 127.0.0.0/8.
        folder: an existing one, for what it prints.
    """

    def __init__(
        self, address: str, *, http_port: int, grpc_port: int, repository: Path, folder: Path
    ) -> None:
        self.address = address
        self.grpc_url = f"{address}:{grpc_port}"
        self.repository = repository
        self.http_port = http_port
        self.grpc_port = grpc_port
        self._printed = folder / f"{address}.txt"

    def start(self) -> None:
        """Returns at once; see `wait_until_ready`."""
        with self._printed.open("wb") as printed:
            self._launcher = subprocess.Popen(
                [
                    *(sys.executable, "-m", "server", "--repository", self.repository),
                    *("--model-config-name", "onnxruntime", "--host", self.address),
                    *("--http-port", str(self.http_port), "--grpc-port", str(self.grpc_port)),
                    *("--metrics-port", "0", "--exit-timeout-secs", "10"),
                ],
                cwd=ROOT,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        wait_until(lambda: "Ready:" in self._text() or self._has_ended(), "a pod is ready")
        assert not self._has_ended(), self._text()

    def kill(self) -> None:
        """As a machine that loses its power: all processes end at once."""
        tritonservers = children(self._launcher.pid)
        self._launcher.kill()
        for tritonserver in tritonservers:
            with suppress(ProcessLookupError):
                os.killpg(tritonserver, signal.SIGKILL)
        self._launcher.wait()

    def terminate(self) -> None:
        """Returns at once; see `stop`."""
        if not self._has_ended():
            self._launcher.terminate()

    def stop(self) -> None:
        """As the kubelet does, when preStop has ended; may be repeated."""
        self.terminate()
        self._launcher.wait()

    def answered(self) -> int:
        """Requests that it has answered since it was started."""
        with tritonclient.grpc.InferenceServerClient(self.grpc_url) as client:
            (statistics,) = client.get_inference_statistics(MODEL).model_stats
        return int(statistics.inference_stats.success.count)

    def version(self) -> str:
        """Of the model that it serves."""
        with tritonclient.grpc.InferenceServerClient(self.grpc_url) as client:
            (version,) = client.get_model_metadata(MODEL).versions
        return str(version)

    def _has_ended(self) -> bool:
        return self._launcher.poll() is not None

    def _text(self) -> str:
        return self._printed.read_text(errors="replace")
