"""``python -m server``, as a person starts and ends it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest
import tritonclient.grpc

from server.__main__ import main
from tests.server.traces import Traces

ROOT = Path(__file__).parents[2]
FREE_PORTS = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"]
DEADLINE_SECS = 60


@pytest.fixture
def launcher(echo_repository: Path) -> Iterator[Popen[str]]:
    """``python -m server`` on the echo repository, up to the first line that it prints."""
    process = Popen(
        [sys.executable, "-m", "server", "--repository", echo_repository, *FREE_PORTS],
        cwd=ROOT,
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
    deadline = threading.Timer(DEADLINE_SECS, process.kill)
    deadline.start()
    try:
        assert next_line(process) == "Ready: echo\n"
        yield process
    finally:
        deadline.cancel()
        process.kill()
        process.communicate()


def next_line(launcher: Popen[str]) -> str:
    """The next that it prints."""
    assert launcher.stdout is not None
    return launcher.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after(
    number: signal.Signals, launcher: Popen[str], echo_repository: Path
) -> None:
    assert re.fullmatch(r"  gRPC     127\.0\.0\.1:\d+\n", next_line(launcher))
    assert re.fullmatch(r"  HTTP     http://127\.0\.0\.1:\d+\n", next_line(launcher))
    traces = Traces.of(echo_repository)
    assert len(traces.processes) == 3, "the launcher, tritonserver and the model's process"
    assert len(traces.regions) == 1
    launcher.send_signal(number)
    _, errors = launcher.communicate(timeout=DEADLINE_SECS)
    if number == signal.SIGKILL:
        deadline = time.monotonic() + DEADLINE_SECS
        while traces.left() and time.monotonic() < deadline:
            time.sleep(0.1)
    else:
        assert launcher.returncode == 0
        assert errors.splitlines()[1:] == ["Stopping tritonserver"]
    assert traces.left() == []


def test_a_server_that_dies_is_reported(launcher: Popen[str], echo_repository: Path) -> None:
    traces = Traces.of(echo_repository)
    [server] = [pid for pid, line in traces.processes.items() if "/bin/tritonserver " in line]
    os.kill(server, signal.SIGKILL)
    _, errors = launcher.communicate(timeout=DEADLINE_SECS)
    assert launcher.returncode == 1
    assert errors.splitlines()[-1] == "error: tritonserver ended by itself"
    assert traces.left() == []


def test_a_model_whose_process_dies_is_served_again(
    launcher: Popen[str], echo_repository: Path
) -> None:
    url = next_line(launcher).split()[1]
    before = Traces.of(echo_repository)
    [model] = [
        pid for pid, line in before.processes.items() if "/triton_python_backend_stub " in line
    ]
    os.kill(model, signal.SIGKILL)
    assert launcher.stderr is not None
    assert any(line.startswith("Ready again, ") for line in launcher.stderr)
    numbers = tritonclient.grpc.InferInput("numbers", [1, 1], "FP32")
    numbers.set_data_from_numpy(np.array([[7]], np.float32))
    with tritonclient.grpc.InferenceServerClient(url) as client:
        assert client.infer("echo", [numbers]).as_numpy("echo").tolist() == [[7]]
    assert before.left() == [before.processes[launcher.pid]]
    after = Traces.of(echo_repository)
    launcher.terminate()
    assert launcher.wait(DEADLINE_SECS) == 0
    assert after.left() == []


def test_a_taken_port_is_named_with_its_holder(
    echo_repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status = main(["--repository", str(echo_repository), *FREE_PORTS, "--grpc-port", str(port)])
    assert status == 1
    name = Path("/proc/self/comm").read_text().strip()
    assert re.fullmatch(
        rf"error: port {port} is taken by {name} \(process \d+\); stop that one or choose another "
        r"port \(--grpc-port 0 takes a free one\)",
        capsys.readouterr().err.splitlines()[-1],
    )


@pytest.mark.parametrize(
    "arguments", [["--tls-key", "k"], ["--tls-certificate", "c"], ["--tls-client-ca", "a"]]
)
def test_tls_needs_certificate_and_key(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--repository", "models", *arguments])
    assert "--tls-certificate and --tls-key" in capsys.readouterr().err


def test_a_missing_repository_is_an_error_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--repository", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/nowhere: no such folder; expected a Triton model repository\n"
    )
