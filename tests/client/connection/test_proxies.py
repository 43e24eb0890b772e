"""Where the environment names a proxy: not for this machine, for others, and what is said then."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tritonclient.grpc import InferenceServerClient

from client.__main__ import main
from server.launch import TritonServer
from tests.client.conftest import IMAGES
from tests.recording_proxy import VARIABLES, RecordingProxy

ELSEWHERE = "gpu.example:8001"


def predict(output: Path, *options: str) -> int:
    return main(["predict", *options, "--output", str(output), str(IMAGES / "000000.jpg")])


def test_a_server_on_this_machine_is_asked_directly(
    recorded_options: list[str], proxy: RecordingProxy, tmp_path: Path
) -> None:
    assert predict(tmp_path, *recorded_options) == 0
    assert proxy.asked == []


def test_a_server_on_this_machine_is_asked_although_the_proxy_is_dead(
    recorded_options: list[str],
    proxy: RecordingProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert predict(tmp_path, *recorded_options) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
def test_no_name_of_this_machine_is_asked_for_at_the_proxy(
    proxy: RecordingProxy, tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    with socket.socket() as taken:  # which does not listen
        taken.bind(("127.0.0.1", 0))
        assert predict(tmp_path, "--url", f"{host}:{taken.getsockname()[1]}") == 1
    assert proxy.asked == []
    assert "proxy" not in capsys.readouterr().err


def test_a_server_elsewhere_is_asked_through_the_proxy(
    recorded_server: TritonServer, proxy: RecordingProxy, tmp_path: Path
) -> None:
    proxy.leads_to[ELSEWHERE] = recorded_server.grpc_url
    assert predict(tmp_path, "--url", ELSEWHERE) == 0
    assert proxy.asked == [f"CONNECT {ELSEWHERE} HTTP/1.1"]


@pytest.mark.parametrize("answer", ["refused", "dead"])
def test_a_proxy_that_does_not_connect_is_named(
    proxy: RecordingProxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    if answer == "dead":
        monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:9")
    url = {"refused": proxy.url, "dead": "http://127.0.0.1:9"}[answer]
    assert predict(tmp_path, "--url", ELSEWHERE) == 1
    error = capsys.readouterr().err
    assert f"no Triton server answers at {ELSEWHERE} (grpc): " in error
    assert (
        f"; grpc_proxy={url} is set and gRPC goes through it: set no_proxy=gpu.example to go "
        "directly"
    ) in error


def test_tests_ask_a_server_directly_themselves(
    recorded_server: TritonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with InferenceServerClient(recorded_server.grpc_url) as client:
        assert client.is_server_ready()
