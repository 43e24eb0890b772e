"""What the operating system refuses, in words."""

from __future__ import annotations

import os


def in_words(error: OSError) -> str:
    """A sentence on an error that nothing more can be said of: `FILE: Permission denied`."""
    reason = error.strerror or str(error)
    # None where it is of no file, a number where it is of an open one.
    if error.filename is None or isinstance(error.filename, int):
        return reason
    return f"{os.fsdecode(error.filename)}: {reason}"
