"""Where pictures are drawn into: a file of its own for each, and never one of the pictures."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from client.errors import ClientError

LONGEST_NAME_BYTES = 255
"""Of nearly every file system."""


Source = TypeVar("Source", bound=os.PathLike[str])


def drawn_paths(
    pictures: Mapping[Source, Path], folder: Path, *, suffix: str = ".png"
) -> dict[Source, Path]:
    """A file in `folder` for each picture, of its own name with `suffix` where that is free.

    Names that differ in small and large letters, or in how Unicode composes them, count as one:
    some file systems see no difference.

    Args:
        pictures: for each picture, what the file is called if it can be, but for its suffix.
        folder: not made yet, perhaps.
        suffix: of the files.

    Returns:
        For each picture a path relative to `folder`.

    Raises:
        ClientError: a picture would be overwritten.
    """
    places = {os.path.realpath(picture) for picture in pictures}
    used = {_folded(parent) for wanted in pictures.values() for parent in wanted.parents}
    numbers: Counter[str] = Counter()
    paths: dict[Source, Path] = {}
    for picture, wanted in pictures.items():
        path = first = _with_stem_end(wanted, suffix)
        while _folded(path) in used:
            numbers[_folded(first)] += 1
            path = _with_stem_end(wanted, f"-{numbers[_folded(first)] + 1}{suffix}")
        if os.path.realpath(folder / path) in places:
            raise ClientError(
                f"drawing {picture} would overwrite {folder / path}, which is one of the pictures: "
                "choose another --output"
            )
        used.add(_folded(path))
        paths[picture] = path
    return paths


def _with_stem_end(path: Path, end: str) -> Path:
    """``a/b.png`` for ``a/b.jpg``; its stem is cut where the name would be too long."""
    stem = path.stem
    while len(os.fsencode(stem + end)) > LONGEST_NAME_BYTES:
        stem = stem[:-1]
    return path.with_name(stem + end)


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()
