"""Files that are never seen half written."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Another path, for the body to write to, whose file replaces `path` at its end.

    Until then, and for ever if the body fails, `path` stays as it was: those who read it meanwhile
    get the old file or the whole new one. Several processes may write the same `path` at once; the
    last to finish wins.

    Raises:
        OSError: the file cannot be put into its place.
    """
    unfinished = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
