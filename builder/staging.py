"""Folders put into place all at once, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.errors import BuildError


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """An empty folder whose entries replace those of the same name in `directory` at the end.

    It lies beside `directory`, so that entries move by renaming and a server that looks into
    `directory` meanwhile sees nothing half written. If anything fails, in the body or while
    entries move, `directory` is as it was. Entries of other names are never touched.

    Raises:
        BuildError: if `directory` is no folder, or cannot be written beside or into.
    """
    directory = Path(os.path.realpath(directory))
    if directory.exists() and not directory.is_dir():
        raise BuildError(f"{directory}: is a file; expected a folder, or a new name for one")
    existing = next(parent for parent in directory.parents if parent.exists())
    if directory.exists() and directory.stat().st_dev != existing.stat().st_dev:
        raise BuildError(
            f"{directory}: is a mount point, so files cannot be renamed into it from beside it; "
            f"name a folder inside it, for example {directory / 'model_repository'}"
        )
    try:
        stage = Path(tempfile.mkdtemp(prefix=".build-", dir=existing))
    except OSError as error:
        raise BuildError(
            f"{existing}: cannot be written ({error.strerror}); the repository is put together "
            "in a temporary folder there"
        ) from error
    try:
        new, replaced = stage / "new", stage / "replaced"
        new.mkdir()
        replaced.mkdir()
        yield new
        try:
            _swap_in(new, directory, replaced)
        except OSError as error:
            raise BuildError(
                f"{directory}: cannot be changed ({error}); it is as it was before"
            ) from error
    finally:
        # What cannot be deleted is no reason to fail: nothing reads it any more.
        shutil.rmtree(stage, ignore_errors=True)


def _swap_in(new: Path, directory: Path, replaced: Path) -> None:
    """Move each entry of `new` into `directory`, and what it replaces there into `replaced`."""
    moves: list[tuple[Path, Path]] = []
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for entry in sorted(new.iterdir()):
            target = directory / entry.name
            if os.path.lexists(target):
                moves.append((target, replaced / entry.name))
                target.rename(replaced / entry.name)
            moves.append((entry, target))
            entry.rename(target)
    except BaseException:
        for source, target in reversed(moves):
            if os.path.lexists(target):  # else the move was not begun
                target.rename(source)
        for path in missing:
            if path.exists():
                path.rmdir()
        raise
