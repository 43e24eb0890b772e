"""One event loop in a thread of its own, for callers that have none or are inside of another one.

All of a process share it: gRPC polls for all event loops of a process together.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from client.errors import ClientError

Answer = TypeVar("Answer")

EXIT_TIMEOUT_S = 5.0


class BackgroundLoop:
    """A running event loop, and what was entered on it. Both end with the interpreter."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._entered: set[AbstractAsyncContextManager[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mask-rcnn-client", daemon=True)
        self._thread.start()
        atexit.register(self._stop)

    def submit(self, work: Coroutine[Any, Any, Answer]) -> Future[Answer]:
        """Begin `work` on the loop.

        Raises:
            ClientError: the process is another one: a fork has no threads but the one that forked.
        """
        if self._is_of_another_process():
            work.close()
            raise ClientError(
                "this process was forked from the one that made the detector, whose connections "
                "stay there: make one in each process"
            )
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def enter(self, manager: AbstractAsyncContextManager[Any]) -> None:
        """Enter it on the loop, to be left at the end of the interpreter at the latest."""
        result_of(self.submit(self._enter(manager)))

    def leave(self, manager: AbstractAsyncContextManager[Any]) -> None:
        """Leave what was entered, if that is not done yet."""
        result_of(self.submit(self._leave(manager)))

    def leave_soon(self, manager: AbstractAsyncContextManager[Any]) -> None:
        """The same without waiting: for the garbage collector, which comes at any time."""
        if not self._is_of_another_process() and self._loop.is_running():
            self.submit(self._leave(manager))

    async def _enter(self, manager: AbstractAsyncContextManager[Any]) -> None:
        await manager.__aenter__()
        self._entered.add(manager)

    async def _leave(self, manager: AbstractAsyncContextManager[Any]) -> None:
        if manager in self._entered:
            self._entered.remove(manager)
            await manager.__aexit__(None, None, None)

    def _is_of_another_process(self) -> bool:
        return os.getpid() != self._process

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _stop(self) -> None:
        if not self._is_of_another_process():
            self.submit(self._end())
            self._thread.join(EXIT_TIMEOUT_S)

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for manager in [*self._entered]:
            await self._leave(manager)
        self._loop.stop()


def result_of(future: Future[Answer]) -> Answer:
    """Wait for what was submitted; where the wait is broken off, as by Ctrl-C, that is too.

    Raises:
        ClientError: it was cancelled.
    """
    try:
        return future.result()
    except CancelledError as error:
        raise ClientError("the detector was closed before the answer came") from error
    except BaseException:
        future.cancel()
        raise


_shared: BackgroundLoop | None = None
_is_a_fork = False
_lock = threading.Lock()


def background_loop(protocol: str) -> BackgroundLoop:
    """That of this process, begun when it is first asked for.

    Args:
        protocol: what is to be spoken on it.

    Raises:
        ClientError: it is gRPC, and the process was forked from one that had a loop. gRPC's own
            threads are not there then, and its calls never end.
    """
    global _shared
    if _is_a_fork and protocol == "grpc":
        raise ClientError(
            "this process was forked from one that had a detector, and gRPC cannot be used in such "
            'a fork: start it with "spawn" (multiprocessing.get_context("spawn")), or make the '
            'detector with protocol="http" and the server\'s HTTP port'
        )
    with _lock:
        if _shared is None:
            _shared = BackgroundLoop()
        return _shared


def _forget() -> None:
    global _shared, _is_a_fork, _lock
    _is_a_fork |= _shared is not None
    _shared, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
