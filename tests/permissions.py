"""Tests of what a user may not read, write or enter, whoever runs them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION = 0x20080522  # capget(2): _LINUX_CAPABILITY_VERSION_3, with two words for each set
_PASS_OVER_PERMISSIONS = 1 << 1 | 1 << 2  # capabilities(7): CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Permissions bind this thread, and those that it starts, even where it is root's.

    Processes that it starts are not bound.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    sets = (_Sets * 2)()
    _call(libc.capget, sets)
    before = sets[0].effective
    sets[0].effective &= ~_PASS_OVER_PERMISSIONS
    _call(libc.capset, sets)
    try:
        yield
    finally:
        sets[0].effective = before
        _call(libc.capset, sets)


def _call(function: ctypes._FuncPointer, sets: ctypes.Array[_Sets]) -> None:
    if function(ctypes.byref(_Header(_VERSION, 0)), sets) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
