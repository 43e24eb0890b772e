"""The two ways to a Triton server, gRPC and HTTP, behind one interface.

Both use tritonclient's asyncio clients: any number of requests in flight over one gRPC channel, or
over as many HTTP connections as there are requests in flight. What a server or a library says when
something fails is told apart here once: `ServerUnavailable` (try again when it is back),
`ServerBusy` (try again later), `DeadlineExceeded`, and `RequestFailed` (do not try again).
"""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from artifact.proxies import explain_grpc_proxy, grpc_options
from client.connection.request import InferenceRequest
from client.connection.settings import DEFAULT_URLS
from client.connection.tls import Tls
from client.errors import (
    ClientError,
    DeadlineExceeded,
    RequestFailed,
    ServerBusy,
    ServerUnavailable,
)

Answer = TypeVar("Answer")

METADATA_TIMEOUT_S = 10.0

GRPC_CHANNEL_ARGS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # gRPC's own reconnection backoff grows to two minutes: a restarted server would go unnoticed.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Shared with earlier channels of this process, a new one would begin with their backoff.
    ("grpc.use_local_subchannel_pool", 1),
]

# Triton 2.51's words, which its status codes alone do not say.
QUEUE_FULL = ("Exceeds maximum queue size", "Request timeout expired")
MODEL_PROCESS_DIED = "is not healthy"


class Transport(ABC):
    """A connection to one Triton server.

    Every question raises `ServerUnavailable` when nothing answers, or the server or the model is
    not there now (a server that is stopping says first that it does not know the model),
    `ServerBusy` when the server has too much to do, `DeadlineExceeded` when it takes too long, and
    `RequestFailed` with the server's own words when it refuses.
    """

    protocol: ClassVar[str]
    _unavailable: ClassVar[frozenset[str]]
    _busy: ClassVar[frozenset[str]]

    def __init__(self, url: str, library: ModuleType, client: Any, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self._library = library
        self._client = client
        self._metadata_options: dict[str, Any] = {}

    def __str__(self) -> str:
        return f"{self.url} ({self.protocol})"

    @abstractmethod
    def _errors_told_apart(self) -> AbstractContextManager[None]:
        """Turns the errors of this protocol's library into the client's own."""

    async def server_metadata(self) -> dict[str, Any]:
        """`name`, `version` and `extensions` of the server."""
        return await self._ask(self._client.get_server_metadata(**self._metadata_options))

    async def statistics(self) -> list[dict[str, Any]]:
        """Triton's `model_stats`: what each version of each loaded model has done since then.

        Over gRPC 64-bit numbers come as strings, and those that are 0 not at all.
        """
        answer = await self._ask(self._client.get_inference_statistics(**self._metadata_options))
        return list(answer.get("model_stats", []))

    async def loaded_models(self) -> list[str]:
        """The names of the models that are ready."""
        return sorted({model["name"] for model in await self.statistics()})

    async def model_metadata(self, model: str) -> dict[str, Any]:
        """`versions`, `inputs` and `outputs` (each with `name`, `datatype`, `shape`)."""
        return await self._ask(self._client.get_model_metadata(model, **self._metadata_options))

    async def model_config(self, model: str) -> dict[str, Any]:
        """The model's configuration, with the field names of Triton's model_config.proto."""
        config = await self._ask(self._client.get_model_config(model, **self._metadata_options))
        return config.get("config", config)

    async def infer(self, request: InferenceRequest) -> dict[str, npt.NDArray[Any]]:
        """The outputs by their names.

        A request that names none costs a question about the model's first.
        """
        # Triton 2.51's HTTP front end has failed requests that name no outputs.
        outputs = request.outputs or await self._all_outputs(request.model)
        tensors = []
        for name, array in request.inputs.items():
            tensor = self._library.InferInput(
                name, list(array.shape), np_to_triton_dtype(array.dtype)
            )
            tensor.set_data_from_numpy(array)
            tensors.append(tensor)
        result = await self._within(
            self.timeout,
            self._client.infer(
                request.model,
                tensors,
                outputs=[self._library.InferRequestedOutput(name) for name in outputs],
                parameters=dict(request.parameters),
                request_id=request.id,
                headers=dict(request.headers),
            ),
        )
        return {name: np.asarray(result.as_numpy(name)) for name in outputs}

    @abstractmethod
    def begin_anew(self) -> None:
        """Ask over new connections, as those of now may be dead without an end.

        What is in flight stays with the old ones.
        """

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def _all_outputs(self, model: str) -> list[str]:
        return [output["name"] for output in (await self.model_metadata(model))["outputs"]]

    async def _ask(self, question: Awaitable[Any]) -> Any:
        return await self._within(METADATA_TIMEOUT_S, question)

    async def _within(self, seconds: float, question: Awaitable[Answer]) -> Answer:
        with self._errors_told_apart():
            try:
                return await asyncio.wait_for(question, seconds)
            except asyncio.TimeoutError as error:
                raise DeadlineExceeded(f"no answer within {seconds:g} s") from error

    def _told_apart(self, status: str | None, message: str) -> ClientError:
        if status in self._busy or any(words in message for words in QUEUE_FULL):
            return ServerBusy(message)
        if status in self._unavailable or MODEL_PROCESS_DIED in message:
            return ServerUnavailable(message)
        return RequestFailed(message)


class GrpcTransport(Transport):
    """All requests over one gRPC channel."""

    protocol = "grpc"
    _unavailable = frozenset({"StatusCode.UNAVAILABLE", "StatusCode.NOT_FOUND"})
    _busy = frozenset({"StatusCode.RESOURCE_EXHAUSTED"})

    def __init__(self, url: str, timeout: float, tls: Tls | None) -> None:
        import tritonclient.grpc
        from tritonclient.grpc.aio import InferenceServerClient

        options = {} if tls is None else tls.client_options()
        self._connect = functools.partial(
            InferenceServerClient,
            url,
            channel_args=[*GRPC_CHANNEL_ARGS, *grpc_options(url)],
            **options,
        )
        self._former: list[Any] = []
        super().__init__(url, tritonclient.grpc, self._connect(), timeout)
        self._metadata_options = {"as_json": True}

    def begin_anew(self) -> None:
        # gRPC's keepalive would notice too, but a server takes frequent pings for an attack.
        self._former.append(self._client)
        self._client = self._connect()

    async def close(self) -> None:
        for client in [*self._former, self._client]:
            await client.close()

    @contextmanager
    def _errors_told_apart(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            message = error.message()
            if error.status() == "StatusCode.UNAVAILABLE":
                message += explain_grpc_proxy(self.url)
            raise self._told_apart(error.status(), message) from error
        except DeadlineExceeded as error:
            raise DeadlineExceeded(f"{error}{explain_grpc_proxy(self.url)}") from error


class HttpTransport(Transport):
    """One HTTP connection for each request in flight, kept open between requests."""

    protocol = "http"
    # 502 and 504 are a proxy's, whose server is away.
    _unavailable = frozenset({"404", "502", "503", "504"})
    _busy = frozenset({"429"})

    def __init__(self, url: str, timeout: float, concurrency: int) -> None:
        import tritonclient.http
        from tritonclient.http.aio import InferenceServerClient

        client = InferenceServerClient(url, conn_limit=concurrency, conn_timeout=None)
        super().__init__(url, tritonclient.http, client, timeout)

    @contextmanager
    def _errors_told_apart(self) -> Iterator[None]:
        import aiohttp

        try:
            yield
        except InferenceServerException as error:
            # With details the answer is not Triton's JSON: a page of the proxy in between.
            proxy = error.debug_details() is not None
            message = f"HTTP status {error.status()}" if proxy else error.message()
            raise self._told_apart(error.status(), message) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise ServerUnavailable(str(error) or type(error).__name__) from error
        except aiohttp.ClientError as error:
            raise RequestFailed(f"{self.url} does not answer in HTTP ({error})") from error

    def begin_anew(self) -> None:
        """Nothing to do: a connection whose answer was not waited for is not used again."""


def open_transport(
    protocol: str, url: str, timeout: float, concurrency: int, tls: Tls | None
) -> Transport:
    """A transport, to be made inside a running event loop.

    Args:
        protocol: `grpc` or `http`.
        url: `HOST:PORT`.
        timeout: seconds that one inference may take.
        concurrency: the most requests that will be in flight at once.
        tls: None for a connection without it.

    Raises:
        ClientError: no such address; TLS over HTTP.
    """
    host, _, port = url.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ClientError(
            f"the server's address is {url!r}: give HOST:PORT without a scheme, "
            f"such as {DEFAULT_URLS[protocol]}"
        )
    if protocol == "grpc":
        return GrpcTransport(url, timeout, tls)
    if tls is not None:
        raise ClientError(
            "Triton has no TLS on its HTTP port: use --protocol grpc with the --tls options"
        )
    return HttpTransport(url, timeout, concurrency)
