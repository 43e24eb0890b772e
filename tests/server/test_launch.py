"""A real tritonserver, started from Python."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from server import loading
from server.errors import ServerError
from server.launch import TritonServer
from server.listen import Listen
from tests.server.traces import Traces


def infer(protocol: ModuleType, url: str) -> Any:
    numbers = protocol.InferInput("numbers", [1, 3], "FP32")
    numbers.set_data_from_numpy(np.array([[1, 2, 3]], np.float32))
    with protocol.InferenceServerClient(url) as client:
        return client.infer("echo", [numbers]).as_numpy("echo")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_it_serves_on_the_ports_asked_for_and_leaves_nothing(
    echo_repository: Path, tmp_path: Path
) -> None:
    grpc_port = free_port()
    server = TritonServer(
        echo_repository,
        model_config_name="doubled",
        listen=Listen(grpc_port=grpc_port),
        log_path=tmp_path / "tritonserver.log",
        options=["--log-verbose=1"],
    )
    with server:
        traces = Traces.of(echo_repository)
        assert len(traces.processes) == 2, "tritonserver and the model's process"
        assert len(traces.regions) == 1
        assert traces.regions[0].stat().st_mode & 0o777 == 0o600
        assert server.models == ["echo"]
        assert server.version == "2.51.0"
        assert server.instance_count("echo") == 1
        assert server.instance_count("not there") == 0
        assert server.grpc_url == f"127.0.0.1:{grpc_port}"
        assert infer(tritonclient.grpc, server.grpc_url).tolist() == [[2, 4, 6]]
        assert infer(tritonclient.http, server.http_url).tolist() == [[2, 4, 6]]
        metrics = http.client.HTTPConnection(server.metrics_url)
        metrics.request("GET", "/metrics")
        assert "nv_inference_request_success" in metrics.getresponse().read().decode()
        for url in (server.grpc_url, server.http_url, server.metrics_url):
            assert_only_local(int(url.rpartition(":")[2]))
    assert traces.left() == []
    assert "successfully loaded 'echo'" in (tmp_path / "tritonserver.log").read_text()
    server.stop()  # again, without effect
    assert server.instance_count("echo") is None


def assert_only_local(port: int) -> None:
    """The port is free on another address of the loopback network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", port))


def test_models_that_fail_to_load_are_named_with_their_reasons(
    echo_repository: Path, add_model: Callable[..., None], tmp_path: Path
) -> None:
    add_model(
        echo_repository,
        "broken",
        "class TritonPythonModel:\n"
        "    def initialize(self, args):\n"
        "        print('about to fail', flush=True)\n"
        "        import no_such_package\n",
    )
    add_model(echo_repository, "without_version")
    (echo_repository / "without_version" / "1").rename(tmp_path / "elsewhere")
    add_model(echo_repository, "plan")
    config = echo_repository / "plan" / "config.pbtxt"
    config.write_text(config.read_text().replace('"python"', '"tensorrt"'))
    with pytest.raises(ServerError) as error:
        TritonServer(echo_repository).start()
    message = str(error.value)
    assert message.startswith("3 models failed to load\n")
    assert "  broken: ModuleNotFoundError: No module named 'no_such_package'\n" in message
    assert f"{echo_repository}/broken/1/model.py(4): initialize" in message
    assert "  plan: Invalid argument: unable to find backend library" in message
    assert "--model-config-name doubled" in message
    assert "  without_version: failed to load model 'without_version'" in message
    assert message.endswith("Printed while loading:\n  about to fail")
    assert Traces.of(echo_repository).processes == {}


def test_an_address_of_no_machine_is_refused(echo_repository: Path) -> None:
    elsewhere = "192.0.2.1"  # RFC 5737
    with pytest.raises(ServerError, match=rf"cannot listen on {elsewhere}:0: Cannot assign"):
        TritonServer(echo_repository, listen=Listen(host=elsewhere)).start()


def test_an_option_that_tritonserver_refuses_is_shown(echo_repository: Path) -> None:
    with pytest.raises(ServerError, match="no-such-option"):
        TritonServer(echo_repository, options=["--no-such-option"]).start()


def test_a_log_that_cannot_be_written_is_named(echo_repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"cannot write the log .*/missing/log: No such file"):
        TritonServer(echo_repository, log_path=tmp_path / "missing" / "log").start()


def test_models_that_take_too_long_are_given_up(
    echo_repository: Path, add_model: Callable[..., None]
) -> None:
    add_model(
        echo_repository,
        "slow",
        "import time\n"
        "class TritonPythonModel:\n"
        "    def initialize(self, args):\n"
        "        time.sleep(600)\n",
    )
    server = TritonServer(echo_repository, start_timeout_secs=2, exit_timeout_secs=0)
    with pytest.raises(ServerError, match=r"its models in \d+ s, and .* nothing new for 2 s"):
        server.start()
    assert Traces.of(echo_repository).processes == {}


def test_models_that_take_long_and_say_so_are_waited_for(
    tmp_path: Path,
    add_model: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a network that PyTorch compiles for a dozen shapes."""
    add_model(
        tmp_path,
        "compiled",
        "import time\n"
        "import triton_python_backend_utils as pb_utils\n"
        "class TritonPythonModel:\n"
        "    def initialize(self, args):\n"
        "        for shape in range(12):\n"
        "            time.sleep(0.5)\n"
        "            pb_utils.Logger.log_info(f'compiled for {shape}')\n",
    )
    monkeypatch.setattr(loading, "PROGRESS_SECS", 1.0)
    caplog.set_level("INFO", "server")
    with TritonServer(tmp_path, start_timeout_secs=3, exit_timeout_secs=0) as server:
        assert server.models == ["compiled"]
    assert re.search(r"Loading compiled \.\.\. \d s, compiled for \d+$", caplog.text, re.MULTILINE)


@pytest.mark.parametrize(("log_name", "logged"), [(None, "none"), ("log", "all")])
def test_requests_are_logged_where_somebody_asked_for_the_log(
    log_name: str | None, logged: str, tmp_path: Path, add_model: Callable[..., None]
) -> None:
    asks = 'import os\nraise ValueError("logs " + os.getenv("RCNN_REQUEST_LOG", "all"))\n'
    add_model(tmp_path / "repository", "asks", asks)
    log_path = None if log_name is None else tmp_path / log_name
    with pytest.raises(ServerError, match=f"logs {logged}"):
        TritonServer(tmp_path / "repository", log_path=log_path).start()
