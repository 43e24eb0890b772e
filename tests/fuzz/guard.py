"""Notices what reading a file must never do: run a program, import, write, or open another file."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Events of https://docs.python.org/3/library/audit_events.html. `compile` is ast.literal_eval,
# which parses and does not run.
_HARMLESS = frozenset(
    {
        *("array.__new__", "builtins.id", "compile", "mmap.__new__"),
        *("object.__getattr__", "object.__setattr__"),  # Pillow makes a JPEG an MPO by its class
        "sys._getframe",  # the logging module
    }
)


class Forbidden(BaseException):
    """Something happened that reading a file must not do."""


_may_open: tuple[str, ...] | None = None
_earlier_threads: frozenset[int | None] = frozenset()
_seen: list[str] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _may_open is None or event in _HARMLESS:
        return
    if threading.get_ident() in _earlier_threads:  # of servers that other tests have
        return
    if event == "open" and _is_allowed(*arguments[:2]):
        return
    _seen.append(f"{event}{arguments!r:.300}")
    raise Forbidden(_seen[-1])


def _is_allowed(path: object, mode: object) -> bool:
    return mode in ("r", "rb") and str(path).startswith(_may_open or ())


sys.addaudithook(_hook)  # for good: a hook cannot be taken away, so it sleeps outside `watched`


@contextmanager
def watched(*may_open: Path) -> Iterator[None]:
    """Raises `Forbidden` for what the code inside does that it must not, even if that code catches
    the exception by which it was stopped.

    Args:
        may_open: the files, or folders of files, that may be opened to be read.
    """
    global _may_open, _earlier_threads
    _seen.clear()
    others = set(threading.enumerate()) - {threading.current_thread()}
    _earlier_threads = frozenset(thread.ident for thread in others)
    _may_open = tuple(map(str, may_open))
    try:
        yield
    finally:
        _may_open = None
        if _seen:
            raise Forbidden("; ".join(_seen))
