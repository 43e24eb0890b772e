"""What happens to an evaluation when the connection between it and the server fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from tests.reliability.conftest import PICTURES
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.reliability.faulty_connection import FaultyConnection
from tests.reliability.service import Service

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
    dataset: Path,
    undisturbed: Path,
    tmp_path: Path,
    fault: Callable[[FaultyConnection], None],
    options: tuple[str, ...],
    what: str,
    times: int,
    reliability_row: Callable[..., None],
) -> None:
    gone = 0
    pauses = []
    for number in range(times):
        output = tmp_path / str(number)
        with FaultyConnection(service.grpc_url) as connection:
            evaluation = Evaluation(dataset, connection.url, output, options)
            evaluation.wait_for(random.randrange(PICTURES // 8, PICTURES // 2))
            acknowledged, moment = result_lines(output), time.monotonic()
            fault(connection)
            code, said = evaluation.wait()

        assert code == 0, said
        assert "is away" in said
        assert "is back" in said
        assert same_results(output, undisturbed)
        gone += lost(acknowledged, output, undisturbed)
        pauses.append(evaluation.longest_pause(moment))
    assert gone == 0
    reliability_row(
        what,
        tried=times,
        lost=gone,
        recovered_in=f"{median(pauses):.1f} s, at most {max(pauses):.1f} s",
        seen_as="a pause; “… is away”, “… is back”, code 0",
    )
