"""Dataclasses from JSON, held against what their fields are declared to be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from artifact.json_text import is_text


def from_json(kind: Any, value: Any, where: str) -> Any:
    """Returns a value that json.loads has read as a `kind`.

    >>> from_json(tuple[int, ...] | None, [1, 2], "shape")
    (1, 2)

    Args:
        kind: a dataclass of kinds, bool, int, float, str, ``tuple[kind, ...]``,
            ``Mapping[str, kind]``, ``Mapping[int, kind]``, ``kind | None`` or Any.
            A class with a `from_json` of its own is read by that.
        value: what was read.
        where: what messages call it.

    Raises:
        ValueError: it is none; the message says which part of it, and what was expected.
    """
    if kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if value is None else from_json(arguments[0], value, where)
    if origin is tuple:
        items = enumerate(_checked(list, value, where))
        return tuple(from_json(arguments[0], item, f"{where}[{place}]") for place, item in items)
    if origin is Mapping:
        entries = _checked(dict, value, where).items()
        return {
            _key(arguments[0], key, where): from_json(arguments[1], entry, f"{where}.{key}")
            for key, entry in entries
        }
    if hasattr(kind, "from_json"):
        return kind.from_json(value)
    if is_dataclass(kind):
        return _dataclass(kind, _checked(dict, value, where), where)
    return _checked(kind, value, where)


def _dataclass(kind: Any, content: dict[str, Any], where: str) -> Any:
    fields = get_type_hints(kind)
    if missing := fields.keys() - content.keys():
        raise ValueError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown := content.keys() - fields.keys():
        raise ValueError(f"{where} has {', '.join(sorted(unknown))}, which is unknown")
    values = {
        name: from_json(field, content[name], f"{where}.{name}") for name, field in fields.items()
    }
    return kind(**values)


def _key(kind: type, key: str, where: str) -> Any:
    return int(key) if kind is int else _checked(kind, key, f"a key of {where}")


def _checked(kind: type, value: Any, where: str) -> Any:
    # Not isinstance: to Python a bool is an int. JSON has one kind of number.
    if type(value) is not kind and (kind, type(value)) != (float, int):
        raise ValueError(f"{where} is {type(value).__name__}, expected was {kind.__name__}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{where} is {value}, expected was a finite number")
    if kind is str and not is_text(value):
        raise ValueError(f"{where} is {value!r}, expected was text in Unicode")
    return value
