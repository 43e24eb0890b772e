"""One server over gRPC and over HTTP: the same answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
import pytest

from client.connection.request import InferenceRequest
from client.connection.transport import Transport, open_transport
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, wait_until

Answer = TypeVar("Answer")

OUTPUTS = ["boxes", "category_ids", "masks", "num_detections", "scores"]


def ask(
    server: TritonServer, protocol: str, question: Callable[[Transport], Awaitable[Answer]]
) -> Answer:
    async def scenario() -> Answer:
        [url] = connection_to(server, protocol).addresses
        transport = open_transport(protocol, url, 10.0, 1, None)
        try:
            return await question(transport)
        finally:
            await transport.close()

    return asyncio.run(scenario())


def test_outputs_that_are_not_named_are_all_and_named_ones_are_those(
    recorded_server: TritonServer, demo: Demo, protocol: str
) -> None:
    picture = (demo.images / "000000.jpg").read_bytes()
    inputs = {"image": np.array([[picture]], np.object_)}

    everything = ask(
        recorded_server, protocol, lambda t: t.infer(InferenceRequest("mask_rcnn", inputs))
    )
    scores = ask(
        recorded_server,
        protocol,
        lambda t: t.infer(InferenceRequest("mask_rcnn", inputs, outputs=["scores"])),
    )

    assert sorted(everything) == OUTPUTS
    assert everything["masks"].dtype == np.object_
    assert list(scores) == ["scores"]
    np.testing.assert_array_equal(scores["scores"], everything["scores"])
    first = [r["score"] for r in demo.results if r["image_id"] == 1]
    assert scores["scores"][0, : len(first)].tolist() == pytest.approx(first)


def test_the_statistics_count_what_was_answered(
    recorded_server: TritonServer, demo: Demo, protocol: str
) -> None:
    picture = (demo.images / "000000.jpg").read_bytes()
    request = InferenceRequest("mask_rcnn", {"image": np.array([[picture]], np.object_)})

    async def count(transport: Transport) -> int:
        [model] = await transport.statistics()
        assert model["name"] == "mask_rcnn"
        return int(model.get("inference_count", 0))

    before = ask(recorded_server, protocol, count)
    ask(recorded_server, protocol, lambda t: t.infer(request))

    # Triton counts after it has answered.
    wait_until(lambda: ask(recorded_server, protocol, count) == before + 1)
