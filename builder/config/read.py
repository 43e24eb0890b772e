"""Reading what a part has declared from a detectron2 YAML file and its bases."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from builder.config.settings import Group, Part, Setting, declarations, keys_of
from builder.config.yaml_files import read_with_bases, shown
from builder.errors import BuildError

Settings = TypeVar("Settings")

LISTED = 50
"""Settings that a message names; the rest is counted."""


def read_settings(path: str | Path, settings: type[Settings], unread: Collection[str]) -> Settings:
    """An object of the dataclass `settings` from a file, its `_BASE_` files and the defaults.

    A string that spells a Python value, such as "(10.0, 10.0, 5.0, 5.0)", is that value, as in
    detectron2. The settings of a part that is not chosen are passed over, as detectron2 does.

    Args:
        path: detectron2's YAML.
        settings: as `builder.config.settings` declares them.
        unread: further settings, and whole sections, that may occur and do not matter.

    Raises:
        BuildError: a file cannot be read, or settings have a value that is not supported, or are
            unknown to detectron2; the message lists all of them.
    """
    known = _Known({*keys_of(settings), *unread}, frozenset(unread))
    found, problems = _settings_in(path, known)
    reader = _Reader(found, problems)
    read = reader.read(settings)
    if problems or read is None:
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        listed = sorted(problems)[:LISTED]
        listed += [f"… and {len(problems) - LISTED} more"] * (len(problems) > LISTED)
        raise BuildError(f"{path}: {count} cannot be used:\n  " + "\n  ".join(listed))
    return read


class _Found(NamedTuple):
    """A setting in a file."""

    value: object
    where: str
    """The file, if it is a base of the one that was asked for."""

    def __str__(self) -> str:
        return shown(self.value) + self.where


class _Reader:
    """Turns settings of a file into objects, and collects what is wrong with them."""

    def __init__(self, found: dict[str, _Found], problems: list[str]) -> None:
        self.found = found
        self.problems = problems

    def read(self, settings: type[Settings]) -> Settings | None:
        """None where something is wrong."""
        values: dict[str, Any] = {}
        sound = True
        for name, declared in declarations(settings).items():
            match declared:
                case Setting(key=key) if key in self.found:
                    try:
                        values[name] = declared.rule.parse(self.found[key].value)
                    except ValueError:
                        sound = False
                        self._refuse(key, declared.rule.supported)
                case Group(settings=inner):
                    values[name] = self.read(inner)
                    sound &= values[name] is not None
                case Part(where=where) if where is None or values.get(where):
                    values[name] = self._read_part(declared)
                    sound &= values[name] is not None
        try:
            return settings(**values) if sound else None
        except ValueError as error:
            self._tell(str(error))
            return None

    def _read_part(self, part: Part) -> Any:
        """The settings of the part that the file names, or of detectron2's default."""
        names = list(part.parts)
        name = self.found[part.key].value if part.key in self.found else names[0]
        if isinstance(name, str) and name in part.parts:
            return self.read(part.parts[name])
        self._refuse(part.key, f"{' or '.join(map(repr, names))} ({part.because})")
        return None

    def _refuse(self, key: str, supported: str) -> None:
        self._tell(f"{key} is {self.found[key]}; supported: {supported}")

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:  # a setting that several parts read is told once
            self.problems.append(problem)


class _Known(NamedTuple):
    """The names of detectron2's settings."""

    keys: set[str]
    unread: frozenset[str]

    @property
    def sections(self) -> set[str]:
        return {key[:i] for key in self.keys for i, letter in enumerate(key) if letter == "."}


def _settings_in(path: str | Path, known: _Known) -> tuple[dict[str, _Found], list[str]]:
    """The settings that matter, bases included, and what is wrong with names and sections."""
    found: dict[str, _Found] = {}
    problems: list[str] = []
    sections = known.sections
    for file in read_with_bases(path):
        where = "" if file.path == Path(path) else f" (in {file.path})"
        for key, value in _flatten(file.settings, sections):
            if key in sections:
                problems.append(f"{key} is {shown(value)}{where}; it is a section of settings")
            elif key not in known.keys:
                nearest = _nearest(key, known) if len(problems) < LISTED else ""
                problems.append(f"{key:.200} is not a setting of detectron2{where}{nearest}")
            elif key not in known.unread:
                found[key] = _Found(_decode(value), where)
    return found, problems


def _flatten(
    settings: dict[object, object], sections: set[str], section: str = ""
) -> Iterator[tuple[str, object]]:
    """Dotted names and values; only known sections are entered, so aliases cannot nest forever."""
    for name, value in settings.items():
        if not isinstance(name, str) or "." in name:
            yield f"{section}[{shown(name)}]", value
            continue
        key = section + name
        if key in sections and isinstance(value, dict):
            yield from _flatten(value, sections, f"{key}.")
        else:
            yield key, value


def _decode(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except Exception:  # on hostile text also MemoryError and RecursionError
        return value


def _nearest(key: str, known: _Known) -> str:
    name = key.rsplit(".", 1)[-1].upper()
    near = [each for each in sorted(known.keys) if each.rsplit(".", 1)[-1] == name]
    everything = sorted(known.keys | known.sections)
    near = near or difflib.get_close_matches(key.upper(), everything, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ", so its effect is unknown; remove it"
