"""Far more requests at once than the network's queue takes: none of them hangs.

Until 2.65 a request of an ensemble hung for ever when one of its steps was refused while another
one was in flight (core pull request 466). Here each step waits for the one before, which
tests/builder/repository/test_models.py holds.
"""

from __future__ import annotations

import asyncio
import http.client
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from artifact.names import ModelNames
from client.connection.request import InferenceRequest
from client.connection.transport import Transport, open_transport
from client.errors import DeadlineExceeded, ServerBusy
from server.launch import TritonServer
from tests.reliability.stand_in import write_stand_in

QUEUE = 4
# A reply goes to its HTTP thread through a socket of which nobody looks whether it is full: by the
# kernel's default it holds 278, and what comes then is lost (docs/reliability.md).
HTTP_CONNECTIONS = 256
STATED_SECONDS = 120.0
"""Within which a request must have ended, whatever else is asked of the machine."""
NAMES = ModelNames()
Serve = Callable[[str], TritonServer]


@pytest.fixture(scope="module")
def serve(
    demo_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], TritonServer]]:
    """The stand-in in a configuration whose queue takes `QUEUE` requests."""
    servers: dict[str, TritonServer] = {}

    def start(config_name: str) -> TritonServer:
        if config_name not in servers:
            folder = tmp_path_factory.mktemp(config_name) / "repository"
            repository = write_stand_in(folder, demo_repository, config_name, seconds=0.02)
            config = repository / NAMES.network / "configs" / f"{config_name}.pbtxt"
            text, changed = re.subn(
                r"max_queue_size: \d+", f"max_queue_size: {QUEUE}", config.read_text()
            )
            assert changed == 1
            config.write_text(text)
            server = TritonServer(repository, model_config_name=config_name, exit_timeout_secs=0)
            servers[config_name] = server
            server.start()
        return servers[config_name]

    yield start
    for server in servers.values():
        server.stop()


async def end_of(transport: Transport, picture: bytes) -> str:
    """What became of a request: answered, refused or hung; anything else is raised."""
    inputs = {"image": np.array([[picture]], np.object_)}
    try:
        await transport.infer(InferenceRequest(NAMES.ensemble, inputs, outputs=["num_detections"]))
    except ServerBusy:
        return "refused"
    except DeadlineExceeded:
        return "hung"
    return "answered"


def flood(protocol: str, url: str, pictures: Sequence[bytes], requests: int) -> Counter[str]:
    """Sends so many requests, over gRPC at once, over HTTP as fast as its connections allow.

    Returns how many were answered, were refused, and hung.
    """

    async def send() -> list[str]:
        transport = open_transport(protocol, url, STATED_SECONDS, HTTP_CONNECTIONS, None)
        try:
            asked = (pictures[number % len(pictures)] for number in range(requests))
            return await asyncio.gather(*(end_of(transport, picture) for picture in asked))
        finally:
            await transport.close()

    return Counter(asyncio.run(send()))


def pending(server: TritonServer) -> dict[str, float]:
    """How many requests each model has not begun, by Triton's own count."""
    connection = http.client.HTTPConnection(server.metrics_url)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    rows = re.findall(r'nv_inference_pending_request_count\{model="(\w+)".*\} (\S+)', page)
    return {model: float(count) for model, count in rows}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize(
    ("config_name", "requests"),
    [
        ("onnxruntime", 1000),
        *(
            pytest.param(name, 5000, marks=pytest.mark.long)
            for name in ("onnxruntime", "onnxruntime_cuda")
        ),
    ],
)
def test_every_request_of_a_flood_ends(
    serve: Serve,
    pictures: list[bytes],
    config_name: str,
    requests: int,
    protocol: str,
    reliability_row: Callable[..., None],
) -> None:
    server = serve(config_name)
    url = server.grpc_url if protocol == "grpc" else server.http_url

    ends = flood(protocol, url, pictures, requests)

    assert ends["hung"] == 0
    assert ends["answered"] >= QUEUE
    assert ends["refused"] > requests / 3
    assert ends.total() == requests
    # Nor has the server kept any of them: the next one is served as if nothing had been.
    assert flood(protocol, url, pictures, 1) == {"answered": 1}
    assert pending(server).keys() >= {NAMES.preprocess, NAMES.network, NAMES.postprocess}
    assert set(pending(server).values()) == {0.0}
    over = "gRPC" if protocol == "grpc" else f"{HTTP_CONNECTIONS} HTTP connections"
    reliability_row(
        f"{requests} requests at once over {over} ({config_name}, max_queue_size: {QUEUE})",
        tried=requests,
        lost=0,  # each was answered or refused
        recovered_in="",
        seen_as=f"{ends['answered']} answered, {ends['refused']} refused: UNAVAILABLE; none hung",
    )
