"""Running the images' commands outside of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


RunHere = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]


@pytest.fixture
def run_here(tmp_path: Path) -> RunHere:
    """Runs a ``python3 -m …`` of an image, whose absolute paths are then in an empty folder.

    So it gets as far as the first file that it misses, if its options are right.
    """

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        assert program == "python3"
        return subprocess.run(
            [sys.executable, *(re.sub("(^|=)/", rf"\1{tmp_path}/", item) for item in arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
