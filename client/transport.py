"""The two ways to a Triton server, gRPC and HTTP, behind one interface.

Both use tritonclient's asyncio clients: any number of requests in flight over one gRPC channel, or
over as many HTTP connections as there are requests in flight. What a server or a library says when
something fails is told apart here once: `ServerUnavailable` (try again), `RequestFailed` (do not).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from client.errors import ClientError, RequestFailed, ServerUnavailable

DEFAULT_URLS = {"grpc": "127.0.0.1:8001", "http": "127.0.0.1:8000"}

METADATA_TIMEOUT_S = 10.0

GRPC_CHANNEL_ARGS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # gRPC's own reconnection backoff grows to two minutes: a restarted server would go unnoticed.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
]


class Transport(ABC):
    """A connection to one Triton server.

    Every question raises `ServerUnavailable` when nothing answers, or the server or the model is
    not there now (a server that is stopping says first that it does not know the model), and
    `RequestFailed` with the server's own words when it refuses.
    """

    def __init__(
        self, protocol: str, url: str, library: ModuleType, client: Any, timeout: float
    ) -> None:
        self.protocol = protocol
        self.url = url
        self.timeout = timeout
        self._library = library
        self._client = client
        self._metadata_options: dict[str, Any] = {}
        self._infer_options: dict[str, Any] = {}

    @abstractmethod
    def _errors_told_apart(self) -> AbstractContextManager[None]:
        """Turns the errors of this protocol's library into the client's own."""

    async def server_metadata(self) -> dict[str, Any]:
        """`name`, `version` and `extensions` of the server."""
        with self._errors_told_apart():
            return await self._client.get_server_metadata(**self._metadata_options)

    async def model_names(self) -> list[str]:
        """Every model in the server's repository, loaded or not."""
        with self._errors_told_apart():
            index = await self._client.get_model_repository_index(**self._metadata_options)
        models = index.get("models", []) if isinstance(index, dict) else index
        return sorted({model["name"] for model in models})

    async def model_metadata(self, model: str) -> dict[str, Any]:
        """`versions`, `inputs` and `outputs` (each with `name`, `datatype`, `shape`)."""
        with self._errors_told_apart():
            return await self._client.get_model_metadata(model, **self._metadata_options)

    async def model_config(self, model: str) -> dict[str, Any]:
        """The model's configuration, with the field names of Triton's model_config.proto."""
        with self._errors_told_apart():
            config = await self._client.get_model_config(model, **self._metadata_options)
        return config.get("config", config)

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, npt.NDArray[Any]],
        outputs: Sequence[str],
        parameters: Mapping[str, float],
    ) -> dict[str, npt.NDArray[Any]]:
        """The named outputs for these inputs; object arrays of bytes travel as BYTES."""
        tensors = []
        for name, array in inputs.items():
            tensor = self._library.InferInput(
                name, list(array.shape), np_to_triton_dtype(array.dtype)
            )
            tensor.set_data_from_numpy(array)
            tensors.append(tensor)
        with self._errors_told_apart():
            result = await self._client.infer(
                model,
                tensors,
                # Triton 2.51's HTTP front end has failed requests that name no outputs.
                outputs=[self._library.InferRequestedOutput(name) for name in outputs],
                parameters=dict(parameters),
                **self._infer_options,
            )
        return {name: np.asarray(result.as_numpy(name)) for name in outputs}

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    def _deadline_exceeded(self) -> RequestFailed:
        return RequestFailed(f"no answer within {self.timeout:g} s (--timeout)")


class GrpcTransport(Transport):
    """All requests over one gRPC channel."""

    def __init__(self, url: str, timeout: float) -> None:
        import tritonclient.grpc
        from tritonclient.grpc.aio import InferenceServerClient

        client = InferenceServerClient(url, channel_args=GRPC_CHANNEL_ARGS)
        super().__init__("grpc", url, tritonclient.grpc, client, timeout)
        self._metadata_options = {"as_json": True, "client_timeout": METADATA_TIMEOUT_S}
        self._infer_options = {"client_timeout": timeout}

    @contextmanager
    def _errors_told_apart(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            if error.status() in ("StatusCode.UNAVAILABLE", "StatusCode.NOT_FOUND"):
                raise ServerUnavailable(error.message()) from error
            if error.status() == "StatusCode.DEADLINE_EXCEEDED":
                raise self._deadline_exceeded() from error
            raise RequestFailed(error.message()) from error


class HttpTransport(Transport):
    """One HTTP connection for each request in flight, kept open between requests."""

    def __init__(self, url: str, timeout: float, concurrency: int) -> None:
        import tritonclient.http
        from tritonclient.http.aio import InferenceServerClient

        client = InferenceServerClient(url, conn_limit=concurrency, conn_timeout=timeout)
        super().__init__("http", url, tritonclient.http, client, timeout)

    @contextmanager
    def _errors_told_apart(self) -> Iterator[None]:
        import aiohttp

        try:
            yield
        except InferenceServerException as error:
            if error.status() in ("503", "404"):
                raise ServerUnavailable(error.message()) from error
            raise RequestFailed(error.message()) from error
        except asyncio.TimeoutError as error:
            raise self._deadline_exceeded() from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise ServerUnavailable(str(error)) from error
        except aiohttp.ClientError as error:
            raise RequestFailed(f"{self.url} does not answer in HTTP ({error})") from error


def open_transport(protocol: str, url: str | None, timeout: float, concurrency: int) -> Transport:
    """A transport for `protocol`, "grpc" or "http"; to be made inside a running event loop.

    url: "HOST:PORT"; None is Triton's default port for that protocol on this machine.
    timeout: seconds that one inference may take.
    concurrency: requests that will be in flight at once.
    """
    address = DEFAULT_URLS[protocol] if url is None else url
    if "://" in address or ":" not in address:
        raise ClientError(
            f"the server's address is {address!r}: give HOST:PORT without a scheme, "
            f"such as {DEFAULT_URLS[protocol]}"
        )
    if protocol == "grpc":
        return GrpcTransport(address, timeout)
    return HttpTransport(address, timeout, concurrency)
