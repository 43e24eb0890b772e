"""The servers that share the requests, and what is done when one of them goes away.

Each request goes to the server with the fewest in flight. An inference changes nothing on a server,
so a request without an answer may be sent again, to the same server or to another:

- A server that is away gets no requests. At intervals it is asked whether it is back with the same
  model; then one request is tried there, and with its answer the server gets its share again.
- A request that finds a server too busy waits before it is sent again.
- A request that is not answered in time is sent once more.
- What a server refuses is not sent again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from typing import TypeVar

from client.connection.served_model import ServedModel, inspect
from client.connection.transport import Transport
from client.differences import differences
from client.endpoint_counts import EndpointCounts
from client.errors import (
    ClientError,
    DeadlineExceeded,
    RequestFailed,
    ServerBusy,
    ServerUnavailable,
)

Answer = TypeVar("Answer")

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 2.0
TRIES_IN_TIME = 2

logger = logging.getLogger(__name__)


class State(Enum):
    """Which requests a server gets."""

    LIVE = "its share"
    AWAY = "none"
    BACK = "one, to see whether it is well"
    TRIED = "none before that one is answered"


class Endpoint:
    """One of the servers."""

    turn: int
    """The number of the last request that went there, among those of all servers."""
    failing_since: float | None
    """The time of its first failure after its last answer."""
    fault: ClientError | None
    """The last failure."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.state = State.LIVE
        self.in_flight = 0
        self.turn = 0
        self.answered = 0
        self.went_away = 0
        self.failing_since = None
        self.fault = None
        self.backoff = backoff()
        self.coming_back: asyncio.Task[None] | None = None

    def has_answered(self) -> None:
        """With a result or a refusal: it is well."""
        if self.failing_since is not None:
            logger.warning("%s is back", self.transport)
        self.state = State.LIVE
        self.failing_since = self.fault = None
        self.backoff = backoff()

    def has_failed(self, fault: ClientError) -> None:
        """To answer: it is away."""
        if self.failing_since is None:
            logger.warning("%s is away: %s", self.transport, fault)
            self.failing_since = _now()
            self.went_away += 1
        self.state = State.AWAY
        self.fault = fault


class Endpoints:
    """One or more servers with the same model.

    Args:
        endpoints: at least one of them is live.
        model: what the live ones said of it.
        retry_for: seconds to wait while all of them are away, or while none takes a request.
    """

    retries: int
    """Requests that were sent again."""

    def __init__(
        self, endpoints: Sequence[Endpoint], model: ServedModel, *, retry_for: float
    ) -> None:
        self.model = model
        self.retries = 0
        self._endpoints = endpoints
        self._retry_for = retry_for
        self._turns = itertools.count(1)
        self._changed = asyncio.Event()
        self._other_model: ClientError | None = None
        for endpoint in endpoints:
            if endpoint.state is State.AWAY:
                self._await_return(endpoint)

    def counts(self) -> tuple[EndpointCounts, ...]:
        """What each server did so far."""
        return tuple(
            EndpointCounts(endpoint.transport.url, endpoint.answered, endpoint.went_away)
            for endpoint in self._endpoints
        )

    async def send(self, request: Callable[[Transport], Awaitable[Answer]]) -> Answer:
        """The answer to a request that may safely be sent more than once.

        Raises:
            RequestFailed: it was refused, or stayed without an answer while others got theirs.
            ServerUnavailable: all servers stayed away.
            ClientError: a server came back with another model.
        """
        pauses = backoff()
        failing_since = None
        too_late = 0
        while True:
            endpoint = await self._next()
            try:
                return await self._send_to(endpoint, request)
            except DeadlineExceeded as error:
                too_late += 1
                if too_late == TRIES_IN_TIME:
                    raise RequestFailed(f"{error} (--timeout), {too_late} times") from error
            except (ServerUnavailable, ServerBusy) as error:
                self._time_left()
                pause = next(pauses) if isinstance(error, ServerBusy) else 0.0
                failing_since = _now() if failing_since is None else failing_since
                if _now() + pause >= failing_since + self._retry_for:
                    raise RequestFailed(
                        f"sent again for {self._retry_for:g} s (--retry-for) and not answered, "
                        f"though other requests were: {error}"
                    ) from error
                await asyncio.sleep(pause)
            self.retries += 1

    async def close(self) -> None:
        """Stop asking whether servers are back."""
        tasks = [e.coming_back for e in self._endpoints if e.coming_back is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _next(self) -> Endpoint:
        """The server for the next request, as soon as there is one."""
        while True:
            if self._other_model is not None:
                raise self._other_model
            usable = [e for e in self._endpoints if e.state in (State.LIVE, State.BACK)]
            if usable:
                return min(usable, key=lambda endpoint: (endpoint.in_flight, endpoint.turn))
            time_left = self._time_left()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), time_left)

    async def _send_to(
        self, endpoint: Endpoint, request: Callable[[Transport], Awaitable[Answer]]
    ) -> Answer:
        if endpoint.state is State.BACK:
            endpoint.state = State.TRIED
        endpoint.in_flight += 1
        endpoint.turn = next(self._turns)
        try:
            answer = await request(endpoint.transport)
        except (ServerUnavailable, DeadlineExceeded) as error:
            endpoint.has_failed(error)
            self._await_return(endpoint)
            raise
        except (ServerBusy, RequestFailed):
            endpoint.has_answered()
            raise
        else:
            endpoint.has_answered()
            endpoint.answered += 1
            return answer
        finally:
            endpoint.in_flight -= 1
            if endpoint.state is State.TRIED:  # and that request was cancelled
                endpoint.state = State.BACK
            self._tell_of_change()

    def _time_left(self) -> float | None:
        """Seconds until it is time to give up; None while a server is live or tried.

        Raises:
            ServerUnavailable: that time has come.
        """
        if any(endpoint.state is not State.AWAY for endpoint in self._endpoints):
            return None
        last = max(self._endpoints, key=lambda endpoint: endpoint.failing_since or 0.0)
        left = (last.failing_since or 0.0) + self._retry_for - _now()
        if left > 0:
            return left
        waited, count = f"{self._retry_for:g} s (--retry-for)", len(self._endpoints)
        raise ServerUnavailable(
            f"the server at {last.transport} could not answer for {waited}: {last.fault}"
            if count == 1
            else f"none of the {count} servers could answer for {waited}, the last was "
            f"{last.transport}: {last.fault}"
        )

    def _await_return(self, endpoint: Endpoint) -> None:
        if endpoint.coming_back is None or endpoint.coming_back.done():
            endpoint.coming_back = asyncio.create_task(self._come_back(endpoint))

    async def _come_back(self, endpoint: Endpoint) -> None:
        while endpoint.state is State.AWAY:
            await asyncio.sleep(next(endpoint.backoff))
            if isinstance(endpoint.fault, DeadlineExceeded):
                endpoint.transport.begin_anew()
            try:
                model = await inspect(endpoint.transport, self.model.name)
            except (ServerUnavailable, ServerBusy, RequestFailed):
                continue
            except ClientError as error:
                self._other_model = error
            else:
                if model.identity != self.model.identity:
                    self._other_model = ClientError(
                        f"{endpoint.transport} is back with another model than before: "
                        + describe_differences(self.model, model)
                    )
            if endpoint.state is State.AWAY:
                endpoint.state = State.BACK
            self._tell_of_change()

    def _tell_of_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def describe_differences(one: ServedModel, other: ServedModel) -> str:
    """In words, for two models that differ."""
    return "; ".join(
        f"{path} is {value} and {other_value}"
        for path, value, other_value in differences(one.identity, other.identity)
    )


def backoff() -> Iterator[float]:
    """Seconds to wait before each further try.

    At random between 0 and a limit that doubles, so that many clients do not come back at once.
    """
    limit = FIRST_BACKOFF_S
    while True:
        yield random.uniform(0, limit)
        limit = min(2 * limit, LONGEST_BACKOFF_S)


def _now() -> float:
    return asyncio.get_running_loop().time()
