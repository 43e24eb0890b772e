"""Lines that say how far a command is."""

from __future__ import annotations

import time


class Progress:
    """Prints lines, each behind the seconds since this object was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def report(self, line: str) -> None:
        """Print ``[   1.2 s] line``."""
        print(f"[{time.monotonic() - self._started:6.1f} s] {line}", flush=True)
