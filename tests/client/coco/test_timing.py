from __future__ import annotations

import json
from typing import Any

import pytest

from client.coco.timing import Timing


def test_it_is_read_as_it_was_written_to_the_millisecond() -> None:
    timing = Timing(answered_at=1_790_000_000.123456, latency_ms=12.34567)

    line = json.loads(json.dumps({"timing": timing.to_json()}))

    assert Timing.of_line(line) == Timing(1_790_000_000.123, 12.346)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"timing": None},
        {"timing": {"answered_at": 1.0}},
        {"timing": {"answered_at": "soon", "latency_ms": 1.0}},
        {"timing": {"answered_at": float("nan"), "latency_ms": 1.0}},
        {"timing": {"answered_at": 1.0, "latency_ms": -1.0}},
        {"timing": {"answered_at": 1.0, "latency_ms": 10**400}},
    ],
)
def test_lines_of_earlier_versions_and_damaged_ones_have_none(line: dict[str, Any]) -> None:
    assert Timing.of_line(line) is None
