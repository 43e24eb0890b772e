"""What servers newer than the one here refuse, in their words; docs/versions.md has the sources."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tritonclient.utils import (
    TRITON_RESERVED_REQUEST_PARAMS,
    TRITON_RESERVED_REQUEST_PARAMS_PREFIX,
)

from client.connection.model_connection import ModelConnection
from client.connection.request import InferenceRequest
from client.connection.transport import open_transport
from client.errors import RequestFailed
from server import access

# EVBufferToJson in http_server.cc, since 2.59 (25.06).
TOO_LARGE = (
    "request JSON size of 67108865 bytes exceeds the maximum allowed input size of 67108864 bytes. "
    "Use --http-max-input-size to increase the limit."
)


class Sent:
    """In place of the servers: notes the request, and answers that nothing was found."""

    model = SimpleNamespace(name="mask_rcnn", has_masks=False, has_keypoints=False)

    async def send(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        return await ask(self)

    async def infer(self, request: InferenceRequest) -> dict[str, Any]:
        self.request = request
        return {
            "num_detections": np.zeros((1, 1), np.int32),
            "boxes": np.zeros((1, 100, 4)),
            "scores": np.zeros((1, 100)),
            "category_ids": np.zeros((1, 100)),
        }


def test_nothing_that_is_sent_has_a_name_that_triton_keeps_for_itself() -> None:
    """Since 2.69 (26.05) such headers are refused where they are forwarded as parameters."""
    sent: Any = Sent()
    asyncio.run(ModelConnection(sent, trace=True).detect(b"", 0.5))
    names = {*sent.request.parameters, *sent.request.headers, *access.headers("key")}
    assert names == {"score_threshold", "traceparent", access.HEADER, access.GRPC_HEADER}
    assert not names & set(TRITON_RESERVED_REQUEST_PARAMS)
    assert not any(name.startswith(TRITON_RESERVED_REQUEST_PARAMS_PREFIX) for name in names)


class Refusal(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"error": TOO_LARGE}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def refusing_server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_request_that_is_too_large_for_http_says_which_option_mends_it(
    refusing_server: str,
) -> None:
    request = InferenceRequest(
        "mask_rcnn", {"image": np.array([[b"picture"]], np.object_)}, outputs=["scores"]
    )

    async def infer() -> None:
        transport = open_transport("http", refusing_server, 10.0, 1, None)
        try:
            await transport.infer(request)
        finally:
            await transport.close()

    with pytest.raises(RequestFailed) as failure:
        asyncio.run(infer())
    assert "exceeds the maximum allowed input size of 67108864 bytes" in str(failure.value)
    assert "--http-max-input-size" in str(failure.value)
