from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artifact.names import ModelNames
from perf.connection import Connection
from perf.errors import PerfError
from server.launch import TritonServer

PICTURE = Path(__file__).parents[2] / "demo" / "val" / "images" / "000000.jpg"


@pytest.fixture
def connection(demo_server: TritonServer) -> Iterator[Connection]:
    with Connection(demo_server.grpc_url, ModelNames()) as connection:
        yield connection


def test_a_model_answers_with_all_of_its_outputs(connection: Connection) -> None:
    image = np.array([[PICTURE.read_bytes()]], np.object_)
    answer = connection.infer(connection.names.ensemble, {"image": image})
    declared = connection.model_config(connection.names.ensemble)["output"]
    assert set(answer) == {output["name"] for output in declared}
    assert answer["num_detections"].shape == (1, 1)
    assert all(isinstance(mask, bytes) for mask in answer["masks"].flat)


def test_statistics_count_the_requests_of_a_model(connection: Connection) -> None:
    preprocess = connection.names.preprocess
    image = np.array([[PICTURE.read_bytes()]], np.object_)
    before = connection.statistics()
    assert set(connection.names) <= set(before)
    connection.infer(preprocess, {"image": image})
    deadline = time.monotonic() + 10
    while (added := connection.statistics()[preprocess].since(before[preprocess])).requests == 0:
        assert time.monotonic() < deadline  # Triton counts a request after its answer is sent
    assert (added.requests, added.pictures, added.failures) == (1, 1, 0)
    assert added.total_ns >= added.infer_ns > 0


def test_what_the_server_refuses_is_told_in_its_own_words(connection: Connection) -> None:
    with pytest.raises(PerfError, match=f"the server at {connection.url}: .*'birds'"):
        connection.model_config("birds")
    broken = np.array([[b"no picture"]], np.object_)
    with pytest.raises(PerfError, match=f"the server at {connection.url}: "):
        connection.infer(connection.names.preprocess, {"image": broken})
    assert connection.server_version()


@pytest.mark.parametrize("url", ["127.0.0.1:1", "http://127.0.0.1:8001/", "nowhere"])
def test_an_address_without_a_server_is_named(url: str) -> None:
    with (
        pytest.raises(PerfError, match=f"the server at {url}: "),
        Connection(url, ModelNames()) as connection,
    ):
        connection.server_version()
