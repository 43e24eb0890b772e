"""What is left of an evaluation whose own process ends in the midst of it."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.conftest import PICTURES
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.reliability.service import Service

LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("number", "code", "seen_as"),
    [
        pytest.param(
            signal.SIGKILL,
            -signal.SIGKILL,
            "nothing; --resume asks for the rest alone",
            id="SIGKILL",
        ),
        pytest.param(
            signal.SIGINT,
            130,
            "code 130: “interrupted”, where the results are, and the command that goes on",
            id="SIGINT",
            marks=LONG,
        ),
    ],
)
@pytest.mark.parametrize("times", [2, pytest.param(20, marks=LONG)])
def test_an_evaluation_is_ended_and_resumed_again_and_again(
    service: Service,
    dataset: Path,
    undisturbed: Path,
    tmp_path: Path,
    number: signal.Signals,
    code: int,
    seen_as: str,
    times: int,
    reliability_row: Callable[..., None],
) -> None:
    gone = 0
    for attempt in range(times):
        output = tmp_path / str(attempt // 2)
        done = len(result_lines(output))
        # One request at a time, so that what is finished does not grow by much until the signal.
        evaluation = Evaluation(
            dataset, service.grpc_url, output, ["--resume", "--concurrency", "1"]
        )
        evaluation.wait_for(random.randrange(done + 1, done + PICTURES // 3))
        acknowledged = result_lines(output)
        evaluation.signal(number)
        ended_with, said = evaluation.wait()

        assert ended_with == code
        assert "Traceback" not in said
        if number == signal.SIGINT:
            assert f"Finished pictures are kept in {output}" in said
            assert "Continue with\n  python -m client evaluate" in said
            assert "--resume" in said.splitlines()[-1]
        assert set(acknowledged) <= set(result_lines(output))
        if attempt % 2 == 0:
            continue
        ended_with, said = Evaluation(dataset, service.grpc_url, output, ["--resume"]).wait()
        assert ended_with == 0, said
        assert same_results(output, undisturbed)
        gone += lost(acknowledged, output, undisturbed)
    assert gone == 0
    reliability_row(
        f"the client ended by {number.name} in mid-evaluation, resumed after every second time",
        tried=times,
        lost=gone,
        recovered_in="with --resume",
        seen_as=seen_as,
    )
