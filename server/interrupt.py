"""Ending a program that runs until it is told to stop."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn


def raise_keyboard_interrupt() -> None:
    """Makes SIGINT and SIGTERM raise KeyboardInterrupt in the main thread.

    SIGINT too, for a shell that starts a program in the background leaves it ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
