"""JSON files that are never seen half written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from artifact.whole_file import whole_file
from client.errors import ClientError


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write a JSON file in one step: readers see the old one or the whole new one.

    Args:
        path: the file, in a folder that exists.
        value: without infinities and NaN.
        indent: spaces for each level; None writes it in one line.

    Raises:
        ClientError: the file cannot be written.
    """
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(value, indent=indent, allow_nan=False) + "\n")
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error.strerror}") from error
