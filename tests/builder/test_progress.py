from __future__ import annotations

import re
import time

import pytest

from builder.progress import Progress


def test_a_line_begins_with_the_seconds_since_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.report("first")
    time.sleep(0.3)
    progress.report("second")
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\[ {3}\d\.\d s\] first", first)
    assert re.fullmatch(r"\[ {3}\d\.\d s\] second", second)
    assert 0.3 <= float(second[4:7]) < 5
