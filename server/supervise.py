"""Keeping a server up whose python models may lose their processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from server.errors import ServerError
from server.launch import TritonServer
from server.log import LogReader
from server.stubs import StubWatch

POLL_SECS = 0.5
# More than that is not an accident: give up, so that whoever watches over this one sees it.
MOST_RESTARTS = 5
RESTARTS_WITHIN_SECS = 300.0

logger = logging.getLogger(__name__)


def supervise(server: TritonServer) -> Iterator[str]:
    """Watches over a server that has just started; returns the noteworthy lines of its log.

    The lines come, from the log's beginning, until the server ends by itself. When the process of
    a python model dies, from now on, the whole server is started anew: Triton's own reloading of
    that one model keeps the other processes of the model, and never returns the requests that the
    dead one was given.

    Raises:
        ServerError: while lines are read: the server does not load its models any more, or their
            processes have died too often.
    """
    return _watch(server, StubWatch(server.process_id, server.instance_count))


def _watch(server: TritonServer, stubs: StubWatch) -> Iterator[str]:
    restarts: list[float] = []
    with LogReader(server.log_path) as log:
        while not server.has_ended():
            yield from map(server.as_asked, log.new_lines())
            if dead := stubs.dead_models():
                _check_patience(restarts, dead)
                _restart(server, dead)
                restarts.append(time.monotonic())
                stubs = StubWatch(server.process_id, server.instance_count)
            time.sleep(POLL_SECS)
        yield from map(server.as_asked, log.new_lines())


def _restart(server: TritonServer, dead: list[str]) -> None:
    names = ", ".join(dead)
    logger.warning("A process of %s has died; starting tritonserver anew", names)
    started = time.monotonic()
    server.restart()
    logger.info("Ready again, %.1f s after that", time.monotonic() - started)


def _check_patience(restarts: list[float], dead: list[str]) -> None:
    since = time.monotonic() - RESTARTS_WITHIN_SECS
    if len([moment for moment in restarts if moment > since]) >= MOST_RESTARTS:
        raise ServerError(
            f"a process of {', '.join(dead)} has died, and tritonserver was already started anew "
            f"{MOST_RESTARTS} times within {RESTARTS_WITHIN_SECS / 60:.0f} minutes: giving up"
        )
