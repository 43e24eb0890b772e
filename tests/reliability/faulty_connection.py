"""A TCP proxy whose connections can be made to fail."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

CHUNK = 1 << 16
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class FaultyConnection:
    """Passes bytes on between clients and a server on 127.0.0.1, in a thread of its own.

    Args:
        server: "HOST:PORT".
    """

    url: str

    def __init__(self, server: str) -> None:
        self._host, _, self._port = server.rpartition(":")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._bytes_until_reset: int | None = None

    def __enter__(self) -> FaultyConnection:
        self._thread.start()
        self._listener = self._run(asyncio.start_server(self._pass_on, "127.0.0.1", 0)).result()
        self.url = f"127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._listener.close)
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def reset(self) -> None:
        """Ends every connection at once, as a router that restarts does."""
        self._run(self._reset()).result()

    def reset_after(self, count: int) -> None:
        """Ends every connection when so many more bytes have come from the server."""
        self._bytes_until_reset = count

    def fall_silent(self) -> None:
        """Lets nothing through the open connections any more, and does not end them either.

        New ones work, as behind a router that has forgotten the old ones.
        """
        self._silent |= self._writers

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _reset(self) -> None:
        for writer in self._writers:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()

    async def _pass_on(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(self._host, self._port)
        except OSError:
            to_client.transport.abort()
            return
        writers = {to_client, to_server}
        self._writers |= writers
        try:
            await asyncio.gather(
                self._copy(from_client, to_server), self._copy(from_server, to_client, counted=True)
            )
        except OSError:
            pass
        finally:
            self._writers -= writers
            for writer in writers:
                writer.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool = False
    ) -> None:
        while chunk := await reader.read(CHUNK):
            if writer in self._silent:
                continue
            left = self._bytes_until_reset
            if counted and left is not None:
                self._bytes_until_reset = left - len(chunk)
                if left < len(chunk):
                    writer.write(chunk[:left])
                    await writer.drain()
                    self._bytes_until_reset = None
                    await self._reset()
                    return
            writer.write(chunk)
            await writer.drain()
        writer.close()
