"""Pictures in, results out: `Detector`, and `AsyncDetector` for programs with an event loop."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, aclosing
from types import TracebackType
from typing import Any, TypeVar, overload

from artifact.names import DEFAULT_NAME
from client.connection.background import background_loop, result_of
from client.connection.concurrency import in_order
from client.connection.endpoints import Endpoints
from client.connection.model_connection import ModelConnection, connect
from client.connection.served_model import ServedModel
from client.connection.settings import Connection
from client.errors import ClientError
from client.pictures.encoded import ChannelOrder, EncodedPicture, Picture
from client.result import Result

SomePicture = TypeVar("SomePicture", bound=Picture)


class AsyncDetector:
    """A served model, for programs with an event loop.

    >>> async with AsyncDetector("127.0.0.1:8001", model="mask_rcnn") as detector:
    ...     found = await detector("photo.jpg")

    Any number of calls may be under way at once, on the event loop where it was entered.

    Args:
        url: `HOST:PORT`, or several with commas between them, which share the pictures; None for
            Triton's own port on this machine.
        model: the name of the served model.
        settings: the further fields of `client.connection.settings.Connection`.

    Raises:
        ClientError: the settings do not fit; on entering: no server is there, or not the model.
    """

    def __init__(
        self, url: str | None = None, *, model: str = DEFAULT_NAME, **settings: Any
    ) -> None:
        self.connection = Connection(url, model=model, **settings)
        self._stack = AsyncExitStack()
        self._opened: ModelConnection | None = None

    async def __aenter__(self) -> AsyncDetector:
        self._opened = await self._stack.enter_async_context(connect(self.connection))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened = None
        await self._stack.aclose()

    @property
    def model(self) -> ServedModel:
        """What the server says of the model: its categories, for one."""
        return self._connection_now().model

    @property
    def endpoints(self) -> Endpoints:
        """The servers, and how often each was asked."""
        return self._connection_now().endpoints

    @overload
    async def __call__(
        self,
        pictures: list[SomePicture] | tuple[SomePicture, ...],
        *,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> list[Result]: ...

    @overload
    async def __call__(
        self,
        pictures: Picture,
        *,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> Result: ...

    async def __call__(
        self,
        pictures: Picture | list[SomePicture] | tuple[SomePicture, ...],
        *,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> Result | list[Result]:
        """What is in a picture, or in each of several, which are sent at once.

        Args:
            pictures: one, or a list of them. For what a picture may be, and what `channel_order`
                says of arrays, see `EncodedPicture.of`. An array must not change meanwhile.
            score_threshold: leave out lower scores; None is the model's own threshold.

        Raises:
            PictureError: a picture cannot be read.
            RequestFailed: it was refused, or got no answer while others did.
            ServerUnavailable: every server stayed away for longer than `retry_for` seconds.
            ClientError: a server came back with another model.
        """
        if isinstance(pictures, (list, tuple)):
            found = self.stream(
                pictures, channel_order=channel_order, score_threshold=score_threshold
            )
            return [result async for result in found]
        encoded = await asyncio.to_thread(EncodedPicture.of, pictures, channel_order)
        return await self.detect(encoded, score_threshold)

    async def stream(
        self,
        pictures: Iterable[Picture] | AsyncIterable[Picture],
        *,
        concurrency: int | None = None,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> AsyncIterator[Result]:
        """The results for pictures, in their order, as soon as they are there.

        No more pictures are taken than can be under way. The first fault ends it: see `__call__`.

        Args:
            pictures: any number of them.
            concurrency: how many are under way at once; None for that of the connection.
            channel_order, score_threshold: see `__call__`.
        """
        limit = concurrency_of(concurrency, self.connection)

        async def encoded() -> AsyncIterator[EncodedPicture]:
            async for picture in _each(pictures):
                yield await asyncio.to_thread(EncodedPicture.of, picture, channel_order)

        async def ask(picture: EncodedPicture) -> Result:
            return await self.detect(picture, score_threshold)

        async with aclosing(in_order(encoded(), ask, concurrency=limit)) as results:
            async for result in results:
                yield result

    async def detect(
        self,
        picture: EncodedPicture,
        score_threshold: float | None = None,
        *,
        request_id: str = "",
    ) -> Result:
        """What is in a picture that is ready to be sent.

        Args:
            picture: see `EncodedPicture.of`.
            score_threshold: leave out lower scores; None is the model's own threshold.
            request_id: names the request in the server's log, and in `RequestFailed`.

        Raises:
            RequestFailed, ServerUnavailable, ClientError: see `__call__`.
        """
        connection = self._connection_now()
        detections = await connection.detect(
            picture.content, score_threshold, request_id=request_id
        )
        return Result.of(
            picture, detections, connection.model.categories, connection.model.skeletons
        )

    def _connection_now(self) -> ModelConnection:
        if self._opened is None:
            raise ClientError(
                "the detector is not open, or closed: use it inside of `with Detector(...) as "
                "detector:`, or `async with AsyncDetector(...) as detector:`"
            )
        return self._opened


class Detector:
    """A served model.

    >>> detector = Detector("127.0.0.1:8001", model="mask_rcnn")
    >>> found = detector("photo.jpg")

    It may be called from several threads at once, and inside of a running event loop, as in
    Jupyter. It closes itself: at the end of `with`, with `close()`, or when nothing refers to it.

    Args:
        url, model, settings: see `AsyncDetector`.

    Raises:
        ClientError: no server is there, or not the model; the settings do not fit.
    """

    def __init__(
        self, url: str | None = None, *, model: str = DEFAULT_NAME, **settings: Any
    ) -> None:
        self._detector = AsyncDetector(url, model=model, **settings)
        self._loop = background_loop(self._detector.connection.protocol)
        self._under_way: set[Future[Result]] = set()
        self._loop.enter(self._detector)
        finalizer = weakref.finalize(self, self._loop.leave_soon, self._detector)
        finalizer.atexit = False  # The loop then leaves all that is open.

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back. What is under way in other threads is broken off."""
        for future in [*self._under_way]:
            future.cancel()
        self._loop.leave(self._detector)

    @property
    def model(self) -> ServedModel:
        """What the server says of the model: its categories, for one."""
        return self._detector.model

    @overload
    def __call__(
        self,
        pictures: list[SomePicture] | tuple[SomePicture, ...],
        *,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> list[Result]: ...

    @overload
    def __call__(
        self,
        pictures: Picture,
        *,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> Result: ...

    def __call__(
        self,
        pictures: Picture | list[SomePicture] | tuple[SomePicture, ...],
        *,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> Result | list[Result]:
        """What is in a picture, or in each of several: see `AsyncDetector.__call__`."""
        if isinstance(pictures, (list, tuple)):
            found = self.stream(
                pictures, channel_order=channel_order, score_threshold=score_threshold
            )
            return list(found)
        return result_of(self._begin(pictures, channel_order, score_threshold))

    def stream(
        self,
        pictures: Iterable[Picture],
        *,
        concurrency: int | None = None,
        channel_order: ChannelOrder | None = None,
        score_threshold: float | None = None,
    ) -> Iterator[Result]:
        """The results for pictures, in their order: see `AsyncDetector.stream`.

        Pictures are taken and encoded in the thread that asks for the results, one by one.
        """
        limit = concurrency_of(concurrency, self._detector.connection)
        under_way: deque[Future[Result]] = deque()
        try:
            for picture in pictures:
                under_way.append(self._begin(picture, channel_order, score_threshold))
                while under_way and (len(under_way) >= limit or under_way[0].done()):
                    yield result_of(under_way.popleft())
            while under_way:
                yield result_of(under_way.popleft())
        finally:
            for future in under_way:
                future.cancel()

    def detect(
        self,
        picture: EncodedPicture,
        score_threshold: float | None = None,
        *,
        request_id: str = "",
    ) -> Result:
        """What is in a picture that is ready to be sent: see `AsyncDetector.detect`."""
        return result_of(self._submit(picture, score_threshold, request_id))

    def _begin(
        self,
        picture: Picture,
        channel_order: ChannelOrder | None,
        score_threshold: float | None,
    ) -> Future[Result]:
        return self._submit(EncodedPicture.of(picture, channel_order), score_threshold)

    def _submit(
        self, picture: EncodedPicture, score_threshold: float | None, request_id: str = ""
    ) -> Future[Result]:
        future = self._loop.submit(
            self._detector.detect(picture, score_threshold, request_id=request_id)
        )
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future


def concurrency_of(asked: int | None, connection: Connection) -> int:
    """How many pictures of a stream are under way at once.

    Raises:
        ClientError: less than one is asked for.
    """
    if asked is None:
        return connection.concurrency
    if asked < 1:
        raise ClientError(f"concurrency is {asked}: at least one picture has to be under way")
    return asked


async def _each(pictures: Iterable[Picture] | AsyncIterable[Picture]) -> AsyncIterator[Picture]:
    if isinstance(pictures, AsyncIterable):
        async for picture in pictures:
            yield picture
    else:
        for picture in pictures:
            yield picture
