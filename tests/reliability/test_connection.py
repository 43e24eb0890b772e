"""What happens to an evaluation when the connection between it and the server fails."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from tests.reliability.faulty_connection import FaultyConnection
from tests.reliability.service import Service
from tests.reliability.trial import Trial

LONG = pytest.mark.long


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=LONG)])
@pytest.mark.parametrize(
    ("fault", "options", "what"),
    [
        pytest.param(
            FaultyConnection.reset, (), "the connection dropped", id="dropped", marks=LONG
        ),
        pytest.param(
            # In the midst of a result, which has some thousand bytes.
            lambda connection: connection.reset_after(random.randrange(10_000)),
            (),
            "the connection dropped in the midst of a message",
            id="dropped_in_a_message",
        ),
        pytest.param(
            FaultyConnection.fall_silent,
            ("--timeout", "2"),
            "the connection fell silent without an end, --timeout 2",
            id="silent",
        ),
    ],
)
def test_the_connection_fails(
    service: Service,
    trial: Trial,
    fault: Callable[[FaultyConnection], None],
    options: tuple[str, ...],
    what: str,
    times: int,
) -> None:
    for _ in range(times):
        with FaultyConnection(service.grpc_url) as connection:
            said = trial.run(partial(fault, connection), *options, url=connection.url)

        assert "is away" in said
        assert "is back" in said
    trial.write_row(what, tried=times, seen_as="a pause; “… is away”, “… is back”, code 0")
