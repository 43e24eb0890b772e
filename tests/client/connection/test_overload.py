"""A server that takes less than it is asked for: its queue is full, or too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.connection.model_connection import connect
from client.detections import Detections
from client.errors import RequestFailed
from server.launch import TritonServer
from tests.client.conftest import (
    DELAY_S,
    Demo,
    connection_to,
    evaluate_demo,
    served,
    write_recorded_repository,
)

QUEUE = """
dynamic_batching {{
  default_queue_policy {{
    max_queue_size: 4
    timeout_action: REJECT
    default_timeout_microseconds: {timeout}
  }}
}}
"""


@pytest.fixture(scope="module")
def busy_server(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Iterator[TritonServer]:
    """It queues four requests, for less time than it takes to answer one."""
    further = QUEUE.format(timeout=int(DELAY_S * 0.8e6))
    folder = tmp_path_factory.mktemp("busy")
    yield from served(write_recorded_repository(folder, demo, further=further))


def test_pictures_that_a_busy_server_turns_away_are_sent_again_until_all_are_answered(
    busy_server: TritonServer, demo: Demo, tmp_path: Path, protocol: str
) -> None:
    connection = connection_to(busy_server, protocol, concurrency=10)
    summary = evaluate_demo(demo, connection, tmp_path)

    assert summary.complete
    assert summary.retries > 0
    assert [endpoint.went_away for endpoint in summary.endpoints] == [0]
    assert f"{summary.retries} requests were sent again" in str(summary)


def test_a_picture_that_is_turned_away_for_too_long_fails_alone_with_the_servers_words(
    busy_server: TritonServer, demo: Demo, protocol: str
) -> None:
    picture = (demo.images / "000000.jpg").read_bytes()

    async def scenario() -> list[Detections | BaseException]:
        async with connect(connection_to(busy_server, protocol, retry_for=0)) as detector:
            return await asyncio.gather(
                *(detector.detect(picture) for _ in range(32)), return_exceptions=True
            )

    awaited = {"Exceeds maximum queue size", "Request timeout expired"}
    for _ in range(50):  # Requests that come slowly, from a busy machine, may find the queue short.
        outcomes = asyncio.run(scenario())
        failures = [str(outcome) for outcome in outcomes if isinstance(outcome, RequestFailed)]
        answers = [outcome for outcome in outcomes if isinstance(outcome, Detections)]
        assert answers
        assert len(answers) + len(failures) == 32
        assert all("(--retry-for)" in failure for failure in failures)
        awaited -= {words for words in awaited if any(words in failure for failure in failures)}
        if not awaited:
            break
    assert not awaited
