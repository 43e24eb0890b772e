from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2_grpc

from artifact.names import ModelNames
from perf.connection import Connection
from perf.recorded.repository import record, write_recorded_repository
from server.launch import TritonServer
from tests.hostile_inputs.served import IMAGES


def stub_of(server: TritonServer) -> Any:
    """Sends requests as they are, without a client that would refuse to."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    channel = grpc.insecure_channel(server.grpc_url, options=options)
    return service_pb2_grpc.GRPCInferenceServiceStub(channel)


@pytest.fixture(scope="session")
def demo(demo_server: TritonServer) -> Any:
    """The demo's ensemble."""
    return stub_of(demo_server)


@pytest.fixture(scope="session")
def recorded_server(
    demo_repository: Path, demo_server: TritonServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TritonServer]:
    """The demo with a network that answers at once what the real one answered to two pictures."""
    folder = tmp_path_factory.mktemp("recorded")
    repository = folder / "repository"
    repository.mkdir()
    with Connection(demo_server.grpc_url, ModelNames()) as connection:
        answers = record(connection, [IMAGES / "000000.jpg", IMAGES / "000003.jpg"])
        write_recorded_repository(repository, demo_repository, "onnxruntime", connection, answers)
    with TritonServer(
        repository,
        model_config_name="onnxruntime",
        log_path=folder / "tritonserver.log",
        exit_timeout_secs=0,
    ) as server:
        yield server


@pytest.fixture(scope="session")
def recorded(recorded_server: TritonServer) -> Any:
    """The ensemble of `recorded_server`."""
    return stub_of(recorded_server)
