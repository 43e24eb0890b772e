"""Rules for the value of one setting of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from artifact.json_text import is_text

LARGEST_INTEGER = 100_000
"""Far above any sensible size or count; a typing error should not become a huge allocation."""


class Rule(NamedTuple):
    """What a setting may be."""

    supported: str
    """In words, for the message that refuses another value."""
    parse: Callable[[object], object]
    """Returns the value as the field's type; raises ValueError for a value that is refused."""


def boolean() -> Rule:
    def parse(value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Rule("True or False", parse)


def text(*, may_be_empty: bool = False) -> Rule:
    def parse(value: object) -> str:
        if not is_text(value) or not (may_be_empty or value.strip()):
            raise ValueError
        return value.strip()

    return Rule("a text", parse)


def integer(multiple_of: int = 1, *, least: int = 1, most: int = LARGEST_INTEGER) -> Rule:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        if not least <= value <= most or value % multiple_of:
            raise ValueError
        return value

    kind = "an integer" if multiple_of == 1 else f"a multiple of {multiple_of}"
    return Rule(f"{kind} from {max(least, multiple_of)} to {most}", parse)


def one_of(*choices: int | str) -> Rule:
    def parse(value: object) -> int | str:
        if isinstance(value, bool) or not isinstance(value, int | str) or value not in choices:
            raise ValueError
        return value

    return Rule(" or ".join(map(str, choices)), parse)


def number(supported: str, accepts: Callable[[float], bool]) -> Rule:
    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not abs(value) < 1e9 or not accepts(value):  # `not <` refuses NaN too
            raise ValueError
        return float(value)

    return Rule(supported, parse)


def numbers(count: int, each: Rule) -> Rule:
    def parse(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple) or len(value) != count:
            raise ValueError
        return tuple(map(each.parse, value))

    return Rule(f"a list of {count} numbers, each {each.supported}", parse)


def one_or_more(each: Rule) -> Rule:
    def parse(value: object) -> tuple[object, ...]:
        values = value if isinstance(value, list) else [value]
        if not values:
            raise ValueError
        return tuple(map(each.parse, values))

    return Rule(f"{each.supported}, or a list of such", parse)


def list_of(each: Rule) -> Rule:
    """A list of any length, also of none."""

    def parse(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError
        return tuple(map(each.parse, value))

    return Rule(f"a list of numbers, each {each.supported}", parse)


def lists_of_numbers(each: Rule) -> Rule:
    """For each feature map a list of numbers; one flat list is that of all maps."""

    def parse(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        nested = value if isinstance(value[0], list | tuple) else [value]
        if not all(isinstance(numbers, list | tuple) and numbers for numbers in nested):
            raise ValueError
        return tuple(tuple(map(each.parse, numbers)) for numbers in nested)

    return Rule(f"lists of numbers, each {each.supported}, as in [[a, b, c]]", parse)


def names() -> Rule:
    """A list of one or more names."""

    def parse(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        if not all(isinstance(name, str) for name in value) or len(set(value)) < len(value):
            raise ValueError
        return tuple(value)

    return Rule("a list of different names", parse)


def some_of(*names: str) -> Rule:
    """A list of one or more of `names`, in their order."""

    def parse(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        if tuple(value) != tuple(name for name in names if name in value):
            raise ValueError
        return tuple(value)

    return Rule(f"a list of {', '.join(names)}, in this order, or of some of them", parse)


def exactly(*values: object, because: str) -> Rule:
    """Any of `values`, which are all that is built; a tuple stands for a list as well."""

    def parse(value: object) -> object:
        for allowed in values:
            if _same(value, allowed):
                return allowed
        raise ValueError

    shown = " or ".join(repr(list(v) if isinstance(v, tuple) else v) for v in values)
    return Rule(f"{shown} ({because})", parse)


def _same(value: object, allowed: object) -> bool:
    """Equal, where a list may stand for a tuple, but 1 not for True."""
    if isinstance(value, list):
        value = tuple(value)
    return value == allowed and isinstance(value, bool) == isinstance(allowed, bool)


FINITE = number("finite", lambda x: True)
POSITIVE = number("above 0", lambda x: x > 0)
FRACTION = number("a number from 0 to 1", lambda x: 0 <= x <= 1)
FOLDABLE_NORM = exactly(
    "",
    "FrozenBN",
    "BN",
    "SyncBN",
    because="they fold into the convolutions; GN's statistics are each picture's own",
)
