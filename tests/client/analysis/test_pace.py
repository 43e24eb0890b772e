from __future__ import annotations

import pytest

from client.analysis.pace import pace
from client.coco.timing import Timing

START = 1_790_000_000.0


def test_a_steady_run_has_the_same_pace_throughout() -> None:
    found = pace([Timing(START + 0.1 * n, 100.0) for n in range(400)])

    assert found is not None
    assert (found.answers, found.pauses, len(found.spans)) == (400, 0, 40)
    assert found.seconds == pytest.approx(40)
    assert [span.per_second for span in found.spans] == pytest.approx([10] * 40, abs=1.01)
    assert {(span.p50_ms, span.p95_ms) for span in found.spans} == {(100.0, 100.0)}


def test_the_time_between_a_broken_run_and_its_end_is_left_out() -> None:
    before = [Timing(START + n, 500.0) for n in range(10)]
    after = [Timing(START + 100_000 + n, 2000.0) for n in range(10)]

    found = pace([*after, *before])

    assert found is not None
    assert found.pauses == 1
    assert found.seconds == pytest.approx(0.5 + 9 + 2 + 9)
    assert found.spans[0].p50_ms == 500
    assert found.spans[-1].p50_ms == 2000


def test_answers_that_came_at_once_are_a_pace_too() -> None:
    found = pace([Timing(START, 0.0), Timing(START, 0.0)])

    assert found is not None
    assert len(found.spans) == 1


@pytest.mark.parametrize("timings", [[], [Timing(START, 1.0)]])
def test_one_answer_is_none(timings: list[Timing]) -> None:
    assert pace(timings) is None
