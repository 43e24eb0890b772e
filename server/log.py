"""tritonserver's log, and the lines of it that a person needs to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

TRITON_LINE = re.compile(r"(?P<severity>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ \d+ \S+\] ")
MODEL_LINE = re.compile(r'[IWEF]\d{4} \S+ \d+ \S+\.py:\d+\] "?(?P<said>.*?)"?$')
TABLE_LINE = re.compile(r"[|+]")
# What pre- and postprocess write of each request: model_repository/*/1/request_report.py.
REQUEST_LINE = re.compile(r'\{"time": ')
# What a server without a GPU says of that, some of it as errors.
GPU_DRIVER = Path("/dev/nvidiactl")
NO_GPU_LINE = re.compile(
    r"pinned_memory_manager\.cc|CudaDriverHelper has not been initialized"
    r"|ensemble_scheduler\.cc:\d+\] \"unable to create stream"
    r"|Failed to initialize NVML|DCGM unable to start"
)


class LogReader:
    """Reads the noteworthy lines of a log that is still being written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8", errors="replace")
        self._partial = ""

    def new_lines(self) -> Iterator[str]:
        """Yields the noteworthy lines that were completed since the last call."""
        *lines, self._partial = (self._partial + self._file.read()).split("\n")
        return filter(is_noteworthy, lines)

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def is_noteworthy(line: str) -> bool:
    """Whether it is a warning, an error, or was printed by a model, but for a request's line."""
    if not line.strip() or TABLE_LINE.match(line) or REQUEST_LINE.match(line):
        return False
    if NO_GPU_LINE.search(line):
        return GPU_DRIVER.exists()
    triton_line = TRITON_LINE.match(line)
    return triton_line is None or triton_line["severity"] != "I"


def noteworthy_lines(path: Path) -> list[str]:
    """Returns the noteworthy lines of a finished log."""
    return [
        line
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if is_noteworthy(line)
    ]


def last_word_of_a_model(path: Path) -> str:
    """Returns what a Python model logged last, such as what it has compiled; or nothing."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next(
        (found["said"] for line in reversed(lines) if (found := MODEL_LINE.match(line))), ""
    )
