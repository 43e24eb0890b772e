"""How a part of the network declares the settings that it reads.

Its settings are a frozen dataclass, each field of which is made by one of three functions:

>>> @dataclass(frozen=True)
... class HeadSettings:
...     conv_dim: int = setting("MODEL.HEAD.CONV_DIM", 256, integer())
>>> @dataclass(frozen=True)
... class ModelSettings:
...     head_on: bool = setting("MODEL.HEAD_ON", False, boolean())
...     head: HeadSettings | None = part("MODEL.HEAD.NAME", {"Head": HeadSettings}, where="head_on")

A dataclass may check in `__post_init__` what concerns several of its fields: it raises ValueError
with a sentence that names the settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from builder.config.rules import Rule


@dataclass(frozen=True)
class Setting:
    """A field that holds the value of one setting of detectron2's."""

    key: str
    """Its dotted name, such as MODEL.MASK_ON."""
    rule: Rule


@dataclass(frozen=True)
class Group:
    """A field that holds further settings, in a dataclass of their own."""

    settings: type


@dataclass(frozen=True)
class Part:
    """A field that holds the settings of the part that a setting names."""

    key: str
    parts: Mapping[str, type]
    """By the name that detectron2 has for each part, the dataclass of its settings."""
    because: str
    """Why there are no others."""
    where: str | None
    """The field, before this one, without which the part is absent: this one is None then."""


def setting(key: str, default: Any, rule: Rule) -> Any:
    """A field for the setting `key`; `default` is detectron2's."""
    return field(default=default, metadata={"declared": Setting(key, rule)})


def group(settings: type) -> Any:
    """A field for the settings of `settings`, which several parts may read."""
    return field(default_factory=settings, metadata={"declared": Group(settings)})


def part(key: str, parts: Mapping[str, type], because: str, where: str | None = None) -> Any:
    """A field for the part that the setting `key` names; detectron2's default is the first.

    Without the field `where`, False by default, the part is absent and this field is None.
    """
    declared = {"declared": Part(key, parts, because, where)}
    if where is None:
        return field(default_factory=next(iter(parts.values())), metadata=declared)
    return field(default=None, metadata=declared)


def declarations(settings: type) -> dict[str, Setting | Group | Part]:
    """What each field of a dataclass of settings holds, by the field's name."""
    return {each.name: each.metadata["declared"] for each in fields(settings)}


def keys_of(settings: type) -> Iterator[str]:
    """The settings that a dataclass declares, those of all parts and groups below it included."""
    for declared in declarations(settings).values():
        match declared:
            case Setting(key=key):
                yield key
            case Group(settings=inner):
                yield from keys_of(inner)
            case Part(key=key, parts=parts):
                yield key
                for inner in parts.values():
                    yield from keys_of(inner)


def values_by_key(settings: Any) -> dict[str, Any]:
    """The values in an object of settings by the dotted names of detectron2's settings.

    A part is the name that detectron2 has for it; one that is absent has no settings.
    """
    values: dict[str, Any] = {}
    for name, declared in declarations(type(settings)).items():
        value = getattr(settings, name)
        match declared:
            case Setting(key=key):
                values[key] = value
            case Group():
                values |= values_by_key(value)
            case Part(key=key, parts=parts) if value is not None:
                values[key] = next(n for n, inner in parts.items() if inner is type(value))
                values |= values_by_key(value)
    return values
