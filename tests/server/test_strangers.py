"""What those without a certificate or without the access key can do with a running server."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from server.launch import TritonServer
from server.listen import Listen
from server.tls import Tls
from tests.certificates import Authority

KEY = "with+every/kind=of.punctuation~allowed_0-9"
OPEN = [
    ("is_server_live", ()),
    ("is_server_ready", ()),
    ("is_model_ready", ("echo",)),
    ("get_server_metadata", ()),
    ("get_model_metadata", ("echo",)),
    ("get_model_config", ("echo",)),
    ("get_inference_statistics", ()),
]
CLOSED = [
    ("get_model_repository_index", ()),
    ("load_model", ("echo",)),
    ("unload_model", ("echo",)),
    ("get_system_shared_memory_status", ()),
    ("register_system_shared_memory", ("theirs", "/theirs", 16)),
    ("unregister_system_shared_memory", ()),
    ("get_cuda_shared_memory_status", ()),
    ("register_cuda_shared_memory", ("theirs", b"aGFuZGxl", 0, 16)),
    ("unregister_cuda_shared_memory", ()),
    ("get_log_settings", ()),
    ("update_log_settings", ({"log_verbose_level": 0},)),
    ("get_trace_settings", ()),
    ("update_trace_settings", ("echo", {"trace_level": "OFF"})),
]
CLOSED_MESSAGE = "is restricted, expecting header"


Connect = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def server(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory, add_model: Callable[..., None]
) -> Iterator[TritonServer]:
    """One with mutual TLS, for others than this machine (of the loopback network only)."""
    repository = tmp_path_factory.mktemp("repository")
    add_model(repository, "echo")
    tls = Tls(*authority.sign("server"), client_ca=authority.certificate)
    listen = Listen(host="127.0.0.2", tls=tls)
    with TritonServer(repository, listen=listen, access_key=KEY, exit_timeout_secs=0) as server:
        yield server


@pytest.fixture(scope="module")
def connect(server: TritonServer, authority: Authority) -> Connect:
    """Opens a client, over gRPC with a certificate that the server accepts."""

    @contextmanager
    def opened(protocol: str, **changed: Path | None) -> Iterator[Any]:
        if protocol == "http":
            with tritonclient.http.InferenceServerClient(server.http_url) as client:
                yield client
        else:
            certificate, key = authority.sign("client")
            files = {
                "root_certificates": authority.certificate,
                "certificate_chain": certificate,
                "private_key": key,
                **changed,
            }
            with tritonclient.grpc.InferenceServerClient(
                server.grpc_url,
                ssl=True,
                **{name: path and str(path) for name, path in files.items()},
            ) as client:
                yield client

    return opened


def infer(client: Any, library: ModuleType, headers: dict[str, str] | None = None) -> Any:
    numbers = library.InferInput("numbers", [1, 3], "FP32")
    numbers.set_data_from_numpy(np.array([[1, 2, 3]], np.float32))
    return client.infer("echo", [numbers], headers=headers).as_numpy("echo").tolist()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_answers_health_and_metadata_need_no_key(connect: Connect, protocol: str) -> None:
    with connect(protocol) as client:
        for method, arguments in OPEN:
            assert getattr(client, method)(*arguments)
        assert infer(client, getattr(tritonclient, protocol)) == [[1, 2, 3]]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_model_control_shared_memory_logging_and_trace_are_closed(
    server: TritonServer, connect: Connect, protocol: str
) -> None:
    strangers = [{}, {name: "guessed" for name in server.access_headers}]
    with connect(protocol) as client:
        for method, arguments in CLOSED:
            for headers in strangers:
                assert CLOSED_MESSAGE in refusal(client, method, arguments, headers), method
            assert CLOSED_MESSAGE not in refusal(client, method, arguments, server.access_headers)


def refusal(
    client: Any, method: str, arguments: tuple[Any, ...], headers: dict[str, str] | None
) -> str:
    """Why the server refuses; empty if it does not."""
    try:
        getattr(client, method)(*arguments, headers=headers)
    except InferenceServerException as error:
        return str(error)
    return ""


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("method", ["load_model", "unload_model"])
def test_models_cannot_be_changed_even_with_the_key(
    server: TritonServer, connect: Connect, protocol: str, method: str
) -> None:
    with (
        connect(protocol) as client,
        pytest.raises(InferenceServerException, match="load / unload is not allowed"),
    ):
        getattr(client, method)("echo", headers=server.access_headers)


def test_grpc_in_plain_text_is_not_answered(server: TritonServer) -> None:
    with tritonclient.grpc.InferenceServerClient(server.grpc_url) as client:
        assert_unavailable(client)


def test_a_client_without_a_certificate_is_not_answered(connect: Connect) -> None:
    with connect("grpc", certificate_chain=None, private_key=None) as client:
        assert_unavailable(client)


def test_a_client_whose_certificate_another_signed_is_not_answered(
    connect: Connect, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path / "another").sign("client")
    with connect("grpc", certificate_chain=certificate, private_key=key) as client:
        assert_unavailable(client)


def test_a_client_can_tell_another_server_from_this_one(connect: Connect, tmp_path: Path) -> None:
    another = Authority(tmp_path / "another").certificate
    with connect("grpc", root_certificates=another) as client:
        assert_unavailable(client)


def assert_unavailable(client: Any) -> None:
    with pytest.raises(InferenceServerException) as error:
        infer(client, tritonclient.grpc)
    assert error.value.status() == "StatusCode.UNAVAILABLE"


def test_http_and_metrics_stay_on_this_machine_and_apart(server: TritonServer) -> None:
    assert server.grpc_url.startswith("127.0.0.2:")
    assert server.http_url.startswith("127.0.0.1:")
    assert server.metrics_url.startswith("127.0.0.1:")
    for url, status in ((server.metrics_url, 200), (server.http_url, 404)):
        connection = http.client.HTTPConnection(url)
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == status
        connection.close()
    for url in (server.http_url, server.metrics_url):
        port = int(url.rpartition(":")[2])
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.2", port).connect()
