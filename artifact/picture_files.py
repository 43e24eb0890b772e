"""Which files of a folder are pictures."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artifact.picture_formats import BEGINNING_BYTES, begins_like_a_picture, has_picture_suffix

_KINDS_TOLD = 5
_LONGEST_SUFFIX = 16


@dataclass(frozen=True)
class PictureFiles:
    """What was found in a folder."""

    pictures: list[Path]
    """In the order of their names."""
    others: Mapping[str, int]
    """How many other files there are, by kind: a suffix, or in words what keeps them out."""
    folders: int
    """How many folders in it were not gone into."""

    @property
    def passed_over(self) -> str:
        """All that is not in `pictures`, in words; "" if there is nothing else."""
        told = []
        if count := sum(self.others.values()):
            kinds = Counter(self.others).most_common()
            words = [f"{number} {kind}" for kind, number in kinds[:_KINDS_TOLD]]
            if rest := sum(number for _, number in kinds[_KINDS_TOLD:]):
                words.append(f"{rest} of other kinds")
            told.append(f"{count} {'file' if count == 1 else 'files'} ({', '.join(words)})")
        if self.folders:
            noun = "folder" if self.folders == 1 else "folders"
            told.append(f"{self.folders} {noun} (--recursive goes into them)")
        return " and ".join(told)


def find_pictures(
    folder: Path,
    *,
    recursive: bool = False,
    leave_out: Path | None = None,
    further_suffixes: tuple[str, ...] = (),
) -> PictureFiles:
    """The pictures in a folder: files with the suffix of a format that is served, and files without
    any suffix whose content begins like one.

    Hidden files and folders are passed over. So are thereby the ``._x.jpg`` that macOS lays beside
    each ``x.jpg``.

    Args:
        folder: links in it are followed.
        recursive: go into the folders in it too, each once.
        leave_out: a folder that is not gone into.
        further_suffixes: in small letters; files with one of these count as pictures.

    Raises:
        OSError: a folder cannot be read; `filename` says which.
    """
    seen = set() if leave_out is None else {os.path.realpath(leave_out)}
    search = _Search(recursive, further_suffixes, seen)
    pictures = sorted(search.pictures(folder))
    return PictureFiles(pictures, search.others, search.folders)


@dataclass
class _Search:
    recursive: bool
    further_suffixes: tuple[str, ...]
    seen: set[str]
    others: Counter[str] = field(default_factory=Counter)
    folders: int = 0

    def pictures(self, folder: Path) -> Iterator[Path]:
        """Goes through a folder, and counts what is no picture."""
        self.seen.add(os.path.realpath(folder))
        to_do = [folder]
        while to_do:
            folder = to_do.pop()
            names = os.listdir(folder)
            os.stat(folder / os.pardir)  # fails in a folder of which only the names may be read
            for name in names:
                path = folder / name
                if os.path.isdir(path):  # False for a link to nowhere or to itself
                    if self._goes_into(path):
                        to_do.append(path)
                elif kind := _other_than_a_picture(path, self.further_suffixes):
                    self.others[kind] += 1
                else:
                    yield path

    def _goes_into(self, folder: Path) -> bool:
        place = os.path.realpath(folder)
        if folder.name.startswith(".") or place in self.seen:
            return False
        self.seen.add(place)
        self.folders += not self.recursive
        return self.recursive


def _other_than_a_picture(path: Path, further_suffixes: tuple[str, ...]) -> str | None:
    """The kind of a file that is passed over; None for a picture."""
    if path.name.startswith("."):
        return "hidden"
    if not os.path.isfile(path):
        return "neither file nor folder"
    if has_picture_suffix(path.name) or path.name.lower().endswith(further_suffixes):
        return None
    if suffix := path.suffix.lower():
        is_shown = suffix.isprintable() and len(suffix) <= _LONGEST_SUFFIX
        return suffix if is_shown else "with an odd suffix"
    try:
        with path.open("rb") as file:
            beginning = file.read(BEGINNING_BYTES)
    except OSError:
        return "that cannot be read"
    return None if begins_like_a_picture(beginning) else "without a suffix"
