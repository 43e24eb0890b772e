"""TensorRT's own messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def make_logger(trt: Any) -> Any:
    """A logger for the bindings `trt` whose `errors` are what failed since they were cleared.

    It prints nothing: TensorRT's warnings are for those who write networks.
    """

    class ErrorLogger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)

    return ErrorLogger()


def indented(messages: Sequence[str]) -> str:
    """Messages as lines below the one that says what failed; each once."""
    return "".join(f"\n  {message}" for message in dict.fromkeys(messages))
