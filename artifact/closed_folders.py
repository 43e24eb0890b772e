"""Folders that may not be read, which `Path.glob` passes over without a word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn


def check_open(folder: Path) -> None:
    """Goes through a folder and all in it.

    Raises:
        OSError: one cannot be read; `filename` says which.
    """
    for _ in os.walk(folder, onerror=_raise):
        pass


def _raise(error: OSError) -> NoReturn:
    raise error
