"""The models of the servers that the page asks, each connected when it is first asked for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from client.connection.model_connection import HOW_TO_SERVE
from client.connection.served_model import our_models
from client.connection.settings import Connection
from client.connection.transport import Transport, open_transport
from client.detector import AsyncDetector
from client.errors import ClientError, ServerUnavailable


class Models:
    """Connections to several models of the same servers, for one event loop.

    `async with` closes them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open = AsyncExitStack()
        self._detectors: dict[str, AsyncDetector] = {}
        self._transports: list[Transport] = []
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Models:
        connection = self._connection
        for address in connection.addresses:
            transport = open_transport(
                connection.protocol,
                address,
                connection.timeout,
                connection.concurrency,
                connection.tls,
            )
            self._open.push_async_callback(transport.close)
            self._transports.append(transport)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def names(self) -> list[str]:
        """The models that answer as ours do, of the first server that is there.

        Raises:
            ClientError: no server is, or it has no such model.
        """
        away = []
        for transport in self._transports:
            try:
                loaded = await transport.loaded_models()
                names = await our_models(transport, loaded)
            except ServerUnavailable as error:
                away.append(f"no answer from {transport}: {error}")
                continue
            if names:
                return names
            raise ClientError(
                f"the server at {transport} has no model of this project, only "
                f"{', '.join(loaded) or 'none at all'}; its log says what it could not load"
            )
        raise ClientError("\n".join([*away, HOW_TO_SERVE]))

    async def detector(self, name: str) -> AsyncDetector:
        """The one of the model `name`, connected once.

        Raises:
            ClientError: no server has the model now.
        """
        async with self._lock:
            if name not in self._detectors:
                detector = AsyncDetector(**{**vars(self._connection), "model": name})
                self._detectors[name] = await self._open.enter_async_context(detector)
            return self._detectors[name]

    async def statistics(self) -> list[list[dict[str, Any]]]:
        """Triton's statistics of every server.

        Raises:
            ClientError: one of the servers does not tell.
        """
        return list(await asyncio.gather(*(each.statistics() for each in self._transports)))
