"""What is left of an evaluation whose own process ends in the midst of it."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.reliability.dataset import PICTURES
from tests.reliability.evaluation import result_lines
from tests.reliability.trial import Trial

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
    trial: Trial, tmp_path: Path, number: signal.Signals, code: int, seen_as: str, times: int
) -> None:
    for attempt in range(times):
        output = tmp_path / str(attempt // 2)
        done = len(result_lines(output))
        # One request at a time, so that what is finished does not grow by much until the signal.
        evaluation = trial.start("--resume", "--concurrency", "1", output=output)
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
        if attempt % 2 == 1:
            trial.resume(output, acknowledged)
    trial.write_row(
        f"the client ended by {number.name} in mid-evaluation, resumed after every second time",
        tried=times,
        recovered_in="with --resume",
        seen_as=seen_as,
    )
